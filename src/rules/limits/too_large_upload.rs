use crate::context::{Anchor, Context};
use crate::diagnostic::{bytes, bytes_beside};
use crate::rule::{Effect, Evidence, Rule, Severity};
use crate::summary::FileSummary;

pub(crate) static RULE: Rule = Rule {
    code: "L005",
    name: "too-large-upload",
    severity: Severity::Warning,
    effect: Effect::RejectsFile,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("too_large_upload.md"),
};

pub(crate) fn check(file: &FileSummary, cx: &mut Context<'_>) {
    let limits = &cx.settings.target.limits;
    let Some(limit) = limits.upload_bytes.as_ref().filter(|limit| file.bytes > limit.value) else { return };
    let (size, most) = bytes_beside(file.bytes, limit.value);
    let help = match &limits.multipart_upload_bytes {
        Some(parts) if file.bytes <= parts.value => {
            format!("upload it in parts, which may have {} together; smaller images help most", bytes(parts.value))
        }
        _ => "make it smaller: images as JPEG of a lower quality, no repeated ones, fewer examples".to_owned(),
    };
    cx.report(Anchor::File, format!("the file has {size}; {} takes at most {most} in one upload", cx.target())).help(help);
}
