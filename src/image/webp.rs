//! WebP: the RIFF container checked to the byte, then the first picture: lossy data walked through without making
//! pixels, lossless data decoded by `image-webp`.
//!
//! The container check comes first because decoders overlook the last bytes of a cut file. The edge: later frames of
//! an animation are counted, not read; lossless data too big for the memory cap are judged by their headers.

mod bools;
mod tables;
mod vp8;

use super::{Caps, Damage, DamageKind, Depth, Mode, Verdict, exif, guarded, le16, le32};
use image_webp::{DecodingError, WebPDecoder};
use std::io::{Cursor, ErrorKind};

/// Looks at a file that begins with `RIFF….WEBP`.
pub(super) fn inspect(bytes: &[u8], depth: Depth, caps: &Caps, verdict: &mut Verdict) {
    let container = Container::read(bytes, verdict).and_then(|container| {
        container.check(verdict)?;
        Ok(container)
    });
    let result = container.and_then(|container| {
        if let Some(damage) = verdict.too_large(caps, 12) {
            return Err(damage);
        }
        container.intact(verdict)?;
        if depth == Depth::Full { container.read_through(caps, verdict) } else { Ok(()) }
    });
    if let Err(damage) = result {
        verdict.hurt(damage);
    }
}

/// VP8X flags (RFC 9649, 2.7).
const ANIMATION: u8 = 0x02;
const ALPHA: u8 = 0x10;

fn bad(at: usize, detail: impl Into<String>) -> Damage {
    Damage::new(DamageKind::BadHeader, at, detail)
}

/// One RIFF chunk.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    at: usize,
    kind: [u8; 4],
    data: &'a [u8],
    /// What its header promises.
    size: usize,
}

impl Chunk<'_> {
    fn name(&self) -> String {
        self.kind.escape_ascii().to_string()
    }

    fn is_cut(&self) -> bool {
        self.data.len() < self.size
    }
}

/// The chunks of a stretch of bytes, the last perhaps cut short.
struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let at = self.at;
        let kind = *self.bytes.get(at..)?.first_chunk()?;
        let size = le32(self.bytes, at + 4)? as usize;
        let rest = self.bytes.get(at + 8..)?;
        let data = rest.get(..size).unwrap_or(rest);
        // Chunks are padded to an even length; a missing padding byte at the very end does no harm.
        self.at = at + 8 + data.len() + (data.len() & 1);
        Some(Chunk { at, kind, data, size })
    }
}

struct Container<'a> {
    /// The file as far as RIFF says that it goes, or as far as it is there.
    bytes: &'a [u8],
    /// Bytes that RIFF promises and the file has not.
    missing: usize,
    /// The first chunk: VP8, VP8L or VP8X.
    first: Chunk<'a>,
}

impl<'a> Container<'a> {
    /// RIFF header and first chunk: all that size and mode need.
    fn read(bytes: &'a [u8], verdict: &mut Verdict) -> Result<Container<'a>, Damage> {
        let promised = (le32(bytes, 4).unwrap_or(0) as usize).saturating_add(8);
        let whole = bytes.get(..promised).unwrap_or(bytes);
        verdict.trailing_bytes = bytes.len() - whole.len();
        let Some(first) = (Chunks { bytes: whole, at: 12 }).next() else {
            return Err(Damage::new(DamageKind::Truncated, bytes.len(), "ends before its header"));
        };
        Ok(Container { bytes: whole, missing: promised - whole.len(), first })
    }

    fn chunks(&self) -> Chunks<'a> {
        Chunks { bytes: self.bytes, at: 12 }
    }

