//! Which container the bytes are, by magic alone, and the size of those that are only named.
//!
//! Labels, file names and media types are compared with this elsewhere and never trusted. The edge: of formats other
//! than JPEG, PNG and WebP no more is read than a size that stands at a fixed place.

use super::{Verdict, be32, le16, le32};
use std::fmt;

/// A container format, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, MPO among it.
    Jpeg,
    /// PNG, APNG among it.
    Png,
    /// WebP, lossy, lossless or animated.
    WebP,
    /// GIF.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF and the raw formats built on it.
    Tiff,
    /// HEIC or other HEIF.
    Heic,
    /// AVIF.
    Avif,
    /// JPEG 2000, boxed or bare.
    Jpeg2000,
    /// JPEG XL, boxed or bare.
    JpegXl,
    /// Windows icon or cursor.
    Ico,
    /// SVG.
    Svg,
    /// PDF.
    Pdf,
    /// A web page: what a failed download leaves behind.
    Html,
    /// Photoshop.
    Psd,
    /// PBM, PGM, PPM or PAM.
    Ppm,
    /// None of these.
    Unknown,
}

impl Format {
    /// The name users know, as Pillow spells it where Pillow has it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jpeg => "JPEG",
            Format::Png => "PNG",
            Format::WebP => "WEBP",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
            Format::Tiff => "TIFF",
            Format::Heic => "HEIC",
            Format::Avif => "AVIF",
            Format::Jpeg2000 => "JPEG2000",
            Format::JpegXl => "JPEG XL",
            Format::Ico => "ICO",
            Format::Svg => "SVG",
            Format::Pdf => "PDF",
            Format::Html => "HTML",
            Format::Psd => "PSD",
            Format::Ppm => "PPM",
            Format::Unknown => "unknown",
        }
    }

    /// The registered media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Jpeg => "image/jpeg",
            Format::Png => "image/png",
            Format::WebP => "image/webp",
            Format::Gif => "image/gif",
            Format::Bmp => "image/bmp",
            Format::Tiff => "image/tiff",
            Format::Heic => "image/heic",
            Format::Avif => "image/avif",
            Format::Jpeg2000 => "image/jp2",
            Format::JpegXl => "image/jxl",
            Format::Ico => "image/vnd.microsoft.icon",
            Format::Svg => "image/svg+xml",
            Format::Pdf => "application/pdf",
            Format::Html => "text/html",
            Format::Psd => "image/vnd.adobe.photoshop",
            Format::Ppm => "image/x-portable-anymap",
            Format::Unknown => "application/octet-stream",
        }
    }

    /// Tells the container by its first bytes; at most the first 1,024 are read.
    pub fn sniff(bytes: &[u8]) -> Format {
        const FIXED: &[(&[u8], Format)] = &[
            (b"\xFF\xD8\xFF", Format::Jpeg),
            (b"\x89PNG\r\n\x1A\n", Format::Png),
            (b"GIF87a", Format::Gif),
            (b"GIF89a", Format::Gif),
            (b"II*\0", Format::Tiff),
            (b"MM\0*", Format::Tiff),
            (b"II+\0", Format::Tiff),
            (b"MM\0+", Format::Tiff),
            (b"8BPS", Format::Psd),
            (b"%PDF-", Format::Pdf),
            (b"\0\0\0\x0CJXL \r\n\x87\n", Format::JpegXl),
            (b"\xFF\x0A", Format::JpegXl),
            (b"\0\0\0\x0CjP  \r\n\x87\n", Format::Jpeg2000),
            (b"\xFF\x4F\xFF\x51", Format::Jpeg2000),
        ];
        if let Some((_, format)) = FIXED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return *format;
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Format::WebP;
        }
        if bytes.get(4..8) == Some(b"ftyp") {
            return isobmff_brand(bytes);
        }
        // A BMP says "BM" and, at 14, the size of a known header; two letters alone would catch plain text.
        if bytes.starts_with(b"BM") && matches!(le32(bytes, 14), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)) {
            return Format::Bmp;
        }
        if matches!(bytes.first_chunk(), Some([0, 0, 1 | 2, 0])) && le16(bytes, 4).is_some_and(|n| n > 0) {
            return Format::Ico;
        }
        if let [b'P', b'1'..=b'7', next, ..] = bytes
            && next.is_ascii_whitespace()
        {
            return Format::Ppm;
        }
        markup(bytes)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// AVIF or HEIC by the major brand, then by the compatible ones (ISO 14496-12, `ftyp`).
fn isobmff_brand(bytes: &[u8]) -> Format {
    let end = be32(bytes, 0).map_or(0, |n| n.min(256)) as usize;
    let brands = bytes.get(8..end.min(bytes.len())).unwrap_or_default();
    let named = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(Format::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" => Some(Format::Heic),
        _ => None,
    };
    let mut generic = false;
    for brand in brands.chunks_exact(4) {
        if let Some(format) = named(brand) {
            return format;
        }
        generic |= matches!(brand, b"mif1" | b"msf1");
    }
    if generic { Format::Heic } else { Format::Unknown }
}

