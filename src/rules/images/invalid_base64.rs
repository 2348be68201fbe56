use crate::context::{Context, Image};
use crate::diagnostic::{number, quoted};
use crate::edit::{Applicability, Edit, Fix};
use crate::image::data_url::{Base64Fault, decode};
use crate::image::{Caps, Depth, Embedded, Verdict, inspect};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "I008",
    name: "invalid-base64",
    severity: Severity::Error,
    effect: Effect::SkipsImage,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("invalid_base64.md"),
};

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let Some(embedded) = image.embedded else { return };
    let payload = image.part.text.get(embedded.payload_start..).unwrap_or_default();
    let Some(fault) = embedded.base64_fault else { return };
    let (message, help) = match fault {
        Base64Fault::Empty | Base64Fault::MissingPadding | Base64Fault::TrailingBits { .. } => return,
        Base64Fault::WhiteSpace { at } if payload.as_bytes().get(at) == Some(&b' ') => (
            "the base64 text has a space in it".to_owned(),
            "remove the spaces; where each stands for a `+`, the text was decoded as a form: encode the image anew",
        ),
        Base64Fault::WhiteSpace { .. } => {
            ("the base64 text is broken into lines".to_owned(), "write it in one piece; in Python: `base64.b64encode`, not `encodebytes`")
        }
        Base64Fault::UrlSafe { .. } => (
            "the base64 text is in the alphabet for URLs (`-` and `_`)".to_owned(),
            "use the standard alphabet; in Python: `base64.b64encode`, not `urlsafe_b64encode`",
        ),
        Base64Fault::PercentEncoded { .. } => {
            ("the base64 text is percent-encoded on top".to_owned(), "write it as it is: `+`, `/` and `=` need no escape here")
        }
        Base64Fault::BadCharacter { .. } if payload.starts_with("b'") || payload.starts_with("b\"") => {
            ("the base64 text is a Python bytes literal (`b'…'`)".to_owned(), "decode it first: `base64.b64encode(data).decode()`")
        }
        Base64Fault::BadCharacter { .. } if payload.starts_with("data:") => ("`data:` stands twice".to_owned(), "write the prefix once"),
        Base64Fault::BadCharacter { character: '{' | '<' | '$' | '[' | '.' | '…', .. } => {
            (format!("{} is a placeholder, not base64", quoted(payload)), "put the encoded image in its place")
        }
        Base64Fault::BadCharacter { character, .. } => {
            (format!("{} is no base64 character", quoted(&character.to_string())), "encode the image anew, in the standard alphabet")
        }
        Base64Fault::BadPadding { .. } => {
            ("`=` stands where no padding belongs".to_owned(), "encode the image in one piece; two base64 texts cannot be joined")
        }
        Base64Fault::BadLength { characters } => (
            format!("the base64 text has {} characters, which no bytes encode to", number(characters as u64)),
            "it was cut, or lost a character: encode the image anew",
        ),
    };
    let (start, length) = (embedded.payload_start, payload.len());
    let fix = if payload.starts_with("data:") {
        let inner = Edit::delete(cx.span_within(image.part.url, 0, start).range());
        Some(Fix::safe("write the prefix once", [inner]))
    } else {
        mended(payload, embedded).map(|plain| {
            let edit = Edit::replace(cx.span_within(image.part.url, start, length).range(), plain);
            Fix::safe("write it as plain base64", [edit])
        })
    };
    let found = match fault.at() {
        Some(at) => cx.report_within(image.part.url, embedded.payload_start + at, 1, message),
        None => cx.report(image.part.url, message),
    };
    found.help(help).fix(fix);
}

/// The base64 text with what does not belong there taken out, where an intact image comes of it.
fn mended(payload: &str, embedded: &Embedded) -> Option<String> {
    // Read in the one way that there is, it has been looked at already; else it is looked at now.
    let intact = |verdict: &Verdict| verdict.damage.is_none();
    let literal = ["b'", "b\""].iter().find_map(|start| payload.strip_prefix(start)?.strip_suffix(&start[1..]));
    let (plain, is_sound) = match literal {
        Some(plain) => (plain.to_owned(), None),
        None => {
            let unescaped = percent_decoded(payload);
            let plain = unescaped.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| match c {
                '-' => '+',
                '_' => '/',
                c => c,
            });
            (plain.collect(), Some(embedded.verdict.as_ref().is_some_and(intact)))
        }
    };
    let mut bytes = Vec::new();
    decode(&plain, &mut bytes).ok()?;
    is_sound.unwrap_or_else(|| intact(&inspect(&bytes, Depth::Full, &Caps::default()))).then_some(plain)
}

/// The text with `%2B`, `%2F` and `%3D` written out.
fn percent_decoded(text: &str) -> String {
    let escapes = [("%2B", "+"), ("%2b", "+"), ("%2F", "/"), ("%2f", "/"), ("%3D", "="), ("%3d", "=")];
    if !text.contains('%') {
        return text.to_owned();
    }
    escapes.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}