    /// Size, mode and what else the headers say.
    fn check(&self, verdict: &mut Verdict) -> Result<(), Damage> {
        verdict.bit_depth = 8;
        let first = self.first;
        let short = || match self.missing {
            0 => bad(first.at, format!("has a chunk {} that is too short", first.name())),
            _ => Damage::new(DamageKind::Truncated, self.bytes.len(), "ends before its header"),
        };
        let (width, height, alpha) = match &first.kind {
            b"VP8X" => {
                let flags = *first.data.first().ok_or_else(short)?;
                let side = |at| Some((le32(first.data, at)? & 0xFF_FFFF) + 1);
                let width = side(4).ok_or_else(short)?;
                let height = le16(first.data, 7).zip(first.data.get(9)).ok_or_else(short)?;
                let height = (u32::from(height.0) | u32::from(*height.1) << 16) + 1;
                (verdict.width, verdict.height) = (width, height);
                self.extended(flags & ANIMATION != 0, verdict)?;
                (width, height, flags & ALPHA != 0)
            }
            _ => picture(&first)?.ok_or_else(short)?,
        };
        (verdict.width, verdict.height) = (width, height);
        let still = self.chunks().find(|chunk| matches!(&chunk.kind, b"VP8 " | b"VP8L" | b"ANMF"));
        // libwebp lets the picture's own header decide, where it has a say (webp_dec.c, `ParseHeadersInternal`).
        verdict.has_alpha = match still {
            Some(chunk) if &chunk.kind == b"VP8L" => picture(&chunk)?.map_or(alpha, |(_, _, alpha)| alpha),
            _ => alpha || self.chunks().any(|chunk| &chunk.kind == b"ALPH"),
        };
        verdict.mode = Some(if verdict.has_alpha { Mode::Rgba } else { Mode::Rgb });
        Ok(())
    }

    /// What the chunks of an extended file hold beside the picture.
    fn extended(&self, animation: bool, verdict: &mut Verdict) -> Result<(), Damage> {
        let mut frames = 0u32;
        for chunk in self.chunks() {
            match &chunk.kind {
                b"ICCP" => verdict.icc = true,
                b"EXIF" => verdict.orientation = exif::orientation(chunk.data).unwrap_or(1),
                b"ANMF" => frames = frames.saturating_add(1),
                _ => {}
            }
        }
        if animation {
            verdict.animated = Some(frames).filter(|frames| *frames > 1);
        }
        Ok(())
    }

    /// Every length in the container against the bytes that are there; the picture against the canvas.
    fn intact(&self, verdict: &Verdict) -> Result<(), Damage> {
        if self.missing > 0 {
            let here = self.bytes.len();
            let detail = format!("ends after {here} of {} bytes", here.saturating_add(self.missing));
            return Err(Damage::new(DamageKind::Truncated, here, detail));
        }
        let mut pictures = 0u32;
        for chunk in self.chunks() {
            if chunk.is_cut() {
                let detail = format!("has a chunk {} that reaches past the end of the file", chunk.name());
                return Err(Damage::new(DamageKind::Truncated, chunk.at, detail));
            }
            match &chunk.kind {
                b"VP8 " | b"VP8L" => {
                    pictures += 1;
                    let size = picture(&chunk)?.map(|(width, height, _)| (width, height));
                    if pictures == 1 && verdict.animated.is_none() && size != Some((verdict.width, verdict.height)) {
                        return Err(bad(chunk.at, "has a picture of another size than its canvas"));
                    }
                }
                b"ANMF" => {
                    pictures += 1;
                    // Sixteen bytes of place and time, then chunks (RFC 9649, 2.7.1.1).
                    let inner = Chunks { bytes: chunk.data, at: 16 };
                    if let Some(cut) = inner.into_iter().find(Chunk::is_cut) {
                        let detail = format!("has a chunk {} that reaches past its frame", cut.name());
                        return Err(Damage::new(DamageKind::Truncated, chunk.at + 8 + cut.at, detail));
                    }
                }
                _ => {}
            }
        }
        if pictures == 0 {
            return Err(Damage::new(DamageKind::BadData, self.first.at, "has no image data"));
        }
        Ok(())
    }

