//! Asks for the images of a block before its lines are judged: many at a time, each once.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use indexmap::IndexMap;

use super::Remembered;
use crate::fetch::{Fetch, Fetched, Unanswered};
use crate::image::{Caps, Depth};

/// Requests under way. Most datasets keep their images on one host, which a polite visitor does not swamp.
const AT_ONCE: usize = 8;

/// What asks, and what it was told.
#[derive(Debug)]
pub(super) struct Fetcher {
    fetch: Box<dyn Fetch>,
    /// Held by the block that is asking: what two blocks have in common is asked for once.
    known: Mutex<Remembered<Fetched>>,
}

impl Fetcher {
    pub(super) fn new(fetch: Box<dyn Fetch>) -> Self {
        Self { fetch, known: Mutex::default() }
    }

    /// What stands behind `addresses`, by the hashes that they come with. They are asked in this order.
    pub(super) fn all(&self, addresses: IndexMap<u128, String>, most: u64, depth: Option<Depth>) -> HashMap<u128, Arc<Fetched>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        for (hash, url) in addresses {
            match known.get(hash) {
                Some(fetched) => drop(found.insert(hash, fetched)),
                None => unknown.push((hash, url)),
            }
        }
        let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(unknown.len())));
        thread::scope(|scope| {
            for _ in 0..unknown.len().min(AT_ONCE) {
                scope.spawn(|| {
                    while let Some((hash, url)) = unknown.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let look = || Fetched::look(&*self.fetch, url, most, depth, &Caps::default());
                        // As for a line, the last net.
                        let fetched = catch_unwind(AssertUnwindSafe(look))
                            .unwrap_or_else(|_| Unanswered::Broken("tunelint failed on its answer; please report it".to_owned()).into());
                        answers.lock().unwrap_or_else(PoisonError::into_inner).push((*hash, Arc::new(fetched)));
                    }
                });
            }
        });
        for (hash, fetched) in answers.into_inner().unwrap_or_else(PoisonError::into_inner) {
            found.insert(hash, known.put(hash, fetched));
        }
        found
    }
}
