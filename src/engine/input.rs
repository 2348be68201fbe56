//! Where the bytes come from: a file, a pipe or memory, unpacked by its magic bytes, never by its name.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// Whole lines that are put together as they are asked for: no copy of them is made.
pub trait Blocks: Send {
    /// The next lines, about a megabyte of them, each with its line break; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// When they cannot be had.
    fn next(&mut self) -> io::Result<Option<Arc<Vec<u8>>>>;
}

/// A file on disk that several threads read at a time.
pub trait ReadAt: Send + Sync {
    /// Reads bytes from `offset` on into `to`, as many as there are at once; 0 at the end.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Where from `offset` on the first bytes stand that were ever written: what lies before them reads as zeros. `offset` itself where
    /// that is not known.
    fn behind_hole(&self, offset: u64) -> u64;
}

impl ReadAt for File {
    fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, to, offset)
    }

    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    fn behind_hole(&self, offset: u64) -> u64 {
        use rustix::fs::{SeekFrom, seek};
        // Moves the place from which `read` would read, which nobody asks for.
        match seek(self, SeekFrom::Data(offset)) {
            Ok(data) => data.max(offset),
            // A hole up to the end.
            Err(rustix::io::Errno::NXIO) => self.metadata().map_or(offset, |metadata| metadata.len().max(offset)),
            Err(_) => offset,
        }
    }

    #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
    fn behind_hole(&self, offset: u64) -> u64 {
        offset
    }
}

/// Where lines come from.
pub(super) enum Origin {
    Reader(Box<dyn Read + Send>),
    /// A file that is not packed, and the length that it had.
    File(Arc<dyn ReadAt>, u64),
    Blocks(Box<dyn Blocks>),
}

/// Blocks that were given out. The memory of one serves again once nobody looks at it any more: the system hands out fresh
/// memory page by page, which costs about as much as to read a file into it.
#[derive(Debug, Default)]
pub(crate) struct Spent(Vec<Arc<Vec<u8>>>);

impl Spent {
    /// Blocks that are remembered.
    const MOST: usize = 64;
    /// Bytes of a block that is worth keeping; one that held a very long line is not, as memory would follow the threads then.
    const MOST_BYTES: usize = 8 << 20;

    /// Room for a block, with the bytes that stood there before: that of the youngest one that is free, which may still be in the
    /// cache.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let free = self.0.iter().rposition(|block| Arc::strong_count(block) == 1);
        let block = free.map(|index| self.0.remove(index)).and_then(|block| Arc::try_unwrap(block).ok());
        block.unwrap_or_default()
    }

    /// Remembers `block`, at which others still may look.
    pub(crate) fn keep(&mut self, block: Arc<Vec<u8>>) {
        if Self::is_worth_keeping(&block) && self.0.len() < Self::MOST {
            self.0.push(block);
        }
    }

    /// Whether it has memory, and not too much of it.
    pub(crate) fn is_worth_keeping(block: &Vec<u8>) -> bool {
        (1..=Self::MOST_BYTES).contains(&block.capacity())
    }
}

/// One file to check.
pub struct Input {
    pub(super) path: Arc<str>,
    pub(super) regular: bool,
    pub(super) compression: Option<&'static str>,
    pub(super) reader: Box<dyn Read + Send>,
    /// What comes in place of a reader.
    origin: Option<Origin>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("path", &self.path).field("compression", &self.compression).finish_non_exhaustive()
    }
}

impl Input {
    /// An input shown as `path`. `regular` says whether it is a file on disk, whose name means something.
    ///
    /// # Errors
    ///
    /// When the first bytes cannot be read, or are those of gzip or zstd and what follows is neither.
    pub fn new(path: &str, regular: bool, reader: impl Read + Send + 'static) -> io::Result<Self> {
        let (compression, reader) = unpacked(reader)?;
        Ok(Self { path: Arc::from(path), regular, compression, reader, origin: None })
    }

    /// A file on disk of `length` bytes, shown as `path`. Several threads read it at a time where it is not packed; what was added since
    /// its length was taken is read, too.
    ///
    /// # Errors
    ///
    /// As for [`Input::new`].
    pub fn from_file(path: &str, file: impl ReadAt + 'static, length: u64) -> io::Result<Self> {
        let file: Arc<dyn ReadAt> = Arc::new(file);
        let input = Self::new(path, true, FromStart { file: Arc::clone(&file), at: 0 })?;
        Ok(Self { origin: input.compression.is_none().then_some(Origin::File(file, length)), ..input })
    }

    /// An input shown as `path`, as if it were a file on disk, that is made as it is read; never packed.
    pub fn made(path: &str, blocks: impl Blocks + 'static) -> Self {
        Self { origin: Some(Origin::Blocks(Box::new(blocks))), ..Self::empty(path) }
    }

    /// A file of nothing.
    pub(super) fn empty(path: &str) -> Self {
        Self { path: Arc::from(path), regular: true, compression: None, reader: Box::new(io::empty()), origin: None }
    }

    /// Takes out where the lines come from.
    pub(super) fn take_origin(&mut self) -> Origin {
        let reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.origin.take().unwrap_or(Origin::Reader(reader))
    }

    /// Whether it is packed, and is unpacked as it is read.
    pub fn is_packed(&self) -> bool {
        self.compression.is_some()
    }

    /// What is to be read, unpacked.
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        self.reader
    }

    /// An input from memory.
    ///
    /// # Errors
    ///
    /// As for [`Input::new`].
    pub fn from_bytes(path: &str, bytes: Vec<u8>) -> io::Result<Self> {
        Self::new(path, true, Cursor::new(bytes))
    }
}

/// A file that is read from one end to the other.
struct FromStart {
    file: Arc<dyn ReadAt>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(to, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// The plain bytes of `reader`, and how they were packed.
///
/// # Errors
///
/// As for [`Input::new`].
pub(crate) fn unpacked(mut reader: impl Read + Send + 'static) -> io::Result<(Option<&'static str>, Box<dyn Read + Send>)> {
    let mut magic = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut magic)?;
    let is_gzip = magic.starts_with(&[0x1f, 0x8b]);
    let is_zstd = magic == [0x28, 0xb5, 0x2f, 0xfd];
    let whole = Cursor::new(magic).chain(reader);
    Ok(if is_gzip {
        (Some("gzip"), Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 17, whole))))
    } else if is_zstd {
        (Some("zstd"), Box::new(ZstdFrames { frame: Some(frame(BufReader::with_capacity(1 << 17, Box::new(whole)))?) }))
    } else {
        (None, Box::new(whole))
    })
}

type Packed = BufReader<Box<dyn Read + Send>>;
type Frame = StreamingDecoder<Packed, ruzstd::decoding::FrameDecoder>;

fn frame(packed: Packed) -> io::Result<Frame> {
    StreamingDecoder::new(packed).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("not valid zstd: {error}")))
}

/// A zstd file is one frame after another; the decoder knows one.
struct ZstdFrames {
    frame: Option<Frame>,
}

impl Read for ZstdFrames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(current) = &mut self.frame {
            let count = current.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(done) = self.frame.take() else { break };
            let mut packed = done.into_inner();
            if !io::BufRead::fill_buf(&mut packed)?.is_empty() {
                self.frame = Some(frame(packed)?);
            }
        }
        Ok(0)
    }
}
