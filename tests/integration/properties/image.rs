//! An image through the verdict, and through what makes it comply.

use std::io::{self, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, ImageReader, Limits};
use tunelint::image::transcode::{Accepted, Encode, Options, Output, transcode};
use tunelint::image::{Caps, DamageKind, Depth, Embedded, Format, Mode, Verdict, inspect};
use tunelint::target::Target;

/// Pixels of an image that is decoded to compare: more is only slow.
const PIXELS: u64 = 1 << 18;

/// Bytes that begin with `data:` are a URL, bytes behind a 1 a PNG whose checksums are put right, bytes behind a 2 the header and
/// the rows of a PNG that is made of them; all others are an image as it is.
///
/// The header alone says what the whole look says. What is found intact, every decoder gets through; what is found broken in a PNG,
/// none does. What is made to comply does. Damage stands within the bytes.
pub(super) fn holds(data: &[u8]) {
    match data {
        [b'd', b'a', b't', b'a', b':', ..] => url_holds(&String::from_utf8_lossy(data)),
        [1, png @ ..] => image_holds(&with_checksums(png)),
        [2, rest @ ..] => image_holds(&made_png(rest)),
        image => {
            image_holds(image);
            if image.len() <= 1 << 12 {
                url_holds(&format!("data:image/png;base64,{}", STANDARD.encode(image)));
            }
        }
    }
}

fn url_holds(url: &str) {
    let mut buffer = Vec::new();
    for depth in [None, Some(Depth::Header), Some(Depth::Full)] {
        let Some(embedded) = Embedded::look(url, depth, &Caps::default(), &mut buffer) else { return };
        assert!(url.get(embedded.payload_start..).is_some() && url.get(embedded.media_type_start..).is_some(), "{embedded:?}");
        assert!(embedded.url_fault.is_some() || embedded.media_type_start <= embedded.payload_start, "{embedded:?}");
        if let Some(fault) = embedded.url_fault {
            assert!(fault.at() <= url.len(), "{fault:?}");
            continue;
        }
        if depth.is_none() {
            continue;
        }
        let payload = &url[embedded.payload_start..];
        let theirs = STANDARD.decode(payload);
        match embedded.base64_fault {
            None => assert_eq!(theirs.as_ref(), Ok(&buffer)),
            Some(fault) => {
                assert!(theirs.is_err() || payload.is_empty(), "{fault:?} in what is sound");
                assert!(fault.at().is_none_or(|at| at < payload.len().max(1)), "{fault:?}");
            }
        }
        if let Some(verdict) = &embedded.verdict {
            assert_eq!(embedded.image_bytes, buffer.len() as u64);
            is_sound(verdict, &buffer);
        }
    }
}

fn image_holds(bytes: &[u8]) {
    let full = inspect(bytes, Depth::Full, &Caps::default());
    let header = inspect(bytes, Depth::Header, &Caps::default());
    let facts = |verdict: &Verdict| (verdict.format, verdict.width, verdict.height, verdict.mode, verdict.bit_depth);
    assert_eq!(facts(&full), facts(&header));
    is_sound(&full, bytes);
    is_sound(&header, bytes);
    let hidden = header.damage.as_ref().filter(|damage| damage.kind.is_fatal());
    assert!(hidden.is_none() || full.damage.is_some(), "damage of the header is damage: {header:?}, {full:?}");
    if !matches!(full.format, Format::Jpeg | Format::Png | Format::WebP) || full.pixels() > PIXELS || full.looked != Depth::Full {
        return;
    }
    let theirs = decoded(bytes);
    match (&full.damage, theirs) {
        // libjpeg skips bytes that stand between the segments, zune-jpeg gives up at some.
        (None, None) if full.stray_bytes > 0 => {}
        (None, None) if full.format == Format::Png && chunks(bytes).any(|(name, body)| is_unknown(name, body)) => {}
        // One more colour transform of Adobe's than there are: libjpeg warns and takes it for the last, zune-jpeg gives up.
        (None, None) if full.format == Format::Jpeg && adobe_transform(bytes) > Some(2) => {}
        (None, theirs) => assert_eq!(theirs, Some((full.width, full.height)), "intact, and yet not decoded: {full:?}"),
        (Some(damage), Some(_)) => {
            // Other decoders paper over what is broken in a JPEG, over a WebP that is cut in its last bytes, and in a PNG over the
            // checksum of unpacked data, over packed data that are broken behind the last row, and over chunks without a proper
            // name, where Pillow stops.
            let is_cut = damage.kind == DamageKind::Truncated;
            let is_hard = is_cut || (damage.kind == DamageKind::BadData && damage.detail.starts_with("has image data") && unpacks(bytes));
            assert!(full.format != Format::Png || !is_hard, "broken, and yet decoded: {full:?}");
        }
        _ => {}
    }
    complies(bytes, &full);
}

fn is_sound(verdict: &Verdict, bytes: &[u8]) {
    let Some(damage) = &verdict.damage else {
        let is_read = !matches!(verdict.format, Format::Jpeg | Format::Png | Format::WebP) || verdict.pixels() > 0;
        assert!(is_read && (1..=8).contains(&verdict.orientation), "{verdict:?}");
        assert!(verdict.trailing_bytes <= bytes.len() && verdict.stray_bytes <= bytes.len(), "{verdict:?}");
        return;
    };
    assert!(damage.offset <= bytes.len(), "{damage:?} of {} bytes", bytes.len());
    assert!(super::is_readable(&damage.detail), "{damage:?}");
}

/// The chunks of a PNG, name and body; the last one may be cut.
fn chunks(png: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = png.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_first_chunk::<8>()?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        rest = behind.get(length.saturating_add(4)..).unwrap_or_default();
        Some((&head[4..], behind.get(..length).unwrap_or(behind)))
    })
}

