use crate::context::{Anchor, Context};
use crate::edit::{Applicability, Fix};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::schema::{SchemaFault, ShapeFault};

pub(crate) static RULE: Rule = Rule {
    code: "I004",
    name: "invalid-image-part",
    severity: Severity::Error,
    effect: Effect::RejectsJob,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_image_part.md"),
};

pub(crate) fn check(fault: &SchemaFault<'_>, cx: &mut Context<'_>) {
    let value = fault.value;
    let url = value.member("url").filter(|member| member.value.as_str().is_some() && value.get("image_url").is_none());
    let fix = match (&fault.fault, value.as_str()) {
        (ShapeFault::WrongType(expected), Some(_)) if expected != "a string" => {
            Some(Fix::safe("put the address into an object", value.wrapped("{\"url\": ", "}")))
        }
        (ShapeFault::Missing(key), _) if key == "image_url" => url.map(|member| {
            let [before, after] = member.value.wrapped("{\"url\": ", "}");
            Fix::safe("put the address into an object", [member.renamed("image_url"), before, after])
        }),
        _ => None,
    };
    let (anchor, message, help) = match &fault.fault {
        ShapeFault::Missing(key) if key == "image_url" => {
            let other = ["url", "image", "source", "data", "file_id", "image_data"].into_iter().find_map(|key| value.member(key));
            let help = "write `\"image_url\": {\"url\": \"data:image/png;base64,…\"}`";
            (other.map_or(Anchor::from(value), Anchor::from), "this image part has no `image_url`".to_owned(), help)
        }
        ShapeFault::Missing(_) => {
            (Anchor::from(value), "`image_url` has no `url`".to_owned(), "write `{\"url\": \"data:image/png;base64,…\"}`")
        }
        ShapeFault::WrongType(expected) if expected == "a string" => {
            (Anchor::from(value), format!("`url` must be a string, not {}", value.kind()), "write a data URL or an address as text")
        }
        _ => {
            let help = if value.as_str().is_some() {
                "write `\"image_url\": {\"url\": \"…\"}`: the address goes one level deeper"
            } else {
                "write `{\"url\": \"data:image/png;base64,…\"}`"
            };
            (Anchor::from(value), format!("`image_url` must be an object with `url`, not {}", value.kind()), help)
        }
    };
    cx.report(anchor, message).help(help).fix(fix);
}
