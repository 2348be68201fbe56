//! What stands between the crate's page reader and the file. A page says itself how much memory it wants to be unpacked into, up to
//! 2 GB, and the crate gives it that: so its header is looked at first.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;

use super::Chunks;
use crate::diagnostic;

/// What a page may be unpacked to however small it is (the same image over and over packs well), and how many times its size it may be
/// unpacked to beyond that. The pages that writers make are a megabyte, or a thousand values.
const UNPACKED: u64 = 256 << 20;
const TIMES: u64 = 100;

/// Nesting of a page header; those that mean something have three levels.
const DEPTH: u8 = 8;

/// The pages of one column chunk.
pub(super) struct Pages {
    pub(super) chunks: Arc<Chunks>,
    /// Whether an index says where the pages are. They are read in one piece then, with their headers; otherwise each header is read
    /// as a stream, and then the page.
    pub(super) indexed: bool,
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.chunks.length
    }
}

impl ChunkReader for Pages {
    type T = Stream;

    fn get_read(&self, start: u64) -> Result<Stream, ParquetError> {
        Ok(Stream { chunks: Arc::clone(&self.chunks), start, inner: None })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if self.indexed {
            admit(&self.chunks.file, start)?;
        }
        self.chunks.get_bytes(start, length)
    }
}

/// A page header, looked at when it is read: the crate asks for streams that it does not use, too.
pub(super) struct Stream {
    chunks: Arc<Chunks>,
    start: u64,
    inner: Option<BufReader<File>>,
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let inner = match &mut self.inner {
            Some(inner) => inner,
            None => {
                admit(&self.chunks.file, self.start)?;
                self.inner.insert(self.chunks.get_read(self.start).map_err(io::Error::other)?)
            }
        };
        inner.read(to)
    }
}

/// Refuses the page whose header stands at `start` when it asks for too much.
fn admit(file: &File, start: u64) -> io::Result<()> {
    let (packed, unpacked) = sizes(file, start).map_err(|_| io::Error::other("a page without a header"))?;
    if unpacked > UNPACKED.max(packed.saturating_mul(TIMES)) {
        let (packed, unpacked) = (diagnostic::bytes(packed), diagnostic::bytes(unpacked));
        return Err(io::Error::other(format!("a page of {packed} says that it unpacks to {unpacked}, which is not believed")));
    }
    Ok(())
}

/// The bytes of a page as it stands there, and unpacked, out of its header: Thrift's compact protocol, of which only field 2 and 3 of
/// the outer structure are of interest (`parquet.thrift`, `PageHeader`).
fn sizes(file: &File, start: u64) -> io::Result<(u64, u64)> {
    let mut header = Header(BufReader::with_capacity(256, At { file, at: start }));
    let (mut packed, mut unpacked) = (u64::MAX, 0);
    let mut field = 0;
    while let Some((kind, delta)) = header.field()? {
        field = if delta == 0 { zigzag(header.number()?) } else { field + i64::from(delta) };
        match (field, kind) {
            // Where one stands there twice, the worse one counts.
            (2, 5) => unpacked = unpacked.max(u64::try_from(zigzag(header.number()?)).unwrap_or(u64::MAX)),
            (3, 5) => packed = packed.min(u64::try_from(zigzag(header.number()?)).unwrap_or(0)),
            _ => header.pass(kind, DEPTH)?,
        }
    }
    Ok((packed, unpacked))
}

fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// A file read from a place of its own, whatever else reads it.
struct At<'f> {
    file: &'f File,
    at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(to, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for At<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Values of the compact protocol, one after the other.
struct Header<'f>(BufReader<At<'f>>);

