//! What a file was made from, beside it: enough to make it again, and to see that nothing went missing on the way.

use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::plan::{Overview, Plan};
use super::source::Digest;
use super::{Skipped, SplitOutcome};

/// The manifest of each file, by its path. No time and no machine stands in it: the same input gives the same text.
pub(super) fn manifests(
    plan: &Plan<'_>,
    splits: &[SplitOutcome],
    skipped: &Skipped,
    overviews: &[Overview],
    digests: &[Vec<Digest>],
) -> Vec<(PathBuf, String)> {
    let recipe = Sha256::digest(plan.loaded.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sources: Vec<Value> = plan
        .lines
        .iter()
        .zip(overviews)
        .zip(digests)
        .map(|((line, overview), digests)| {
            json!({
                "name": line.name,
                "files": digests.iter().map(|file| json!({ "path": file.path, "bytes": file.bytes, "sha256": file.sha256 })).collect::<Vec<_>>(),
                "rows": overview.rows,
                "left_out": {
                    "by_filter": overview.filtered,
                    "without_example": overview.empty,
                    "in_no_split": overview.left,
                },
            })
        })
        .collect();
    let rows: Vec<Value> = skipped.rows.iter().map(|row| json!({ "place": row.place, "row": row.row, "reason": row.message })).collect();
    splits
        .iter()
        .map(|split| {
            let manifest = json!({
                "schema": "tunelint/manifest@1",
                "tunelint": env!("CARGO_PKG_VERSION"),
                "file": {
                    "name": split.path.file_name().map(|name| name.to_string_lossy()),
                    "split": split.name,
                    "examples": split.examples,
                    "bytes": split.bytes,
                    "sha256": split.sha256,
                },
                "target": plan.settings.target.name,
                "model": plan.settings.model_name,
                "recipe": {
                    "name": plan.loaded.path.file_name().map(|name| name.to_string_lossy()),
                    "sha256": recipe,
                    "set": plan.loaded.settings,
                    "seed": plan.recipe.seed,
                },
                "sources": sources,
                "skipped": { "count": skipped.count(), "reasons": skipped.reasons, "first": rows },
            });
            let mut path = split.path.clone().into_os_string();
            path.push(".manifest.json");
            (PathBuf::from(path), format!("{manifest:#}\n"))
        })
        .collect()
}
