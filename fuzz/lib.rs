//! What the targets share: the properties, which stand with the tests, and the beginning of a run.

#[path = "../tests/integration/properties/mod.rs"]
mod properties;

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

/// What allocates: a run that asks for more than this ends as a crash. An image may take 400 MB by the default caps, and its
/// decoding for comparison as much again.
#[global_allocator]
static MEMORY: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, 1 << 30);

static LAST: Mutex<String> = Mutex::new(String::new());

/// Panics are told when they get through: those of decoders that are not ours are caught where they come from, and are no fault.
/// libfuzzer-sys would end the run at any.
pub fn begin() {
    set_hook(Box::new(|panic| {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// Tries the property of `target` on `data`; a panic ends the run.
pub fn holds(target: &str, data: &[u8]) {
    let property = properties::ALL.iter().find(|(name, _)| *name == target).map(|(_, property)| property);
    let property = property.unwrap_or_else(|| std::process::abort());
    if catch_unwind(AssertUnwindSafe(|| property(data))).is_err() {
        eprintln!("{}", LAST.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}