impl Header<'_> {
    fn byte(&mut self) -> io::Result<u8> {
        let byte = *self.0.fill_buf()?.first().ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0.consume(1);
        Ok(byte)
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    /// The kind of the next field, and how far its number is from that of the one before; `None` at the end of the structure.
    fn field(&mut self) -> io::Result<Option<(u8, u8)>> {
        let byte = self.byte()?;
        Ok((byte & 0x0f != 0).then_some((byte & 0x0f, byte >> 4)))
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        self.0.seek_relative(bytes)
    }

    /// Passes over a value of `kind`.
    fn pass(&mut self, kind: u8, depth: u8) -> io::Result<()> {
        let deeper = depth.checked_sub(1).ok_or(io::ErrorKind::InvalidData)?;
        match kind {
            // `true` and `false` are kinds of a field.
            1 | 2 => Ok(()),
            3 => self.skip(1),
            4..=6 => self.number().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(length)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let (count, kind) = (u64::from(byte >> 4), byte & 0x0f);
                let count = if count == 15 { self.number()? } else { count };
                self.pass_items(count, &[kind], deeper)
            }
            11 => match self.number()? {
                0 => Ok(()),
                count => {
                    let kinds = self.byte()?;
                    self.pass_items(count, &[kinds >> 4, kinds & 0x0f], deeper)
                }
            },
            12 => {
                while let Some((kind, delta)) = self.field()? {
                    if delta == 0 {
                        self.number()?;
                    }
                    self.pass(kind, deeper)?;
                }
                Ok(())
            }
            13 => self.skip(16),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn pass_items(&mut self, count: u64, kinds: &[u8], depth: u8) -> io::Result<()> {
        for _ in 0..count {
            for &kind in kinds {
                // In a list, a truth value takes a byte.
                if matches!(kind, 1 | 2) { self.skip(1) } else { self.pass(kind, depth) }?;
                // Ends the walk where the file ends.
                self.0.fill_buf().and_then(|rest| if rest.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use ::parquet::basic::{Compression, ZstdLevel};
    use ::parquet::data_type::{ByteArray, ByteArrayType};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::super::super::{Source, Spec, Wanted};
    use super::*;

    fn write(path: &Path, compression: Compression, text: &[u8], offset_index: bool) {
        let schema = Arc::new(parse_message_type("message m { required binary text (UTF8); }").expect("valid"));
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_enabled(false)
            .set_offset_index_disabled(!offset_index)
            .build();
        let mut writer = SerializedFileWriter::new(File::create(path).expect("made"), schema, Arc::new(properties)).expect("writes");
        let mut group = writer.next_row_group().expect("writes");
        let mut column = group.next_column().expect("writes").expect("a column");
        column.typed::<ByteArrayType>().write_batch(&[ByteArray::from(text.to_vec())], None, None).expect("writes");
        column.close().expect("writes");
        group.close().expect("writes");
        writer.close().expect("writes");
    }

    fn read(folder: &Path, wanted: &Wanted) -> Result<usize, String> {
        let source = Source::open(&Spec::new("a.parquet"), folder).map_err(|error| error.to_string())?;
        let rows = source.rows(wanted).map_err(|error| error.to_string())?;
        rows.map(|row| row.map(|_| ()).map_err(|error| error.to_string())).try_fold(0, |sum, row| row.map(|()| sum + 1))
    }

    #[test]
    fn a_page_is_not_believed_to_be_a_thousand_times_as_large() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.parquet");
        let (much, some) = (vec![b' '; 257 << 20], vec![b' '; 16 << 20]);
        let (all, chosen) = (Wanted::default(), Wanted { rows: Some(Arc::from([0])), ..Wanted::default() });
        for (wanted, offset_index) in [(&all, false), (&chosen, false), (&chosen, true)] {
            write(&path, Compression::ZSTD(ZstdLevel::default()), &much, offset_index);
            let bomb = read(folder.path(), wanted);
            assert!(bomb.as_ref().is_err_and(|error| error.contains("which is not believed")), "{bomb:?}");
            write(&path, Compression::ZSTD(ZstdLevel::default()), &some, offset_index);
            assert_eq!(read(folder.path(), wanted), Ok(1));
        }
        // Not packed, it is what it is.
        write(&path, Compression::UNCOMPRESSED, &much, false);
        assert_eq!(read(folder.path(), &Wanted::default()), Ok(1));
    }

    #[test]
    fn headers_are_read_as_thrift_writes_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("header");
        let sizes_of = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("written");
            sizes(&File::open(&path).expect("opened"), 0).ok()
        };
        // type 0, 1000 unpacked, 10 packed, a structure with a text, a list and a map within, an end.
        let nested = [0x2c, 0x18, 0x02, b'a', b'b', 0x19, 0x25, 2, 4, 0x1b, 0x01, 0x58, 2, 1, b'k', 0x11, 0x00];
        let header = [&[0x15, 0x00, 0x15, 0xd0, 0x0f, 0x15, 0x14][..], &nested, &[0x00]].concat();
        assert_eq!(sizes_of(&header), Some((10, 1000)));
        for end in 0..header.len() {
            assert_eq!(sizes_of(&header[..end]), None, "cut at {end}");
        }
        // In another order, with the numbers of the fields written out, and twice.
        assert_eq!(sizes_of(&[0x05, 0x06, 0x14, 0x05, 0x04, 0x02, 0x05, 0x04, 0xd0, 0x0f, 0x00]), Some((10, 1000)));
        // Endless lists, and structures within structures.
        assert_eq!(sizes_of(&[0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0]), None);
        assert_eq!(sizes_of(&[0x1c; 100]), None);
    }
}