    /// Reads the first picture from end to end.
    fn read_through(&self, caps: &Caps, verdict: &mut Verdict) -> Result<(), Damage> {
        // Costs nothing, and settles what chunks there must be.
        let opened = guarded(|| {
            let decoder = WebPDecoder::new(Cursor::new(self.bytes))?;
            Ok((decoder.is_animated(), decoder.has_alpha()))
        });
        let (animated, alpha) = outcome(opened, self.bytes.len())?;
        let lossy = if animated { self.lossy_frame(verdict) } else { self.lossy_still(alpha, verdict) };
        let Some(lossy) = lossy else {
            return decode(self.bytes, verdict.pixels(), caps, verdict, self.bytes.len());
        };
        let walked = vp8::walk(lossy.data, lossy.width, lossy.height);
        walked.map_err(|damage| Damage { offset: lossy.at + damage.offset, ..damage })?;
        lossy.alpha.map_or(Ok(()), |alpha| lossy.check_alpha(alpha, caps, verdict))
    }
}

/// Width, height and alpha from the header of a VP8 or VP8L picture; `None` if it is too short to say.
fn picture(chunk: &Chunk) -> Result<Option<(u32, u32, bool)>, Damage> {
    let data = chunk.data;
    match &chunk.kind {
        b"VP8 " => {
            let Some(&[a, b, c, s0, s1, s2]) = data.first_chunk::<6>() else { return Ok(None) };
            let tag = u32::from_le_bytes([a, b, c, 0]);
            if tag & 1 != 0 || [s0, s1, s2] != [0x9D, 0x01, 0x2A] {
                return Err(bad(chunk.at, "has no key frame where its picture should begin"));
            }
            // libwebp (vp8_dec.c, `VP8GetInfo`): four profiles, and a frame that is meant to be shown.
            if tag >> 1 & 7 > 3 || tag >> 4 & 1 == 0 {
                return Err(bad(chunk.at, "has a picture of an unknown profile, or one not to be shown"));
            }
            // RFC 6386, 9.1: the first partition's length is in the upper 19 bits of the tag.
            if (tag >> 5) as usize > data.len().saturating_sub(10) && !chunk.is_cut() {
                return Err(bad(chunk.at, "has a first partition longer than its picture"));
            }
            let size = le16(data, 6).zip(le16(data, 8));
            let (width, height) = match size {
                Some((width, height)) => (u32::from(width & 0x3FFF), u32::from(height & 0x3FFF)),
                None => return Ok(None),
            };
            if width == 0 || height == 0 {
                return Err(bad(chunk.at, format!("declares {width} x {height} pixels")));
            }
            Ok(Some((width, height, false)))
        }
        b"VP8L" => {
            if data.first().is_some_and(|signature| *signature != 0x2F) {
                return Err(bad(chunk.at, "has no lossless picture where one should begin"));
            }
            let Some(bits) = le32(data, 1) else { return Ok(None) };
            if bits >> 29 != 0 {
                return Err(bad(chunk.at, format!("has a lossless picture of version {}", bits >> 29)));
            }
            Ok(Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1 != 0)))
        }
        _ => Err(bad(chunk.at, format!("begins with chunk {}", chunk.name()))),
    }
}

/// A lossy picture and its alpha.
struct Lossy<'a> {
    /// The frame's data; with the chunk's padding byte, as libwebp has it (demux.c, `StoreFrame`).
    data: &'a [u8],
    /// Where they begin.
    at: usize,
    width: u32,
    height: u32,
    alpha: Option<Chunk<'a>>,
}

