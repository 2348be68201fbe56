//! PNG: every chunk and checksum, and the image data unpacked through a window and counted, row by row.
//!
//! Unfiltering cannot fail once a row's filter is known, so no pixel is made and no row kept: 192 kB whatever the
//! size, interlaced or not. It also reads the checksum inside the packed data, which the `png` crate skips. The edge:
//! packed text and profiles are never unpacked; of an animation only the first picture is.

use super::{Caps, Damage, DamageKind, Depth, Mode, Verdict, be32, exif, guarded};
use fdeflate::{DecompressionError, Decompressor};

/// Looks at a file that begins with the PNG signature.
pub(super) fn inspect(bytes: &[u8], depth: Depth, caps: &Caps, verdict: &mut Verdict) {
    let mut walk = Walk { bytes, header: None, pixels: None, palette: false, sequence: None, frames: None, counted: false };
    if let Err(damage) = walk.run(depth, caps, verdict) {
        verdict.hurt(damage);
    }
}

/// One chunk of the file.
struct Chunk<'a> {
    /// Where its length stands.
    at: usize,
    kind: [u8; 4],
    data: &'a [u8],
    /// `data` is all of it and its checksum is there.
    whole: bool,
    checksum: u32,
}

impl<'a> Chunk<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Option<Chunk<'a>> {
        let length = be32(bytes, at)? as usize;
        let kind = *bytes.get(at + 4..)?.first_chunk()?;
        let rest = bytes.get(at + 8..)?;
        let data = rest.get(..length).unwrap_or(rest);
        let checksum = length.checked_add(at + 8).and_then(|end| be32(bytes, end));
        Some(Chunk { at, kind, data, whole: checksum.is_some(), checksum: checksum.unwrap_or(0) })
    }

    fn next(&self) -> usize {
        self.at + 12 + self.data.len()
    }

    fn checksum_is_right(&self) -> bool {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.kind);
        hasher.update(self.data);
        hasher.finalize() == self.checksum
    }

    fn name(&self) -> String {
        self.kind.escape_ascii().to_string()
    }

    fn damage(&self, kind: DamageKind, detail: impl Into<String>) -> Damage {
        Damage::new(kind, self.at, detail)
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    header: Option<Header>,
    /// The image data, from the first IDAT on.
    pixels: Option<Pixels>,
    palette: bool,
    /// The number of the last animation chunk.
    sequence: Option<u32>,
    /// What the acTL chunk declares.
    frames: Option<u32>,
    /// An acTL chunk was there.
    counted: bool,
}

