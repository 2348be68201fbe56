//! What is too much for memory and not done with: bytes in a file without a name, which vanishes with the process. Memory holds
//! where things are, not what they are.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where something is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) offset: u64,
    pub(crate) length: u32,
}

/// A file without a name that only grows; many threads write and read it at once.
#[derive(Debug)]
pub(crate) struct Pile {
    file: File,
    end: AtomicU64,
}

impl Pile {
    /// An empty pile on the disk of `folder`.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, end: AtomicU64::new(0) })
    }

    /// Keeps `bytes`.
    pub(crate) fn put(&self, bytes: &[u8]) -> io::Result<Stored> {
        let length = u32::try_from(bytes.len()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "over 4 GB in one piece"))?;
        let offset = self.end.fetch_add(u64::from(length), Ordering::Relaxed);
        self.file.write_all_at(bytes, offset)?;
        Ok(Stored { offset, length })
    }

    /// Appends what is kept at `stored` to `out`.
    pub(crate) fn read(&self, stored: Stored, out: &mut Vec<u8>) -> io::Result<()> {
        let from = out.len();
        out.resize(from + stored.length as usize, 0);
        self.file.read_exact_at(out.get_mut(from..).unwrap_or_default(), stored.offset)
    }
}