impl<'a> Container<'a> {
    /// The picture of a file that is not animated; `None` also if it is odd, so that `image-webp` says what is wrong.
    fn lossy_still(&self, alpha: bool, canvas: &Verdict) -> Option<Lossy<'a>> {
        let first = |kind: &[u8; 4]| self.chunks().find(|chunk| &chunk.kind == kind);
        // `WebPDecoder::new` has made sure that there is but one kind of picture.
        let frame = if &self.first.kind == b"VP8X" { first(b"VP8 ")? } else { self.first };
        let alpha = if alpha { Some(first(b"ALPH")?) } else { None };
        self.lossy(frame, alpha).filter(|lossy| (lossy.width, lossy.height) == (canvas.width, canvas.height))
    }

    /// The first frame of an animation; `None` also if it is odd, as above.
    fn lossy_frame(&self, canvas: &Verdict) -> Option<Lossy<'a>> {
        let frame = self.chunks().find(|chunk| &chunk.kind == b"ANMF")?;
        let number = |at| Some(le32(frame.data, at)? & 0xFF_FFFF);
        let (x, y, width, height) = (number(0)? * 2, number(3)? * 2, number(6)? + 1, number(9)? + 1);
        let inside = x + width <= canvas.width && y + height <= canvas.height;
        let inner = frame.at + 8;
        let mut chunks = Chunks { bytes: self.bytes.get(..inner + frame.data.len())?, at: inner + 16 };
        let first = chunks.next()?;
        let (alpha, picture) = if &first.kind == b"ALPH" { (Some(first), chunks.next()?) } else { (None, first) };
        let lossy = self.lossy(picture, alpha)?;
        // Chunks that end where the frame does, padding included.
        let fits = chunks.at <= chunks.bytes.len() && frame.size >= 32;
        (inside && fits && (lossy.width, lossy.height) == (width, height)).then_some(lossy)
    }

    fn lossy(&self, frame: Chunk<'a>, alpha: Option<Chunk<'a>>) -> Option<Lossy<'a>> {
        let (width, height, _) = picture(&frame).ok()??;
        let at = frame.at + 8;
        let data = self.bytes.get(at..at + frame.size.next_multiple_of(2)).unwrap_or(frame.data);
        (&frame.kind == b"VP8 ").then_some(Lossy { data, at, width, height, alpha })
    }
}

impl Lossy<'_> {
    /// One byte of methods, then the alpha of each pixel, as it is or compressed (RFC 9649, 2.7.1.2).
    fn check_alpha(&self, chunk: Chunk, caps: &Caps, verdict: &mut Verdict) -> Result<(), Damage> {
        let short = || Damage::new(DamageKind::Truncated, chunk.at + 8 + chunk.data.len(), "has an alpha channel that ends too early");
        let (methods, data) = chunk.data.split_first().ok_or_else(short)?;
        let pixels = u64::from(self.width) * u64::from(self.height);
        if methods >> 4 & 3 > 1 || methods & 3 > 1 {
            return Err(bad(chunk.at, "has an alpha channel of an unknown kind"));
        }
        if methods & 3 == 0 {
            return if (data.len() as u64) < pixels { Err(short()) } else { Ok(()) };
        }
        // Compressed alpha is a lossless picture without its header, so it gets one: size, and a flag for alpha.
        let header = (self.width - 1) | (self.height - 1) << 14 | 1 << 28;
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX).saturating_add(5);
        let riff = size.saturating_add(12).to_le_bytes();
        let parts: [&[u8]; 7] = [b"RIFF", &riff, b"WEBPVP8L", &size.to_le_bytes(), &[0x2F], &header.to_le_bytes(), data];
        decode(&parts.concat(), pixels, caps, verdict, chunk.at)
    }
}

/// What became of a run of `image-webp` on data from `at` on.
fn outcome<T>(result: Option<Result<T, DecodingError>>, at: usize) -> Result<T, Damage> {
    let (kind, why) = match result {
        Some(Ok(done)) => return Ok(done),
        Some(Err(DecodingError::IoError(error))) if error.kind() == ErrorKind::UnexpectedEof => {
            (DamageKind::Truncated, "has a picture that ends too early".to_owned())
        }
        Some(Err(DecodingError::BitStreamError)) => (DamageKind::BadData, "has image data that do not decode".to_owned()),
        Some(Err(error)) => (DamageKind::BadData, format!("has image data that do not decode: {error}")),
        None => (DamageKind::BadData, "has image data at which the decoder failed".to_owned()),
    };
    Err(Damage::new(kind, at, why))
}