impl Walk<'_> {
    fn run(&mut self, depth: Depth, caps: &Caps, verdict: &mut Verdict) -> Result<(), Damage> {
        let mut at = 8;
        loop {
            let Some(chunk) = Chunk::read(self.bytes, at) else { return Err(self.ended(verdict)) };
            at = chunk.next();
            if self.header.is_none() && &chunk.kind != b"IHDR" {
                return Err(chunk.damage(DamageKind::BadHeader, format!("begins with chunk {}", chunk.name())));
            }
            if !chunk.kind.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                let detail = format!("has no chunk where one should begin, but {}", chunk.name());
                return self.broken(chunk.damage(DamageKind::BadData, detail), verdict);
            }
            if &chunk.kind == b"IDAT" {
                let header = self.header.as_ref().filter(|header| header.color != 3 || self.palette);
                let Some(header) = header else {
                    return Err(chunk.damage(DamageKind::BadHeader, "has a palette mode but no palette"));
                };
                if depth == Depth::Header {
                    return Ok(());
                }
                let pixels = self.pixels.get_or_insert_with(|| Pixels::new(header));
                if chunk.whole && !chunk.checksum_is_right() {
                    let detail = format!("has a wrong checksum on its image data, after {}", pixels.progress());
                    return Err(chunk.damage(DamageKind::BadChecksum, detail));
                }
                if !pixels.closed {
                    pixels.feed(&chunk)?;
                }
                if !chunk.whole {
                    return Err(self.ended(verdict));
                }
                continue;
            }
            let after_data = match &mut self.pixels {
                Some(pixels) => {
                    pixels.close(chunk.at, verdict)?;
                    true
                }
                None => false,
            };
            if !chunk.whole {
                return Err(self.ended(verdict));
            }
            if !chunk.checksum_is_right() {
                let detail = format!("has a wrong checksum on chunk {}", chunk.name());
                // After the image data no decoder looks.
                let kind = if after_data { DamageKind::Suspicious } else { DamageKind::BadChecksum };
                if verdict.hurt(chunk.damage(kind, detail)) {
                    return Ok(());
                }
            }
            match &chunk.kind {
                b"IHDR" if self.header.is_none() => {
                    self.header = Some(Header::read(&chunk, verdict)?);
                    if let Some(damage) = verdict.too_large(caps, chunk.at) {
                        return Err(damage);
                    }
                }
                b"IEND" => {
                    if !after_data {
                        return Err(chunk.damage(DamageKind::BadData, "has no image data"));
                    }
                    verdict.trailing_bytes = self.bytes.len().saturating_sub(at);
                    return Ok(());
                }
                b"PLTE" => self.palette = true,
                b"tRNS" => verdict.has_alpha = true,
                b"iCCP" => verdict.icc = true,
                b"eXIf" => verdict.orientation = exif::orientation(chunk.data).unwrap_or(1),
                b"acTL" if !after_data => {
                    // More than 2^31 frames cannot be: decoders take the file for a still image.
                    // A second count makes both void.
                    let frames = be32(chunk.data, 0).filter(|frames| (1..=0x8000_0000).contains(frames));
                    self.frames = frames.filter(|_| !std::mem::replace(&mut self.counted, true));
                    self.count_frames(1, verdict);
                }
                b"fcTL" | b"fdAT" => self.frame_chunk(&chunk, after_data, verdict)?,
                _ => {}
            }
        }
    }

    /// Frames as Pillow counts them: one more than declared if the first picture is not part of the animation.
    fn count_frames(&self, more: u32, verdict: &mut Verdict) {
        verdict.animated = self.frames.map(|frames| frames.saturating_add(more)).filter(|frames| *frames > 1);
    }

    /// A chunk of an animation. What is wrong with one before the image data stops decoders, even where no animation was declared
    /// (Pillow's `chunk_fcTL` and `chunk_fdAT`, PngImagePlugin.py); with one behind them, it spoils the animation alone.
    fn frame_chunk(&mut self, chunk: &Chunk, after_data: bool, verdict: &mut Verdict) -> Result<(), Damage> {
        let is_control = &chunk.kind == b"fcTL";
        if is_control && !after_data {
            self.count_frames(0, verdict);
        }
        if after_data && self.frames.is_none() {
            return Ok(());
        }
        let expected = self.sequence.map_or(0, |last| last.wrapping_add(1));
        self.sequence = be32(chunk.data, 0);
        let is_in_turn = self.sequence == Some(expected) && (is_control || expected > 0);
        let is_first = !after_data && expected == 0 && self.frames.is_some();
        let fault = match is_in_turn {
            false => Some("has animation frames out of sequence"),
            true => is_control.then(|| self.frame_fault(chunk, is_first)).flatten(),
        };
        match fault {
            Some(fault) if after_data => {
                verdict.hurt(chunk.damage(DamageKind::Suspicious, fault));
                Ok(())
            }
            Some(fault) => Err(chunk.damage(DamageKind::BadHeader, fault)),
            None => Ok(()),
        }
    }

    /// What is wrong with the place of an animation frame (PNG specification, third edition, 11.3.6.2). The first one, which the image
    /// data are for, is the whole image.
    fn frame_fault(&self, chunk: &Chunk, is_first: bool) -> Option<&'static str> {
        let header = self.header.as_ref()?;
        let [Some(width), Some(height), Some(x), Some(y)] = [4, 8, 12, 16].map(|at| be32(chunk.data, at)) else {
            return Some("has an animation frame without its place");
        };
        let is_within = |start: u32, length: u32, most: u32| length > 0 && start.checked_add(length).is_some_and(|end| end <= most);
        if chunk.data.len() < 26 {
            Some("has an animation frame without its place")
        } else if !is_within(x, width, header.width) || !is_within(y, height, header.height) {
            Some("has an animation frame outside of the image")
        } else if is_first && (width, height) != (header.width, header.height) {
            Some("has a first animation frame of another size than the image")
        } else {
            None
        }
    }

    /// Damage that matters only while image data are still to come.
    fn broken(&mut self, damage: Damage, verdict: &mut Verdict) -> Result<(), Damage> {
        if let Some(pixels) = &mut self.pixels {
            pixels.close(damage.offset, verdict)?;
            return Err(Damage { kind: DamageKind::Suspicious, ..damage });
        }
        Err(damage)
    }

    /// What to say of a file that is over without its end chunk.
    fn ended(&mut self, verdict: &mut Verdict) -> Damage {
        let at = self.bytes.len();
        match &mut self.pixels {
            Some(pixels) if pixels.is_complete() => {
                if let Err(damage) = pixels.close(at, verdict) {
                    return damage;
                }
                Damage::new(DamageKind::MissingEnd, at, "ends without its end chunk (IEND)")
            }
            Some(pixels) => {
                let detail = format!("ends after {}", pixels.progress());
                Damage::new(DamageKind::Truncated, at, detail)
            }
            None if self.header.is_none() => Damage::new(DamageKind::Truncated, at, "ends before its header"),
            None => Damage::new(DamageKind::Truncated, at, "ends before its image data"),
        }
    }
}

