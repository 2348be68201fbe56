use crate::context::{Anchor, Context, Head};
use crate::diagnostic::quoted;
use crate::rule::{Effect, Evidence, Rule, Severity};
use std::path::Path;

pub(crate) static RULE: Rule = Rule {
    code: "F002",
    name: "invalid-extension",
    severity: Severity::Error,
    effect: Effect::RejectsFile,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("invalid_extension.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    // A file that is something else altogether is told what it is, not how to be named.
    if !head.regular || head.fault.is_some() {
        return;
    }
    let path = Path::new(head.path);
    let is_packing = |extension: &str| ["gz", "gzip", "zst", "zstd"].iter().any(|packing| extension.eq_ignore_ascii_case(packing));
    let extension = |path: &Path| path.extension().map(|extension| extension.to_string_lossy().into_owned());
    let own = match extension(path) {
        Some(outer) if head.compression.is_some() && is_packing(&outer) => path.file_stem().and_then(|stem| extension(Path::new(stem))),
        own => own,
    };
    let message = match own {
        Some(own) if own.eq_ignore_ascii_case("jsonl") => return,
        Some(own) => format!("the file name ends in {}; {} takes `.jsonl`", quoted(&format!(".{own}")), cx.target()),
        None => format!("the file name has no extension; {} takes `.jsonl`", cx.target()),
    };
    cx.report(Anchor::File, message).help("rename it to end in `.jsonl`");
}