/// Decodes the first picture of a file and throws it away. Damage is said to be at `at`.
fn decode(bytes: &[u8], pixels: u64, caps: &Caps, verdict: &mut Verdict, at: usize) -> Result<(), Damage> {
    // Pixels inside the decoder, and its output: at most eight bytes a pixel.
    if pixels.saturating_mul(8) > caps.memory_max {
        verdict.looked = Depth::Header;
        return Ok(());
    }
    let result = guarded(|| -> Result<(), DecodingError> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
        decoder.set_memory_limit(usize::try_from(caps.memory_max).unwrap_or(usize::MAX));
        let size = decoder.output_buffer_size().ok_or(DecodingError::ImageTooLarge)?;
        if size as u64 > caps.memory_max {
            return Err(DecodingError::ImageTooLarge);
        }
        decoder.read_image(&mut vec![0; size])
    });
    outcome(result, at)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use crate::image::samples;

    fn look(bytes: &[u8]) -> Verdict {
        crate::image::inspect(bytes, Depth::Full, &Caps::default())
    }

    fn kind(bytes: &[u8]) -> Option<DamageKind> {
        look(bytes).damage.map(|damage| damage.kind)
    }

    fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (kind, data) in chunks {
            body.extend(*kind);
            body.extend((data.len() as u32).to_le_bytes());
            body.extend(*data);
            body.resize(body.len().next_multiple_of(2), 0);
        }
        [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
    }

    /// A lossless picture of one colour: no transforms, no cache, five codes of a single symbol.
    fn flat(width: u32, height: u32) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        let mut put = |value: u32, count: u32| bits.extend((0..count).map(|bit| value >> bit & 1 != 0));
        put(width - 1, 14);
        put(height - 1, 14);
        put(0, 1 + 3 + 1 + 1 + 1);
        for _ in 0..5 {
            put(1, 4);
        }
        let mut data = vec![0x2F];
        data.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0u8, |all, &bit| all << 1 | u8::from(bit))));
        data.extend([0; 4]);
        riff(&[(b"VP8L", &data)])
    }

    #[test]
    fn intact_files_of_each_kind_are_described() {
        for (sample, size, mode, frames) in [
            (samples::LOSSY, (37, 29), Mode::Rgb, None),
            (samples::LOSSY_ALPHA, (20, 12), Mode::Rgba, None),
            (samples::LOSSLESS, (20, 12), Mode::Rgba, None),
            (samples::ANIMATED, (16, 9), Mode::Rgb, Some(3)),
        ] {
            let verdict = look(&samples::bytes(sample));
            assert_eq!(verdict.damage, None);
            assert_eq!(((verdict.width, verdict.height), verdict.mode), (size, Some(mode)));
            assert_eq!((verdict.animated, verdict.bit_depth, verdict.looked), (frames, 8, Depth::Full));
        }
        let verdict = look(&flat(64, 64));
        assert_eq!((verdict.damage, verdict.mode), (None, Some(Mode::Rgb)));
    }

    #[test]
    fn every_cut_is_reported() {
        for sample in [samples::LOSSY, samples::LOSSY_ALPHA, samples::LOSSLESS, samples::ANIMATED] {
            let whole = samples::bytes(sample);
            for end in 0..whole.len() {
                assert!(kind(&whole[..end]).unwrap().is_fatal(), "cut at {end} of {}", whole.len());
            }
            assert_eq!(kind(&whole[..whole.len() - 1]), Some(DamageKind::Truncated));
        }
    }

    #[test]
    fn a_picture_cut_inside_its_container_is_found_by_the_decoder() {
        let whole = samples::bytes(samples::LOSSLESS);
        let length = le32(&whole, 16).unwrap() as usize;
        let short = riff(&[(b"VP8L", &whole[20..20 + length / 2])]);
        assert!(kind(&short).unwrap().is_fatal());
    }

    #[test]
    fn bytes_behind_are_a_note() {
        let verdict = look(&[samples::bytes(samples::LOSSY), b"PK".to_vec()].concat());
        assert_eq!((verdict.trailing_bytes, verdict.damage), (2, None));
    }

    #[test]
    fn lying_headers_are_fatal() {
        let whole = samples::bytes(samples::LOSSY);
        let change = |at: usize, value: &[u8]| {
            let mut bytes = whole.clone();
            bytes[at..at + value.len()].copy_from_slice(value);
            kind(&bytes)
        };
        assert_eq!(change(4, b"\xF0\xFF\xFF\xFF"), Some(DamageKind::Truncated), "RIFF of 4 GiB");
        assert_eq!(change(16, b"\xF0\xFF\xFF\xFF"), Some(DamageKind::Truncated), "chunk of 4 GiB");
        assert_eq!(change(12, b"VP9 "), Some(DamageKind::BadHeader));
        assert_eq!(change(23, b"\0\0\0"), Some(DamageKind::BadHeader), "start code");
        assert_eq!(change(21, b"\xFF\xFF"), Some(DamageKind::BadHeader), "first partition");
        assert_eq!(change(26, b"\0\0"), Some(DamageKind::BadHeader), "width 0");
        let canvas = riff(&[(b"VP8X", b"\x10\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF")]);
        assert_eq!(kind(&canvas), Some(DamageKind::TooLarge));
        let small = [&b"\0\0\0\0"[..], &[9, 0, 0, 9, 0, 0]].concat();
        assert_eq!(kind(&riff(&[(b"VP8X", &small)])), Some(DamageKind::BadData), "no picture");
        assert_eq!(kind(&riff(&[(b"VP8X", &small), (b"VP8 ", &whole[20..])])), Some(DamageKind::BadHeader), "canvas");
        assert_eq!(kind(&riff(&[])), Some(DamageKind::Truncated));
        assert_eq!(kind(&whole[..12]), Some(DamageKind::Truncated));
    }

    #[test]
    fn damaged_alpha_is_found() {
        let whole = samples::bytes(samples::LOSSY_ALPHA);
        let chunks: Vec<Chunk> = Chunks { bytes: &whole, at: 12 }.collect();
        let find = |kind: &[u8; 4]| chunks.iter().find(|chunk| &chunk.kind == kind).unwrap().data;
        let with = |alpha: &[u8]| kind(&riff(&[(b"VP8X", find(b"VP8X")), (b"ALPH", alpha), (b"VP8 ", find(b"VP8 "))]));
        let alpha = find(b"ALPH");
        assert_eq!(with(alpha), None);
        let raw = |pixels: usize| [&[0][..], &vec![9; pixels]].concat();
        assert_eq!(with(&raw(20 * 12)), None);
        assert_eq!(with(&raw(20 * 12 - 1)), Some(DamageKind::Truncated));
        assert_eq!(with(&[]), Some(DamageKind::Truncated));
        assert_eq!(with(&[&[2][..], alpha].concat()), Some(DamageKind::BadHeader), "compression");
        assert_eq!(with(&[&[0x20][..], alpha].concat()), Some(DamageKind::BadHeader), "preprocessing");
        let compressed = [&[alpha[0] & 0xFC | 1][..], &flat(20, 12)[25..]].concat();
        assert_eq!(with(&compressed), None);
        assert!(with(&compressed[..2]).unwrap().is_fatal());
    }

    #[test]
    fn lossy_pictures_need_no_memory_for_their_pixels() {
        let caps = Caps { memory_max: 0, ..Caps::default() };
        for sample in [samples::LOSSY, samples::ANIMATED] {
            let verdict = crate::image::inspect(&samples::bytes(sample), Depth::Full, &caps);
            assert_eq!((verdict.damage, verdict.looked), (None, Depth::Full));
        }
    }

    #[test]
    fn too_many_pixels_are_not_decoded() {
        assert_eq!(kind(&flat(16_383, 16_383)), Some(DamageKind::TooLarge));
        let caps = Caps { memory_max: 1000, ..Caps::default() };
        let verdict = crate::image::inspect(&flat(64, 64), Depth::Full, &caps);
        assert_eq!((verdict.damage, verdict.looked), (None, Depth::Header));
    }
}
