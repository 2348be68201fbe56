//! What a file is checked for: target, model, and the level of each rule after
//! rule default < target < configuration < flags. Pure data, made once per set of options.

use std::borrow::Cow;

use crate::format::Format;
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::target::{Date, Level, Model, Target};

/// How much is looked at in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ImageChecks {
    /// URLs and media types only.
    None,
    /// Format, size and mode, from the header.
    Header,
    /// Every byte: intact or damaged.
    #[default]
    Full,
}

/// Everything a check is judged by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the dataset is bound for.
    pub target: Target,
    /// The model to be trained, when it is one of the target's.
    pub model: Option<Model>,
    /// The model as it was asked for.
    pub model_name: Option<String>,
    /// Whether nobody asked for a model: the target's default stands in.
    pub is_default_model: bool,
    /// The format asked for; detected when `None`.
    pub format: Option<Format>,
    /// How much is looked at in images.
    pub images: ImageChecks,
    /// Whether tokens are counted.
    pub count_tokens: bool,
    /// Epochs asked for; by the target's formula when `None`.
    pub epochs: Option<u64>,
    /// Longest line that is read, in bytes.
    pub max_line_bytes: usize,
    /// Deepest nesting that is read.
    pub max_depth: usize,
    /// The day on which the job would start.
    pub today: Date,
    judgements: Vec<Judgement>,
}

/// How one rule is judged.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The rule.
    pub rule: &'static Rule,
    /// Its level; `None` when it is off.
    pub severity: Option<Severity>,
    /// Its effect at this target.
    pub effect: Effect,
    /// How well that is known.
    pub evidence: Evidence,
    /// What this provider says.
    pub provider_message: Option<Cow<'static, str>>,
    /// Who decided the level last.
    pub origin: Origin,
}

/// Who decided a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The rule itself.
    Rule,
    /// The target's file.
    Target,
    /// The configuration file.
    Config,
    /// The command line.
    Flag,
}

/// A rule, or all rules whose code begins so, that a configuration or flag speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(String);

impl Selector {
    /// Reads a code (`M103`), the beginning of codes (`M`, `M1`), a name (`empty-content`) or `ALL`.
    ///
    /// # Errors
    ///
    /// When no rule of `registry` is meant; says which one is near.
    pub fn parse(text: &str, registry: &[&'static Rule]) -> Result<Self, String> {
        let selector = Self(text.to_owned());
        if text == "ALL" || registry.iter().any(|rule| selector.matches(rule)) {
            return Ok(selector);
        }
        let names = registry.iter().flat_map(|rule| [rule.name, rule.code]);
        let text = crate::diagnostic::quoted(text);
        Err(match crate::diagnostic::nearest(text.trim_matches('`'), names) {
            Some(nearest) => format!("there is no rule {text}; did you mean `{nearest}`?"),
            None => format!("there is no rule {text}; `tunelint rule` lists them"),
        })
    }

    /// Whether `rule` is meant.
    pub fn matches(&self, rule: &Rule) -> bool {
        let by_code = self.0.len() <= rule.code.len()
            && rule.code.get(..self.0.len()).is_some_and(|start| start.eq_ignore_ascii_case(&self.0))
            && (self.0.len() == 1 || self.0.bytes().skip(1).all(|byte| byte.is_ascii_digit()));
        self.0 == "ALL" || self.0.eq_ignore_ascii_case(rule.name) || (!self.0.is_empty() && by_code)
    }

    /// How closely it names a rule: a longer code or a name outweighs `ALL` and a letter.
    fn precision(&self) -> usize {
        if self.0 == "ALL" { 0 } else { self.0.len() }
    }
}

/// What one source (a configuration file, or the flags) says about levels.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// Only these are checked.
    pub select: Option<Vec<Selector>>,
    /// These too.
    pub extend_select: Vec<Selector>,
    /// Not these.
    pub ignore: Vec<Selector>,
    /// These at this level.
    pub severity: Vec<(Selector, Level)>,
}

impl Settings {
    /// Settings for `target`, with the rules of `registry` at their own and the target's levels.
    pub fn new(target: Target, registry: &[&'static Rule], today: Date) -> Self {
        // A rule's own message is OpenAI's; other targets give theirs in their files.
        let says = |rule: &Rule| rule.provider_message.filter(|_| target.name == "openai").map(Cow::Borrowed);
        let judgements = registry
            .iter()
            .map(|rule| match target.rules.get(rule.name) {
                Some(own) => Judgement {
                    rule,
                    severity: own.level.severity(),
                    effect: own.effect.unwrap_or(rule.effect),
                    evidence: own.evidence,
                    provider_message: match &own.provider_message {
                        Some(message) => Some(Cow::Owned(message.clone())),
                        None => says(rule),
                    },
                    origin: Origin::Target,
                },
                None => Judgement {
                    rule,
                    severity: (!rule.opt_in).then_some(rule.severity),
                    effect: rule.effect,
                    evidence: rule.evidence,
                    provider_message: says(rule),
                    origin: Origin::Rule,
                },
            })
            .collect();
        let mut settings = Self {
            model: None,
            model_name: None,
            is_default_model: true,
            format: None,
            images: ImageChecks::Full,
            count_tokens: true,
            epochs: None,
            max_line_bytes: 256 << 20,
            max_depth: 128,
            today,
            judgements,
            target,
        };
        settings.set_model(None);
        settings
    }

    /// Chooses the model; the target's default when `name` is `None`.
    pub fn set_model(&mut self, name: Option<&str>) {
        self.is_default_model = name.is_none();
        let name = name.or(self.target.default_model.as_deref());
        self.model = name.and_then(|name| self.target.model(name)).cloned();
        self.model_name = name.map(str::to_owned);
    }

    /// Lays `levels` over what is set so far.
    pub fn apply(&mut self, levels: &Levels, origin: Origin) {
        for judgement in &mut self.judgements {
            let rule = judgement.rule;
            let best = |selectors: &[Selector]| selectors.iter().filter(|selector| selector.matches(rule)).map(Selector::precision).max();
            let own =
                levels.severity.iter().filter(|(selector, _)| selector.matches(rule)).max_by_key(|(selector, _)| selector.precision());
            if let Some((_, level)) = own {
                (judgement.severity, judgement.origin) = (level.severity(), origin);
            }
            let default = judgement.severity.unwrap_or(rule.severity);
            let selected = levels.select.as_deref().map(&best).unwrap_or_default().max(best(&levels.extend_select));
            let ignored = best(&levels.ignore);
            if selected > ignored {
                // `ALL` and families leave alone what is off at this target; a rule named in full is meant.
                if selected >= Some(rule.code.len()) || judgement.severity.is_some() || !rule.opt_in {
                    (judgement.severity, judgement.origin) = (Some(default), origin);
                }
            } else if levels.select.is_some() || ignored.is_some() {
                (judgement.severity, judgement.origin) = (None, origin);
            }
        }
    }

    /// How each rule is judged, in the order of the registry.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }
}
