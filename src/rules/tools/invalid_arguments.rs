use crate::context::Context;
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix, apply};
use crate::format::Example;
use crate::json::{FaultKind, Span, Value, encoded_twice, parse, quote, relaxed};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::rules::few;

pub(crate) static RULE: Rule = Rule {
    code: "T013",
    name: "invalid-arguments",
    severity: Severity::Warning,
    effect: Effect::Advice,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_arguments.md"),
};

pub(crate) fn check(example: &Example<'_>, cx: &mut Context<'_>) {
    let depth = cx.settings.max_depth;
    let faulty = example.calls().filter_map(|call| {
        let arguments = call.arguments()?;
        Some((call, arguments, fault(arguments.as_str()?, depth)?))
    });
    for ((call, arguments, fault), more) in few(faulty) {
        let fix = arguments.as_str().and_then(|text| plain(text, depth));
        let fix = fix.map(|json| Fix::safe("write the arguments as a JSON object", [arguments.replaced(quote(&json))]));
        let name = call.name().map(|name| format!(" of {}", quoted(name))).unwrap_or_default();
        let Fault { span, what, help } = fault;
        match span {
            Some(span) => cx.report_within(
                arguments,
                span.start as usize,
                span.range().len(),
                format!("the arguments{name} are no JSON: {what}{more}"),
            ),
            None => cx.report(arguments, format!("the arguments{name} {what}{more}")),
        }
        .help(help)
        .fix(fix);
    }
}

/// The object that the text can only mean.
fn plain(text: &str, depth: usize) -> Option<String> {
    if text.trim().is_empty() {
        return Some("{}".to_owned());
    }
    let parsed = parse(text.as_bytes(), depth);
    if let Some(inner) = parsed.value.as_ref().filter(|_| parsed.faults.is_empty()).and_then(Value::as_str) {
        return encoded_twice(inner, depth).filter(|json| json.starts_with('{'));
    }
    let edits = relaxed(text.as_bytes(), depth, Applicability::Safe)?;
    let json = String::from_utf8(apply(text.as_bytes(), [&Fix::safe("", edits)]).bytes).ok()?;
    encoded_twice(&json, depth).filter(|json| json.starts_with('{'))
}

struct Fault {
    /// Where in the text; `None` for all of it.
    span: Option<Span>,
    what: String,
    help: &'static str,
}

const DUMPS: &str = "write them with a JSON library; in Python: `json.dumps(arguments)`, not `str(arguments)`";

fn fault(text: &str, depth: usize) -> Option<Fault> {
    if text.trim().is_empty() {
        return Some(Fault { span: None, what: "are empty".to_owned(), help: "write `\"{}\"` for a call without arguments" });
    }
    let parsed = parse(text.as_bytes(), depth);
    if let Some((fault, what)) = parsed.faults.iter().find_map(|fault| Some((fault, words(&fault.kind)?))) {
        let help = match fault.kind {
            FaultKind::ControlCharacter(_) => {
                "a line break within such a string is written `\\\\n`: it is escaped once for the inner JSON, once for the outer"
            }
            _ => DUMPS,
        };
        return Some(Fault { span: Some(fault.span), what, help });
    }
    let value = parsed.value?;
    let help = match value.as_str() {
        Some(_) => "they are encoded twice: encode the object once",
        None => "write an object with a key for each argument",
    };
    value.as_object().is_none().then(|| Fault { span: None, what: format!("hold {}, not a JSON object", value.kind()), help })
}

/// What is wrong with the text; `None` for what JSON allows, if unwisely.
fn words(kind: &FaultKind) -> Option<String> {
    Some(match kind {
        FaultKind::UnexpectedEnd => "they end too early".to_owned(),
        FaultKind::Expected(what) => format!("{what} belongs here"),
        FaultKind::TrailingContent => "something stands behind the object".to_owned(),
        FaultKind::TrailingComma => "nothing follows this comma".to_owned(),
        FaultKind::SingleQuotes => "strings stand in double quotes".to_owned(),
        FaultKind::TypographicQuotes => "strings stand in plain double quotes".to_owned(),
        FaultKind::UnquotedKey => "keys stand in double quotes".to_owned(),
        FaultKind::Comment => "JSON has no comments".to_owned(),
        FaultKind::NonFinite => "JSON has no such number".to_owned(),
        FaultKind::PythonLiteral => "JSON writes `true`, `false` and `null`".to_owned(),
        FaultKind::InvalidNumber => "JSON writes numbers otherwise".to_owned(),
        FaultKind::ControlCharacter(_) => "a control character must be escaped".to_owned(),
        FaultKind::InvalidEscape => "JSON has no such escape".to_owned(),
        FaultKind::TooDeep => "they are nested too deep".to_owned(),
        FaultKind::NumberOutOfRange | FaultKind::LoneSurrogate | FaultKind::DuplicateKey(..) => return None,
    })
}
