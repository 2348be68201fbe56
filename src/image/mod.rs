//! The bytes of an image in, one verdict out: container, size, mode, and intact or how it is damaged.
//!
//! Nothing here knows JSON, rules or messages. Modes are in Pillow's words because the providers' rules are. The
//! edge: `inspect` never produces pixels, it proves them decodable, and names formats that no provider takes; only
//! [`transcode`] decodes.

pub mod data_url;
mod embedded;
mod exif;
mod jpeg;
mod png;
mod sniff;
pub mod transcode;
mod webp;

use std::fmt;

pub use embedded::Embedded;
pub use sniff::Format;

/// How much of an image is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Headers only: container, size, mode. Damage is found only where it hides one of these.
    Header,
    /// Every byte that a decoder would need. Costs a fifth of a decode for a sequential JPEG, two fifths for a
    /// progressive one and a lossy WebP, half for a PNG and all of it for a lossless WebP.
    Full,
}

/// The sizes beyond which an image is reported instead of opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Pixels (width times height) above which Pillow warns of a decompression bomb.
    pub pixels_warn: u64,
    /// Pixels above which Pillow refuses; such an image is [`DamageKind::TooLarge`] and is not looked into.
    pub pixels_max: u64,
    /// Bytes of working memory that one image may take. Only lossless WebP needs memory in proportion to its pixels.
    pub memory_max: u64,
}

impl Default for Caps {
    /// `MAX_IMAGE_PIXELS` of Pillow (`src/PIL/Image.py`) and twice that, and 400 MB.
    fn default() -> Self {
        Caps { pixels_warn: 89_478_485, pixels_max: 178_956_970, memory_max: 400_000_000 }
    }
}

/// How pixels are laid out, in the words of Pillow's `Image.open(…).mode`, read from the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One bit, black or white.
    Bilevel,
    /// Eight-bit grey.
    L,
    /// Eight-bit grey with alpha.
    La,
    /// Palette.
    P,
    /// Sixteen-bit grey.
    I16,
    /// Three colours; of 8 or, in PNG, 16 bits.
    Rgb,
    /// Three colours and alpha; Pillow also opens 16-bit grey with alpha as this.
    Rgba,
    /// Four inks; YCCK counts as this, as in Pillow.
    Cmyk,
}

impl Mode {
    /// Pillow's own spelling.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Bilevel => "1",
            Mode::L => "L",
            Mode::La => "LA",
            Mode::P => "P",
            Mode::I16 => "I;16",
            Mode::Rgb => "RGB",
            Mode::Rgba => "RGBA",
            Mode::Cmyk => "CMYK",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with an image, in classes that a rule can give a severity to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// No bytes at all.
    Empty,
    /// Not an image of any kind known here.
    NotAnImage,
    /// The bytes end before the image does.
    Truncated,
    /// All image data are there, but not the end marker: cut in the last few bytes. Pillow refuses most such JPEGs
    /// and opens such PNGs.
    MissingEnd,
    /// The header makes no sense.
    BadHeader,
    /// A checksum is wrong in a place where decoders stop.
    BadChecksum,
    /// No decoder gets through the data.
    BadData,
    /// Wrong, but papered over by tolerant decoders (Pillow opens it): wrong pixels, not an error.
    Suspicious,
    /// More pixels than [`Caps::pixels_max`]; not looked into.
    TooLarge,
    /// A legal kind of file that common decoders lack, named in the detail; not looked into.
    Unsupported,
}

impl DamageKind {
    /// Whether a decoder such as Pillow refuses the image, as far as the kind alone can tell.
    pub fn is_fatal(self) -> bool {
        self != DamageKind::Suspicious
    }
}

/// The worst thing found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its class.
    pub kind: DamageKind,
    /// The byte of the image at which reading stopped or went wrong.
    pub offset: usize,
    /// A clause that stands after "the image …" or alone, such as "ends after 12 of 480 rows".
    pub detail: String,
}

impl Damage {
    fn new(kind: DamageKind, offset: usize, detail: impl Into<String>) -> Self {
        Damage { kind, offset, detail: detail.into() }
    }
}

/// All that is known of an image after looking at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The container, by magic bytes; never by name or label.
    pub format: Format,
    /// Pixels across; 0 where unknown.
    pub width: u32,
    /// Pixels down; 0 where unknown.
    pub height: u32,
    /// The mode of a JPEG, PNG or WebP as Pillow opens it; `None` for other formats and unreadable headers.
    pub mode: Option<Mode>,
    /// Bits of one sample; 0 where unknown.
    pub bit_depth: u8,
    /// A progressive JPEG.
    pub progressive: bool,
    /// Frames of an animation (APNG, animated WebP, GIF); `None` for a still image.
    pub animated: Option<u32>,
    /// EXIF orientation, 1 to 8; 1 is upright or not said.
    pub orientation: u8,
    /// Carries an ICC colour profile.
    pub icc: bool,
    /// Can have transparent pixels: an alpha channel, or a PNG `tRNS` chunk.
    pub has_alpha: bool,
    /// Bytes after the end of the image; known for [`Depth::Full`] only.
    pub trailing_bytes: usize,
    /// Bytes of no meaning between the segments of a JPEG, which every decoder skips.
    pub stray_bytes: usize,
    /// A JPEG that holds further pictures after the first (MPO, what Pillow calls `"MPO"`).
    pub multi_picture: bool,
    /// How far it was in fact looked into: [`Depth::Header`] for a lossless WebP too big for
    /// [`Caps::memory_max`].
    pub looked: Depth,
    /// What is wrong, fatal things before suspicious ones; `None` is as intact as the depth can tell.
    pub damage: Option<Damage>,
}

