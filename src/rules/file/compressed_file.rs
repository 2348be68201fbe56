use crate::context::{Anchor, Context, Head};
use crate::rule::{Effect, Evidence, Rule, Severity};

pub(crate) static RULE: Rule = Rule {
    code: "F018",
    name: "compressed-file",
    severity: Severity::Info,
    effect: Effect::RejectsFile,
    evidence: Evidence::Schema,
    provider_message: None,
    opt_in: false,
    fix: None,
    since: "0.1.0",
    docs: include_str!("compressed_file.md"),
};

pub(crate) fn check(head: &Head<'_>, cx: &mut Context<'_>) {
    let Some(packing) = head.compression else { return };
    let is_named_so = [".gz", ".gzip", ".zst", ".zstd"].iter().any(|suffix| head.path.to_ascii_lowercase().ends_with(suffix));
    let aside = if head.regular && !is_named_so { ", though its name does not say so" } else { "" };
    let command = if packing == "zstd" { "zstd -d" } else { "gunzip" };
    let help = format!("unpack it before the upload (`{command}`): {} takes plain JSONL", cx.target());
    cx.report(Anchor::File, format!("the file is packed with {packing}{aside}; it was unpacked to be checked")).help(help);
}