/// What IHDR says, checked.
struct Header {
    width: u32,
    height: u32,
    color: u8,
    bits_per_pixel: u8,
    interlaced: bool,
}

impl Header {
    /// PNG specification (third edition), 11.2.1. Mode names are those of Pillow's `_MODES` (PngImagePlugin.py).
    fn read(chunk: &Chunk, verdict: &mut Verdict) -> Result<Header, Damage> {
        let bad = |detail: String| chunk.damage(DamageKind::BadHeader, detail);
        let (Some(width), Some(height), Some(&[depth, color, compression, filter, interlace])) =
            (be32(chunk.data, 0), be32(chunk.data, 4), chunk.data.get(8..).and_then(|rest| rest.first_chunk()))
        else {
            return Err(bad("has a header of the wrong length".into()));
        };
        (verdict.width, verdict.height, verdict.bit_depth) = (width, height, depth);
        verdict.has_alpha = matches!(color, 4 | 6);
        verdict.mode = match (depth, color) {
            (1, 0) => Some(Mode::Bilevel),
            (2 | 4 | 8, 0) => Some(Mode::L),
            (16, 0) => Some(Mode::I16),
            (8 | 16, 2) => Some(Mode::Rgb),
            (1 | 2 | 4 | 8, 3) => Some(Mode::P),
            (8, 4) => Some(Mode::La),
            (16, 4) | (8 | 16, 6) => Some(Mode::Rgba),
            _ => return Err(bad(format!("declares colour type {color} of {depth} bits"))),
        };
        let samples = match color {
            2 => 3,
            4 => 2,
            6 => 4,
            _ => 1,
        };
        if width == 0 || height == 0 {
            return Err(bad(format!("declares {width} x {height} pixels")));
        }
        if compression != 0 || filter != 0 || interlace > 1 {
            let detail = format!("declares compression {compression}, filter {filter} and interlace {interlace}");
            return Err(bad(detail));
        }
        Ok(Header { width, height, color, bits_per_pixel: depth * samples, interlaced: interlace == 1 })
    }