impl Verdict {
    fn of(format: Format, depth: Depth) -> Self {
        Verdict {
            format,
            width: 0,
            height: 0,
            mode: None,
            bit_depth: 0,
            progressive: false,
            animated: None,
            orientation: 1,
            icc: false,
            has_alpha: false,
            trailing_bytes: 0,
            stray_bytes: 0,
            multi_picture: false,
            looked: depth,
            damage: None,
        }
    }

    /// Width times height.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Notes damage unless something as bad or worse is known already. Returns whether it was fatal.
    fn hurt(&mut self, damage: Damage) -> bool {
        let fatal = damage.kind.is_fatal();
        if self.damage.as_ref().is_none_or(|known| fatal && !known.kind.is_fatal()) {
            self.damage = Some(damage);
        }
        fatal
    }

    /// The one check that must stand before anything is allocated by size.
    fn too_large(&self, caps: &Caps, offset: usize) -> Option<Damage> {
        (self.pixels() > caps.pixels_max).then(|| {
            let detail = format!("declares {} x {} pixels, above the limit of {}", self.width, self.height, caps.pixels_max);
            Damage::new(DamageKind::TooLarge, offset, detail)
        })
    }
}

/// Looks at the bytes of one image file. Never panics; time and memory are bounded by the length of `bytes` and by
/// `caps`, not by what the header declares.
pub fn inspect(bytes: &[u8], depth: Depth, caps: &Caps) -> Verdict {
    let mut verdict = Verdict::of(Format::sniff(bytes), depth);
    match verdict.format {
        Format::Jpeg => jpeg::inspect(bytes, depth, caps, &mut verdict),
        Format::Png => png::inspect(bytes, depth, caps, &mut verdict),
        Format::WebP => webp::inspect(bytes, depth, caps, &mut verdict),
        Format::Unknown if bytes.is_empty() => {
            verdict.damage = Some(Damage::new(DamageKind::Empty, 0, "is empty"));
        }
        Format::Unknown => {
            verdict.damage = Some(Damage::new(DamageKind::NotAnImage, 0, "is not an image of any known format"));
        }
        Format::Html | Format::Pdf => {
            let detail = format!("is not an image but {}", verdict.format.name());
            verdict.damage = Some(Damage::new(DamageKind::NotAnImage, 0, detail));
        }
        _ => sniff::measure(bytes, &mut verdict),
    }
    verdict
}

/// Runs code of a decoder that is not ours: `None` if it panicked. What it left half done must not be used again.
fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).ok()
}

/// Big-endian, or `None` past the end.
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|c| u16::from_be_bytes(*c))
}

/// Big-endian, or `None` past the end.
fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|c| u32::from_be_bytes(*c))
}

/// Little-endian, or `None` past the end.
fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|c| u16::from_le_bytes(*c))
}

/// Little-endian, or `None` past the end.
fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|c| u32::from_le_bytes(*c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod samples;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const SAMPLES: [&str; 9] = [
        samples::BASELINE,
        samples::RESTARTS,
        samples::PROGRESSIVE,
        samples::GREY,
        samples::CMYK,
        samples::LOSSY,
        samples::LOSSY_ALPHA,
        samples::LOSSLESS,
        samples::ANIMATED,
    ];

    fn png() -> Vec<u8> {
        let pixels: Vec<u8> = (0..23 * 17 * 3u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mut file = Vec::new();
        let encoder = ::image::codecs::png::PngEncoder::new(&mut file);
        ::image::ImageEncoder::write_image(encoder, &pixels, 23, 17, ::image::ExtendedColorType::Rgb8).unwrap();
        file
    }

    /// Looks at both depths; the header must not claim what the full look denies.
    fn look(bytes: &[u8]) -> Verdict {
        let start = Instant::now();
        let full = inspect(bytes, Depth::Full, &Caps::default());
        let header = inspect(bytes, Depth::Header, &Caps::default());
        assert_eq!((full.format, full.width, full.height, full.mode), (header.format, header.width, header.height, header.mode));
        assert!(full.damage.as_ref().is_none_or(|damage| damage.offset <= bytes.len()), "{:?}", full.damage);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?} for {full:?}", start.elapsed());
        full
    }

    #[test]
    fn fatal_damage_is_kept_over_suspicion() {
        let mut verdict = Verdict::of(Format::Jpeg, Depth::Full);
        assert!(!verdict.hurt(Damage::new(DamageKind::Suspicious, 1, "first")));
        assert!(verdict.hurt(Damage::new(DamageKind::Truncated, 2, "second")));
        assert!(verdict.hurt(Damage::new(DamageKind::BadData, 3, "third")));
        assert_eq!(verdict.damage.unwrap().detail, "second");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn random_bytes_behind_any_magic_get_a_verdict(
            magic in prop::sample::select(vec![
                &b"\xFF\xD8\xFF"[..], b"\xFF\xD8\xFF\xC0\0\x0B\x08\0\x10\0\x10\x01\x01\x11\0\xFF",
                b"\x89PNG\r\n\x1A\n", b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR", b"RIFF\xFF\0\0\0WEBPVP8X", b"RIFF\xFF\0\0\0WEBPVP8L",
                b"RIFF\xFF\0\0\0WEBPVP8 ", b"GIF89a", b"BM", b"II*\0", b"\0\0\0\x20ftyp", b"<?xml", b"",
            ]),
            tail in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            look(&[magic, &tail].concat());
        }

        #[test]
        fn mutations_of_good_images_get_a_verdict(
            which in 0..10usize,
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let mut bytes = SAMPLES.get(which).map_or_else(png, |sample| samples::bytes(sample));
            for (at, value) in edits {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            look(&bytes);
        }
    }
}