/// Whether the png crate stops at a chunk for what it does not know, where Pillow reads on: one that is said to be critical (libpng stops,
/// too), or one that disposes of a frame, or blends it, in a way that there is not.
fn is_unknown(name: &[u8], body: &[u8]) -> bool {
    let is_critical = name[0].is_ascii_uppercase() && !matches!(name, b"IHDR" | b"PLTE" | b"IDAT" | b"IEND");
    is_critical || (name == b"fcTL" && matches!(body, [.., dispose, blend] if *dispose > 2 || *blend > 1))
}

/// Whether zlib gets through the image data of a PNG, as far as they are wanted.
fn unpacks(png: &[u8]) -> bool {
    let data: Vec<u8> = chunks(png).filter(|(name, _)| name == b"IDAT").flat_map(|(_, body)| body).copied().collect();
    let mut unpacked = flate2::read::ZlibDecoder::new(&*data).take(16 << 20);
    io::copy(&mut unpacked, &mut io::sink()).is_ok()
}

fn adobe_transform(jpeg: &[u8]) -> Option<u8> {
    let at = jpeg.windows(5).position(|name| name == b"Adobe")?;
    jpeg.get(at + 11).copied()
}

/// The Huffman tables of the JPEG standard, as segments: the encoder of the `image` crate writes these.
fn standard_tables() -> &'static [u8] {
    static TABLES: OnceLock<Vec<u8>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let (mut jpeg, mut tables) = (Cursor::new(Vec::new()), Vec::new());
        image::RgbImage::new(8, 8).write_to(&mut jpeg, ImageFormat::Jpeg).expect("written");
        let mut rest = &jpeg.get_ref()[2..];
        while let [0xff, kind, high, low, ..] = *rest {
            let (segment, behind) = rest.split_at(2 + usize::from(u16::from_be_bytes([high, low])));
            match kind {
                0xc4 => tables.extend_from_slice(segment),
                0xda => break,
                _ => {}
            }
            rest = behind;
        }
        tables
    })
}

/// Width and height by the `image` crate; `None` when it cannot decode it, or panics. In a JPEG, tables that are not there are those of
/// the standard, each for itself: so libjpeg has it (`std_huff_tables`), where zune-jpeg takes all or none.
fn decoded(bytes: &[u8]) -> Option<(u32, u32)> {
    let with_tables = bytes.strip_prefix(&[0xff, 0xd8]).map(|rest| [&[0xff, 0xd8], standard_tables(), rest].concat());
    let decode = || {
        let bytes = with_tables.as_deref().unwrap_or(bytes);
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
        reader.limits(Limits::default());
        let image = reader.decode().ok()?;
        Some((image.width(), image.height()))
    };
    catch_unwind(AssertUnwindSafe(decode)).ok().flatten()
}

fn complies(bytes: &[u8], full: &Verdict) {
    let accepted = Accepted::of(&Target::builtin("openai").expect("built in"));
    for (encode, output, max_side) in [
        (Encode::WhenNeeded, Output::Auto, None),
        (Encode::Always, Output::Auto, Some(16)),
        (Encode::Always, Output::Jpeg, None),
        (Encode::WhenNeeded, Output::Png, Some(24)),
    ] {
        let options = Options { encode, output, max_side, strip_metadata: true, ..Options::new(accepted.clone()) };
        let Ok(prepared) = transcode(bytes, &options) else { continue };
        let verdict = inspect(&prepared.bytes, Depth::Full, &Caps::default());
        assert!(verdict.damage.as_ref().is_none_or(|damage| !damage.kind.is_fatal()), "{full:?} became {verdict:?}");
        assert!(verdict.damage.is_none() || prepared.doubt.is_some(), "{full:?} became {verdict:?}, without a doubt");
        assert!(matches!(verdict.mode, Some(Mode::Rgb | Mode::Rgba)), "{full:?} became {verdict:?}");
        assert_eq!((verdict.format, verdict.width, verdict.height), (prepared.format, prepared.width, prepared.height));
        assert_eq!((verdict.orientation, verdict.animated), (1, None), "{full:?} became {verdict:?}");
        assert!(max_side.is_none_or(|side| verdict.width.max(verdict.height) <= side));
    }
}

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn chunk(out: &mut Vec<u8>, kind: &[u8], body: &[u8]) {
    out.extend((body.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend_from_slice(kind);
    out.extend_from_slice(body);
    let checksum = crc32fast::hash(&out[start..]);
    out.extend(checksum.to_be_bytes());
}

/// A PNG with the checksum of every chunk put right: else hardly a change of its bytes gets past them.
fn with_checksums(png: &[u8]) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    let mut rest = png.strip_prefix(SIGNATURE).unwrap_or(png);
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let Some(body) = behind.get(..length) else { break };
        chunk(&mut out, &head[4..], body);
        rest = behind.get(length + 4..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// A PNG whose header is the first 13 bytes, small, and whose rows, with their filters, are the others.
fn made_png(bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 13];
    let count = bytes.len().min(13);
    header[..count].copy_from_slice(&bytes[..count]);
    (header[0], header[1], header[2], header[4], header[5], header[6]) = (0, 0, 0, 0, 0, 0);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, bytes.get(13..).unwrap_or_default()).expect("written");
    let mut out = SIGNATURE.to_vec();
    chunk(&mut out, b"IHDR", &header);
    if header[9] == 3 {
        chunk(&mut out, b"PLTE", &[7; 96]);
    }
    chunk(&mut out, b"IDAT", &packed.finish().expect("packed"));
    chunk(&mut out, b"IEND", b"");
    out
}
