//! Takes metadata out of a file without decoding it: segments of a JPEG, chunks of a PNG or WebP.
//!
//! What is kept is listed, not what is dropped, so that nothing private slips through in a segment not thought of. The
//! edge: only for files that were looked at to the end and found whole; all that says how pixels look is kept.

use memchr::memchr;

use super::{Format, Verdict};
use crate::image::{be16, be32, le32};

/// The file without its metadata and without what stands after its end; `None` if there is nothing to take out, or if
/// its parts do not add up.
pub(super) fn strip(bytes: &[u8], verdict: &Verdict) -> Option<Vec<u8>> {
    let stripped = match verdict.format {
        Format::Jpeg => jpeg(bytes),
        Format::Png => png(bytes),
        Format::WebP => webp(bytes),
        _ => None,
    };
    stripped.filter(|stripped| stripped != bytes)
}

/// Whether a WebP holds a picture that was compressed with loss.
pub(super) fn is_lossy_webp(bytes: &[u8]) -> bool {
    fn lossy(mut chunks: RiffChunks) -> bool {
        chunks.any(|chunk| match chunk.get(..4) {
            Some(b"VP8 ") => true,
            // Sixteen bytes of place and time, then chunks (RFC 9649, 2.7.1.1).
            Some(b"ANMF") => lossy(RiffChunks { rest: chunk.get(24..).unwrap_or_default() }),
            _ => false,
        })
    }
    lossy(RiffChunks { rest: bytes.get(12..).unwrap_or_default() })
}

fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend(bytes.get(..2)?);
    let (mut at, mut in_data) = (2, false);
    loop {
        let marker = next_marker(bytes, at)?;
        // Bytes of no meaning may stand between the headers; only after a scan header are they the picture.
        if in_data {
            kept.extend(bytes.get(at..marker)?);
        }
        let code = *bytes.get(marker + 1)?;
        if code == 0xD9 {
            kept.extend([0xFF, 0xD9]);
            return Some(kept);
        }
        at = end_of_segment(bytes, marker)?;
        keep_segment(code, bytes.get(marker..at)?, &mut kept);
        in_data = code == 0xDA;
    }
}

/// The next marker that begins a segment or ends the file; zeros and restart markers are part of the data around them.
pub(super) fn next_marker(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr(0xFF, bytes.get(at..)?)?;
        match bytes.get(at + 1)? {
            0xFF => at += 1,
            0x00 | 0x01 | 0xD0..=0xD7 => at += 2,
            _ => return Some(at),
        }
    }
}

/// Where the segment of the marker at `marker` ends. A length of 0 or 1, less than its own two bytes, says to libjpeg and to Pillow
/// that it is empty.
pub(super) fn end_of_segment(bytes: &[u8], marker: usize) -> Option<usize> {
    Some(marker + 2 + usize::from(be16(bytes, marker + 2)?).max(2))
}

fn keep_segment(code: u8, segment: &[u8], kept: &mut Vec<u8>) {
    let body = segment.get(4..).unwrap_or_default();
    match code {
        // Its length is not what it says, and it holds nothing.
        _ if be16(segment, 2) < Some(2) => {}
        // The thumbnail of a JFIF header may show what was cut away since; without it, it has sixteen bytes.
        0xE0 if body.starts_with(b"JFIF\0") && body.len() >= 14 => {
            kept.extend([0xFF, 0xE0, 0, 16]);
            kept.extend(body.get(..12).unwrap_or_default());
            kept.extend([0, 0]);
        }
        0xE2 if body.starts_with(b"ICC_PROFILE\0") => kept.extend(segment),
        0xEE if body.starts_with(b"Adobe") => kept.extend(segment),
        0xE0..=0xEF | 0xFE => {}
        _ => kept.extend(segment),
    }
}

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    /// Chunks that make the picture, and those that say how it is to look.
    const KEPT: [&[u8; 4]; 14] =
        [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"mDCV"];
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend(bytes.get(..8)?);
    let mut at = 8;
    loop {
        let length = be32(bytes, at)? as usize;
        let chunk = bytes.get(at..at.checked_add(length)?.checked_add(12)?)?;
        let kind: &[u8; 4] = chunk.get(4..)?.first_chunk()?;
        if KEPT.contains(&kind) {
            kept.extend(chunk);
        }
        if kind == b"IEND" {
            return Some(kept);
        }
        at += chunk.len();
    }
}

/// The chunks of a RIFF file, each with its header and padding.
struct RiffChunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for RiffChunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let size = le32(self.rest, 4)? as usize;
        let padded = size.checked_add(size & 1)?.checked_add(8)?;
        let (chunk, rest) = self.rest.split_at_checked(padded.min(self.rest.len()))?;
        self.rest = rest;
        Some(chunk)
    }
}

fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    /// VP8X flags for EXIF and XMP (RFC 9649, 2.7).
    const METADATA: u8 = 0x08 | 0x04;
    let size = (le32(bytes, 4)? as usize).checked_add(8)?;
    let mut kept = bytes.get(..12)?.to_vec();
    for chunk in (RiffChunks { rest: bytes.get(12..size)? }) {
        let start = kept.len();
        match chunk.get(..4)? {
            b"VP8X" => {
                kept.extend(chunk);
                *kept.get_mut(start + 8)? &= !METADATA;
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ICCP" | b"ANIM" | b"ANMF" => kept.extend(chunk),
            _ => {}
        }
    }
    let size = u32::try_from(kept.len() - 8).ok()?;
    kept.get_mut(4..8)?.copy_from_slice(&size.to_le_bytes());
    Some(kept)
}