    /// Bytes of a row, filter byte included, and rows of each pass that has pixels.
    fn passes(&self) -> Vec<(u64, u64)> {
        // Adam7 (PNG specification, 8.1): first column and row, and steps.
        const ADAM7: [(u32, u32, u32, u32); 7] =
            [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        let whole = [(0, 0, 1, 1)];
        let passes: &[_] = if self.interlaced { &ADAM7 } else { &whole };
        passes
            .iter()
            .map(|&(x, y, across, down)| {
                let columns = self.width.saturating_sub(x).div_ceil(across);
                let rows = self.height.saturating_sub(y).div_ceil(down);
                (u64::from(columns), u64::from(rows))
            })
            .filter(|&(columns, rows)| columns > 0 && rows > 0)
            .map(|(columns, rows)| (1 + (columns * u64::from(self.bits_per_pixel)).div_ceil(8), rows))
            .collect()
    }
}

/// How far back packed data may refer (RFC 1951).
const WINDOW: usize = 32 << 10;
const BUFFER: usize = 192 << 10;

/// The image data on their way through the window.
struct Pixels {
    inflate: Box<Decompressor>,
    buffer: Vec<u8>,
    filled: usize,
    /// Row length and rows of each pass.
    passes: Vec<(u64, u64)>,
    pass: usize,
    /// Rows of this pass that are whole.
    rows: u64,
    /// Bytes of the next row that are here.
    of_row: u64,
    /// All rows of all passes are whole.
    rows_done: bool,
    /// Bytes beyond them.
    excess: bool,
    /// No more data are wanted: a chunk of another kind has followed.
    closed: bool,
}

impl Pixels {
    fn new(header: &Header) -> Pixels {
        Pixels {
            inflate: Box::new(Decompressor::new()),
            buffer: vec![0; BUFFER],
            filled: 0,
            passes: header.passes(),
            pass: 0,
            rows: 0,
            of_row: 0,
            rows_done: false,
            excess: false,
            closed: false,
        }
    }

    fn is_complete(&self) -> bool {
        self.rows_done
    }

    /// How much is there, in words.
    fn progress(&self) -> String {
        match self.passes.as_slice() {
            [(_, rows)] => format!("{} of {rows} rows", self.rows),
            passes => format!("{} of {} passes", self.pass, passes.len()),
        }
    }

