use crate::context::{Context, Image};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Edit, Fix};
use crate::fetch::address::scheme;
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I005",
    name: "unsupported-url-scheme",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unsupported_url_scheme.md"),
};

/// How the base64 text of an image begins.
const BASE64: [(&str, &str); 4] = [("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("UklGR", "image/webp"), ("R0lGOD", "image/gif")];

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let allowed = &cx.settings.target.images.schemes.value;
    let url = image.part.text.trim();
    let scheme = scheme(url);
    if scheme.is_some_and(|scheme| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(scheme))) {
        return;
    }
    let names = allowed.iter().map(|name| format!("`{name}:`")).collect::<Vec<_>>().join(", ");
    let takes_web = allowed.iter().any(|name| name == "https");
    let embed = if takes_web { "embed the image as a data URL, or give a public https address" } else { "embed the image as a data URL" };
    let (message, help) = match scheme {
        Some(scheme) => (format!("the image is given as {}", quoted(&format!("{}:", scheme.to_ascii_lowercase()))), embed.to_owned()),
        None if url.is_empty() => ("the URL of the image is empty".to_owned(), embed.to_owned()),
        None => match BASE64.iter().find(|(start, _)| url.starts_with(start)) {
            Some((_, media_type)) => {
                ("the image is bare base64, not a URL".to_owned(), format!("write `data:{media_type};base64,` before it"))
            }
            None if takes_web && (url.starts_with("//") || url.starts_with("www.")) => {
                (format!("the address {} has no scheme", quoted(url)), "begin it with `https://`".to_owned())
            }
            None => (format!("{} is a path or a name, not a URL", quoted(url)), embed.to_owned()),
        },
    };
    let start = image.part.url.span.range().start + 1;
    let bare = BASE64.iter().find(|(start, _)| scheme.is_none() && image.part.text.starts_with(start));
    let fix = bare.map(|(_, media_type)| {
        let head = format!("data:{media_type};base64,");
        Fix::safe(format!("write `{head}` before it"), [Edit::insert(start, head)])
    });
    cx.report(image.part.url, format!("{message}; {} takes {names}", cx.target())).help(help).fix(fix);
}