/// SVG or HTML, past a byte order mark, white space, an XML declaration and comments.
fn markup(bytes: &[u8]) -> Format {
    let head = bytes.get(..1024).unwrap_or(bytes);
    let mut text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if !text.starts_with(b"<") {
        return Format::Unknown;
    }
    let starts = |text: &[u8], tag: &[u8]| text.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag));
    loop {
        if starts(text, b"<svg") || starts(text, b"<!doctype svg") {
            return Format::Svg;
        }
        if [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<script", b"<title", b"<meta", b"<div", b"<p>"]
            .iter()
            .any(|tag| starts(text, tag))
        {
            return Format::Html;
        }
        let close: &[u8] = match text {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            _ => return Format::Unknown,
        };
        let Some(end) = memchr::memmem::find(text, close) else { return Format::Unknown };
        text = text.get(end.saturating_add(close.len())..).unwrap_or_default().trim_ascii_start();
    }
}

/// The size, where it stands at a fixed place, of a format that is only named; and whether a GIF moves.
pub(super) fn measure(bytes: &[u8], verdict: &mut Verdict) {
    let size = match verdict.format {
        Format::Gif => {
            verdict.animated = gif_frames(bytes).filter(|frames| *frames > 1);
            le16(bytes, 6).zip(le16(bytes, 8)).map(|(w, h)| (u32::from(w), u32::from(h)))
        }
        Format::Bmp if le32(bytes, 14) == Some(12) => le16(bytes, 18).zip(le16(bytes, 20)).map(|(w, h)| (u32::from(w), u32::from(h))),
        // The height is negative when the rows run from the top down.
        Format::Bmp => le32(bytes, 18).zip(le32(bytes, 22)).map(|(w, h)| (w, h.cast_signed().unsigned_abs())),
        Format::Psd => be32(bytes, 18).zip(be32(bytes, 14)),
        Format::Jpeg2000 if bytes.starts_with(b"\xFF") => be32(bytes, 8).zip(be32(bytes, 12)),
        Format::Jpeg2000 => {
            memchr::memmem::find(bytes.get(..256).unwrap_or(bytes), b"ihdr").and_then(|at| be32(bytes, at + 8).zip(be32(bytes, at + 4)))
        }
        _ => None,
    };
    if let Some((width, height)) = size {
        (verdict.width, verdict.height) = (width, height);
    }
}

/// Image blocks of a GIF, counted along its chain of blocks without decoding; what is there of a cut file.
fn gif_frames(bytes: &[u8]) -> Option<u32> {
    let table = |flags: u8| {
        if flags & 0x80 != 0 { 3usize << ((flags & 7) + 1) } else { 0 }
    };
    let mut at = 13 + table(*bytes.get(10)?);
    let mut frames = 0u32;
    loop {
        match bytes.get(at) {
            Some(0x2C) => {
                frames = frames.saturating_add(1);
                let Some(flags) = bytes.get(at + 9) else { return Some(frames) };
                at += 11 + table(*flags);
            }
            Some(0x21) => at += 2,
            _ => return Some(frames),
        }
        while let Some(&length) = bytes.get(at) {
            at += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use crate::image::{Caps, DamageKind, Depth, inspect};

    #[test]
    fn every_format_is_told_by_its_magic() {
        let cases: &[(&[u8], Format)] = &[
            (b"\xFF\xD8\xFF", Format::Jpeg),
            (b"\x89PNG\r\n\x1A\n", Format::Png),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Format::WebP),
            (b"RIFF\x24\0\0\0WAVEfmt ", Format::Unknown),
            (b"GIF89a\x01\0\x01\0", Format::Gif),
            (b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0", Format::Bmp),
            (b"BMW is a car maker", Format::Unknown),
            (b"II*\0\x08\0\0\0", Format::Tiff),
            (b"\0\0\0\x1Cftypavif\0\0\0\0", Format::Avif),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Format::Heic),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Format::Avif),
            (b"\0\0\0\x14ftypisom\0\0\0\0isom", Format::Unknown),
            (b"\0\0\x01\0\x01\0", Format::Ico),
            (b"8BPS\0\x01", Format::Psd),
            (b"P6\n1 1\n255\n", Format::Ppm),
            (b"Php", Format::Unknown),
            (b"%PDF-1.7", Format::Pdf),
            (b"\xFF\x0A\0", Format::JpegXl),
            (b"\0\0\0\x0CjP  \r\n\x87\n", Format::Jpeg2000),
            (b"\xEF\xBB\xBF <?xml version='1.0'?><!-- a --> <svg xmlns='x'>", Format::Svg),
            (b"\n<!DOCTYPE HTML><html>", Format::Html),
            (b"<script>alert(1)</script>", Format::Html),
            (b"<?xml", Format::Unknown),
            (b"", Format::Unknown),
        ];
        for (bytes, format) in cases {
            assert_eq!(Format::sniff(bytes), *format, "{bytes:?}");
        }
    }

    #[test]
    fn gif_is_measured_and_counted_but_not_damaged() {
        let mut gif = b"GIF89a\x03\0\x02\0\0\0\0".to_vec();
        for _ in 0..3 {
            gif.extend(b"\x21\xF9\x04\0\0\0\0\0\x2C\0\0\0\0\x03\0\x02\0\0\x02\x02\x4C\x01\0");
        }
        gif.push(0x3B);
        let verdict = inspect(&gif, Depth::Full, &Caps::default());
        assert_eq!((verdict.width, verdict.height, verdict.animated, verdict.damage), (3, 2, Some(3), None));
    }

    #[test]
    fn nothing_and_nonsense_are_named() {
        let kind = |bytes: &[u8]| inspect(bytes, Depth::Full, &Caps::default()).damage.unwrap().kind;
        assert_eq!(kind(b""), DamageKind::Empty);
        assert_eq!(kind(b"hello"), DamageKind::NotAnImage);
        assert_eq!(kind(b"<html>"), DamageKind::NotAnImage);
    }
}