    /// Unpacks the data of one chunk. A stream that unpacks to more than the rows need is left at the next buffer,
    /// so a bomb costs no more than the image it pretends to be.
    fn feed(&mut self, chunk: &Chunk) -> Result<(), Damage> {
        let mut input = chunk.data;
        while !self.inflate.is_done() && !self.excess {
            if self.filled > BUFFER - WINDOW {
                self.buffer.copy_within(self.filled - WINDOW..self.filled, 0);
                self.filled = WINDOW;
            }
            let (inflate, buffer, from) = (&mut self.inflate, &mut self.buffer, self.filled);
            let result = guarded(|| inflate.read(input, buffer, from, false));
            let offset = chunk.at + 8 + chunk.data.len() - input.len();
            let fail =
                |kind, why: &str| Damage::new(kind, offset, format!("has image data that do not unpack after {}: {why}", self.progress()));
            let (read, written) = match result {
                Some(Ok(counts)) => counts,
                Some(Err(DecompressionError::WrongChecksum)) => {
                    return Err(fail(DamageKind::BadChecksum, "their checksum is wrong"));
                }
                Some(Err(error)) => return Err(fail(DamageKind::BadData, &format!("{error:?}"))),
                None => return Err(fail(DamageKind::BadData, "the unpacker failed")),
            };
            self.filled += written;
            self.count(from, written).map_err(|filter| {
                let detail = format!("has filter {filter} on a row, after {}", self.progress());
                Damage::new(DamageKind::BadData, offset, detail)
            })?;
            input = input.get(read..).unwrap_or_default();
            if input.is_empty() && self.filled < BUFFER || read == 0 && written == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Counts new bytes into rows, looking at each filter byte; the error is a filter that there is not.
    fn count(&mut self, from: usize, written: usize) -> Result<(), u8> {
        let mut fresh = self.buffer.get(from..from + written).unwrap_or_default();
        while !fresh.is_empty() {
            let Some(&(row, rows)) = self.passes.get(self.pass) else {
                self.excess = true;
                return Ok(());
            };
            if self.of_row == 0
                && let Some(&filter @ 5..) = fresh.first()
            {
                return Err(filter);
            }
            let take = (row - self.of_row).min(fresh.len() as u64);
            fresh = fresh.get(take as usize..).unwrap_or_default();
            self.of_row += take;
            if self.of_row == row {
                self.of_row = 0;
                self.rows += 1;
            }
            if self.rows == rows {
                self.rows = 0;
                self.pass += 1;
                self.rows_done = self.pass == self.passes.len();
            }
        }
        Ok(())
    }

    /// The run of image data is over.
    fn close(&mut self, at: usize, verdict: &mut Verdict) -> Result<(), Damage> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        if !self.rows_done {
            let detail = format!("has image data for only {}", self.progress());
            return Err(Damage::new(DamageKind::BadData, at, detail));
        }
        if self.excess {
            verdict.hurt(Damage::new(DamageKind::Suspicious, at, "has more image data than its rows need"));
        } else if !self.inflate.is_done() {
            verdict.hurt(Damage::new(DamageKind::Suspicious, at, "has image data that are packed without an end"));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn look(bytes: &[u8]) -> Verdict {
        crate::image::inspect(bytes, Depth::Full, &Caps::default())
    }

    fn kind(bytes: &[u8]) -> Option<DamageKind> {
        look(bytes).damage.map(|damage| damage.kind)
    }

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut checked = kind.to_vec();
        checked.extend(data);
        let sum = crc32fast::hash(&checked);
        [&(data.len() as u32).to_be_bytes()[..], &checked, &sum.to_be_bytes()].concat()
    }

    fn header(width: u32, height: u32, depth: u8, color: u8, interlace: u8) -> Vec<u8> {
        let mut data = [width.to_be_bytes(), height.to_be_bytes()].concat();
        data.extend([depth, color, 0, 0, interlace]);
        chunk(b"IHDR", &data)
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        [&b"\x89PNG\r\n\x1A\n"[..], &chunks.concat(), &chunk(b"IEND", b"")].concat()
    }

    fn packed(rows: &[u8]) -> Vec<u8> {
        chunk(b"IDAT", &fdeflate::compress_to_vec(rows))
    }

    /// A file whose rows come out right: rows of filter 0 and zeros.
    fn flat(width: u32, height: u32, depth: u8, color: u8, interlace: u8) -> Vec<u8> {
        let bits_per_pixel = depth * [1, 0, 3, 1, 2, 0, 4][usize::from(color)];
        let parsed = Header { width, height, color, bits_per_pixel, interlaced: interlace == 1 };
        let bytes: u64 = parsed.passes().iter().map(|(row, rows)| row * rows).sum();
        let palette = if color == 3 { chunk(b"PLTE", &[0; 3]) } else { Vec::new() };
        file(&[header(width, height, depth, color, interlace), palette, packed(&vec![0; bytes as usize])])
    }

    #[test]
    fn every_mode_of_pillow_is_named() {
        for (depth, color, mode) in [
            (1, 0, Mode::Bilevel),
            (2, 0, Mode::L),
            (4, 0, Mode::L),
            (8, 0, Mode::L),
            (16, 0, Mode::I16),
            (8, 2, Mode::Rgb),
            (16, 2, Mode::Rgb),
            (1, 3, Mode::P),
            (8, 3, Mode::P),
            (8, 4, Mode::La),
            (16, 4, Mode::Rgba),
            (8, 6, Mode::Rgba),
            (16, 6, Mode::Rgba),
        ] {
            for interlace in [0, 1] {
                let verdict = look(&flat(13, 11, depth, color, interlace));
                assert_eq!(verdict.damage, None, "{depth} {color} {interlace}");
                assert_eq!((verdict.mode, verdict.bit_depth), (Some(mode), depth));
                assert_eq!((verdict.width, verdict.height, verdict.has_alpha), (13, 11, matches!(color, 4 | 6)));
            }
        }
    }

    #[test]
    fn files_of_the_image_crate_are_intact() {
        let pixels: Vec<u8> = (0..331 * 217 * 4u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut file = Vec::new();
        let encoder = ::image::codecs::png::PngEncoder::new(&mut file);
        ::image::ImageEncoder::write_image(encoder, &pixels, 331, 217, ::image::ExtendedColorType::Rgba8).unwrap();
        assert_eq!(look(&file).damage, None);
        for percent in 0..100 {
            assert!(kind(&file[..file.len() * percent / 100]).unwrap().is_fatal());
        }
    }

    #[test]
    fn every_cut_is_reported() {
        for interlace in [0, 1] {
            let whole = flat(40, 30, 8, 2, interlace);
            for end in 0..whole.len() {
                assert!(kind(&whole[..end]).unwrap().is_fatal(), "cut at {end} of {}", whole.len());
            }
            assert_eq!(kind(&whole[..whole.len() - 1]), Some(DamageKind::MissingEnd));
            assert_eq!(kind(&whole[..whole.len() - 12]), Some(DamageKind::MissingEnd));
        }
        let noise: Vec<u8> = (0..100 * 301u32).map(|i| if i % 301 == 0 { 0 } else { ((i * i) >> 5) as u8 }).collect();
        let whole = file(&[header(100, 100, 8, 2, 0), packed(&noise)]);
        let damage = look(&whole[..whole.len() / 2]).damage.unwrap();
        assert_eq!(damage.kind, DamageKind::Truncated);
        assert!(damage.detail.ends_with("of 100 rows"), "{}", damage.detail);
    }

    #[test]
    fn checksums_are_verified_where_decoders_look() {
        let whole = flat(8, 8, 8, 2, 0);
        let flip = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            kind(&bytes)
        };
        assert_eq!(flip(8 + 8 + 13), Some(DamageKind::BadChecksum), "IHDR");
        assert_eq!(flip(whole.len() - 14), Some(DamageKind::BadChecksum), "IDAT");
        assert_eq!(flip(whole.len() - 1), Some(DamageKind::Suspicious), "IEND");
        let mut inner = fdeflate::compress_to_vec(&[0; 25 * 8]);
        *inner.last_mut().unwrap() ^= 1;
        let damage = look(&file(&[header(8, 8, 8, 2, 0), chunk(b"IDAT", &inner)])).damage.unwrap();
        assert_eq!(damage.kind, DamageKind::BadChecksum);
    }

    #[test]
    fn what_cannot_be_is_fatal() {
        let data = packed(&[0; 25 * 8]);
        let head = header(8, 8, 8, 2, 0);
        assert_eq!(kind(&file(std::slice::from_ref(&head))), Some(DamageKind::BadData), "no IDAT");
        assert_eq!(kind(&file(std::slice::from_ref(&data))), Some(DamageKind::BadHeader), "no IHDR");
        assert_eq!(kind(&file(&[header(8, 8, 8, 3, 0), data.clone()])), Some(DamageKind::BadHeader), "no PLTE");
        assert_eq!(kind(&file(&[header(8, 8, 3, 2, 0), data.clone()])), Some(DamageKind::BadHeader), "3 bits");
        assert_eq!(kind(&file(&[header(0, 8, 8, 2, 0), data.clone()])), Some(DamageKind::BadHeader), "width 0");
        assert_eq!(kind(&file(&[header(8, 8, 8, 2, 2), data.clone()])), Some(DamageKind::BadHeader), "interlace 2");
        assert_eq!(kind(&file(&[head.clone(), packed(&[0; 25 * 7])])), Some(DamageKind::BadData), "a row short");
        assert_eq!(kind(&file(&[head.clone(), packed(&[5; 25 * 8])])), Some(DamageKind::BadData), "filter 5");
        assert_eq!(kind(&file(&[head.clone(), chunk(b"IDAT", b"no zlib")])), Some(DamageKind::BadData));
        assert_eq!(kind(b"\x89PNG\r\n\x1A\n"), Some(DamageKind::Truncated));
        let wide = header(0x7FFF_FFFF, 0x7FFF_FFFF, 8, 6, 0);
        assert_eq!(kind(&file(&[wide, data.clone()])), Some(DamageKind::TooLarge));
        let nonsense = [&head[..], b"\0\0\0\0I\x01DT\0\0\0\0"].concat();
        assert_eq!(kind(&file(&[nonsense, data])), Some(DamageKind::BadData));
    }

    #[test]
    fn split_data_and_empty_chunks_are_one_stream() {
        let stream = fdeflate::compress_to_vec(&[0; 25 * 8]);
        let (a, b) = stream.split_at(3);
        let chunks = [header(8, 8, 8, 2, 0), chunk(b"IDAT", a), chunk(b"IDAT", b""), chunk(b"IDAT", b)];
        assert_eq!(kind(&file(&chunks)), None);
    }

    #[test]
    fn bombs_cost_no_more_than_their_image() {
        let start = Instant::now();
        let long = file(&[header(4, 4, 8, 2, 0), packed(&vec![0; 64 << 20])]);
        assert_eq!(kind(&long), Some(DamageKind::Suspicious), "more data than rows");
        let bomb = chunk(b"zTXt", &[&b"k\0\0"[..], &fdeflate::compress_to_vec(&vec![0; 64 << 20])].concat());
        let note = chunk(b"tEXt", b"k\0v").repeat(100_000);
        assert_eq!(kind(&file(&[header(8, 8, 8, 2, 0), bomb, note, packed(&[0; 25 * 8])])), None);
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[test]
    fn extras_are_noted() {
        let data = packed(&[0; 25 * 8]);
        let frame = |number: u32| {
            let mut body = number.to_be_bytes().to_vec();
            body.extend([0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0]);
            chunk(b"fcTL", &body)
        };
        let animation = |frames: u32| chunk(b"acTL", &[frames.to_be_bytes(), [0; 4]].concat());
        let rest = [&[0, 0, 0, 2][..], &fdeflate::compress_to_vec(&[0; 25 * 8])].concat();
        let exif = chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0");
        let mut moving = file(&[
            header(8, 8, 8, 2, 0),
            animation(2),
            frame(0),
            chunk(b"iCCP", b"p\0\0"),
            chunk(b"tRNS", &[0; 6]),
            exif,
            data.clone(),
            frame(1),
            chunk(b"fdAT", &rest),
        ]);
        moving.extend(b"tail");
        let verdict = look(&moving);
        assert_eq!((verdict.animated, verdict.orientation, verdict.icc, verdict.has_alpha), (Some(2), 3, true, true));
        assert_eq!((verdict.trailing_bytes, verdict.damage), (4, None));
        let absurd = file(&[header(8, 8, 8, 2, 0), animation(u32::MAX), data.clone()]);
        assert_eq!((look(&absurd).animated, kind(&absurd)), (None, None));
        let out_of_order = file(&[header(8, 8, 8, 2, 0), animation(2), frame(0), data, frame(7)]);
        assert_eq!(kind(&out_of_order), Some(DamageKind::Suspicious));
    }

    /// As Pillow has it: what is wrong before the image data keeps the image from being opened.
    #[test]
    fn frames_of_an_animation_have_their_turn_and_their_place() {
        let data = || packed(&[0; 25 * 8]);
        let frame = |number: u32, width: u32, height: u32, x: u32, y: u32| {
            let body: Vec<u8> = [number, width, height, x, y].into_iter().flat_map(u32::to_be_bytes).chain([0, 1, 0, 10, 0, 0]).collect();
            chunk(b"fcTL", &body)
        };
        let short = |number: u32| chunk(b"fcTL", &[&number.to_be_bytes()[..], &[0; 16]].concat());
        let animation = || chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
        let of = |first: Vec<u8>, later: Vec<u8>| kind(&file(&[header(8, 8, 8, 2, 0), animation(), first, data(), later]));
        let whole = || frame(0, 8, 8, 0, 0);
        assert_eq!(of(whole(), frame(1, 2, 2, 6, 6)), None);
        for first in [
            frame(5, 8, 8, 0, 0),
            frame(0, 8, 99, 0, 0),
            frame(0, 8, 8, 0, 1),
            frame(0, 8, 8, u32::MAX, 0),
            frame(0, 0, 8, 0, 0),
            frame(0, 4, 4, 0, 0),
            short(0),
        ] {
            assert_eq!(of(first, Vec::new()), Some(DamageKind::BadHeader));
        }
        for later in [frame(7, 8, 8, 0, 0), frame(1, 8, 8, 1, 0), frame(1, 8, 0, 0, 0), short(1)] {
            assert_eq!(of(whole(), later), Some(DamageKind::Suspicious));
        }
        let still = |frame: Vec<u8>| kind(&file(&[header(8, 8, 8, 2, 0), frame, data()]));
        assert_eq!((still(frame(0, 8, 8, 0, 0)), still(frame(0, 8, 9, 0, 0))), (None, Some(DamageKind::BadHeader)));
    }
}
