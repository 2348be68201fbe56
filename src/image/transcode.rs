//! Makes an image that a target takes out of one that it may not: upright, RGB or RGBA, small enough, as JPEG or PNG.
//!
//! What complies already is handed back byte for byte. The edge: one picture in, one out; of an animation the first is
//! taken, and what is damaged beyond what decoders forgive is refused, never mended by guessing.

mod color;
mod decode;
mod encode;
mod strip;

use std::borrow::Cow;
use std::fmt;

use super::{Caps, Damage, DamageKind, Depth, Format, Mode, Verdict, guarded, inspect, jpeg};
use crate::target::Target;
use decode::Decoded;
use encode::Made;

/// When an image is encoded anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encode {
    /// Only when it does not comply. A colour profile alone is no reason; providers take such images.
    #[default]
    WhenNeeded,
    /// Each image, whether it complies or not.
    Always,
}

/// What an image that is encoded anew is written as; one that is handed back keeps its format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// PNG for what has transparent pixels or was compressed without loss, unless that is too many bytes; JPEG otherwise.
    #[default]
    Auto,
    /// JPEG; transparent pixels are laid on [`Options::background`], or on white.
    Jpeg,
    /// PNG.
    Png,
}

/// What a target takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Formats, of those that can be read here.
    pub formats: Vec<Format>,
    /// Colour modes.
    pub modes: Vec<Mode>,
    /// Most bytes of an image.
    pub bytes: Option<u64>,
}

impl Accepted {
    /// What `target` takes, by its file.
    pub fn of(target: &Target) -> Self {
        const FORMATS: [Format; 6] = [Format::Jpeg, Format::Png, Format::WebP, Format::Gif, Format::Bmp, Format::Tiff];
        const MODES: [Mode; 8] = [Mode::Bilevel, Mode::L, Mode::La, Mode::P, Mode::I16, Mode::Rgb, Mode::Rgba, Mode::Cmyk];
        let images = &target.images;
        Self {
            formats: FORMATS.into_iter().filter(|format| images.formats.value.iter().any(|name| name == format.name())).collect(),
            modes: MODES.into_iter().filter(|mode| images.modes.value.iter().any(|name| name == mode.name())).collect(),
            bytes: images.bytes.as_ref().map(|limit| limit.value),
        }
    }

    fn takes(&self, format: Format) -> bool {
        self.formats.contains(&format)
    }
}

/// How images are made.
#[derive(Clone, Debug)]
pub struct Options {
    /// When they are encoded anew.
    pub encode: Encode,
    /// What they are then written as.
    pub output: Output,
    /// Quality of a JPEG, 1 to 100, as libjpeg and Pillow mean it. Lowered, but not below 40, where a limit of bytes asks for it.
    pub quality: u8,
    /// Most pixels (width times height); larger ones are made smaller.
    pub max_pixels: Option<u64>,
    /// Longest side in pixels; larger ones are made smaller.
    pub max_side: Option<u32>,
    /// The colour that transparent pixels are laid on; without one they stay transparent where the format lets them.
    pub background: Option<[u8; 3]>,
    /// Whether EXIF (with its places and thumbnails), XMP, comments and the like are taken out of images that are handed back,
    /// without encoding them anew. Those that are encoded anew never have any.
    pub strip_metadata: bool,
    /// What the target takes.
    pub accepted: Accepted,
    /// Images beyond these are refused by their header.
    pub caps: Caps,
}

impl Options {
    /// What makes an image comply and nothing more: quality 90, no size asked for, metadata kept.
    pub fn new(accepted: Accepted) -> Self {
        Self {
            encode: Encode::default(),
            output: Output::default(),
            quality: 90,
            max_pixels: None,
            max_side: None,
            background: None,
            strip_metadata: false,
            accepted,
            // Pixels are produced here, which takes more than the look at them that the default is meant for.
            caps: Caps { memory_max: 1_000_000_000, ..Caps::default() },
        }
    }

    /// Whether an image may go as it is.
    fn comply(&self, bytes: &[u8], verdict: &Verdict) -> bool {
        self.accepted.takes(verdict.format)
            && verdict.mode.is_some_and(|mode| self.accepted.modes.contains(&mode))
            && verdict.orientation == 1
            && verdict.animated.is_none()
            && self.accepted.bytes.is_none_or(|limit| bytes.len() as u64 <= limit)
            && self.size(verdict.width, verdict.height) == (verdict.width, verdict.height)
    }

    /// The size at which an image of `width` by `height` is within the limits.
    fn size(&self, width: u32, height: u32) -> (u32, u32) {
        fit((width, height), self.max_side, self.max_pixels)
    }
}

/// The largest size within the limits that keeps the shape, at least one pixel either way.
fn fit((mut width, mut height): (u32, u32), max_side: Option<u32>, max_pixels: Option<u64>) -> (u32, u32) {
    if let Some(side) = max_side.map(|side| side.max(1))
        && width.max(height) > side
    {
        let long = u64::from(width.max(height));
        let scaled = |length: u32| ((u64::from(length) * u64::from(side) + long / 2) / long).max(1) as u32;
        (width, height) = (scaled(width), scaled(height));
    }
    let (w, h) = (u64::from(width), u64::from(height));
    if let Some(pixels) = max_pixels.map(|pixels| pixels.max(1))
        && w * h > pixels
    {
        let across = (u128::from(pixels) * u128::from(w) / u128::from(h)).isqrt().clamp(1, u128::from(pixels)) as u64;
        let down = ((across * h + w / 2) / w).clamp(1, pixels / across);
        (width, height) = (across as u32, down as u32);
    }
    (width, height)
}

/// One thing that was done to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It was decoded and encoded anew, for the reasons that stand beside this or because that was asked for.
    Encoded,
    /// Written in another format.
    Format,
    /// Of another colour mode, or of fewer bits.
    Mode,
    /// Turned as its EXIF data say that it was meant.
    Upright,
    /// An animation of which the first picture was kept.
    FirstFrame,
    /// Made smaller.
    Resized,
    /// Transparent pixels were laid on a colour.
    Flattened,
    /// Colours were converted from its own profile to sRGB.
    Colors,
    /// Its colour profile made no sense, or was one for other pixels, and was left out of account.
    ProfileIgnored,
    /// The quality asked for would have been too many bytes.
    Quality,
    /// The marker of its end was missing, though all of its pixels were there, and was put back.
    End,
    /// Metadata were taken out; the pixels are the very same.
    Metadata,
}

impl Change {
    /// What was done, for people: a participle, as in "300 images resized".
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoded => "encoded anew",
            Self::Format => "written in another format",
            Self::Mode => "converted to another colour mode",
            Self::Upright => "turned upright",
            Self::FirstFrame => "reduced to the first picture of an animation",
            Self::Resized => "resized",
            Self::Flattened => "laid on a colour",
            Self::Colors => "converted to sRGB",
            Self::ProfileIgnored => "read without a broken colour profile",
            Self::Quality => "lowered in quality",
            Self::End => "given the end that was missing",
            Self::Metadata => "stripped of metadata",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An image that the target takes.
#[derive(Clone, Debug)]
pub struct Prepared<'a> {
    /// The file: the very bytes that came in, if nothing had to be done.
    pub bytes: Cow<'a, [u8]>,
    /// What it is.
    pub format: Format,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What was done to it, in the order of [`Change`]; empty when it is handed back as it came.
    pub changes: Vec<Change>,
    /// Damage that decoders paper over, so that some pixels may be wrong; encoding anew does not make them right.
    pub doubt: Option<Damage>,
}

impl Prepared<'_> {
    /// The registered media type.
    pub fn media_type(&self) -> &'static str {
        self.format.media_type()
    }
}

/// Why no image could be made. Its text stands alone, as in "the image ends after 16 of 72 rows".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its bytes are broken, too large a picture, or of a rare kind; found by looking at them.
    Damaged(Damage),
    /// A format that is not read here.
    Unsupported(Format),
    /// The decoder gave up, in its own words.
    Undecodable(String),
    /// Decoding takes more memory than [`Caps::memory_max`].
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Bytes that decoding would take.
        bytes: u64,
        /// Bytes that it may take.
        limit: u64,
    },
    /// Even at the least quality and size it has too many bytes.
    CannotFit {
        /// Bytes at the last attempt.
        bytes: u64,
        /// Bytes that the target takes.
        limit: u64,
    },
    /// The target does not take what images can be written as here.
    NoOutput(Output),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => write!(f, "the image {}", damage.detail),
            Self::Unsupported(format) => write!(f, "the image is {format}, which cannot be read here; convert it to PNG or JPEG"),
            Self::Undecodable(reason) => write!(f, "the image cannot be decoded: {reason}"),
            Self::TooLarge { width, height, bytes, limit } => {
                write!(f, "the image has {width} x {height} pixels, which take {bytes} bytes of memory; the limit is {limit}")
            }
            Self::CannotFit { bytes, limit } => {
                write!(f, "the image has {bytes} bytes even at the least quality and size; the limit is {limit}")
            }
            Self::NoOutput(Output::Auto) => f.write_str("the target takes neither JPEG nor PNG in RGB, and nothing else is written here"),
            Self::NoOutput(Output::Jpeg) => f.write_str("the target takes no JPEG in RGB"),
            Self::NoOutput(Output::Png) => f.write_str("the target takes no PNG in RGB"),
        }
    }
}

impl std::error::Error for Fault {}

/// Makes `bytes`, the file of one image, into one that complies with `options`. Never panics; the same bytes give the same
/// result. Takes a few times the memory of the pixels, and nothing where the image complies already.
///
/// 16-bit samples are scaled to 8 bits, rounded (Pillow clips 16-bit grey instead, which turns most of it white). Transparent
/// pixels never show the colour that lies hidden in them.
///
/// # Errors
///
/// A [`Fault`] when the image is damaged, of a kind that is not read here, too large, or cannot be made to comply.
pub fn transcode<'a>(bytes: &'a [u8], options: &Options) -> Result<Prepared<'a>, Fault> {
    if options.encode == Encode::Always
        && let Some(prepared) = requantised(bytes, options)
    {
        return Ok(prepared);
    }
    let mut verdict = inspect(bytes, Depth::Full, &options.caps);
    if let Some(damage) = verdict.damage.take_if(|damage| damage.kind.is_fatal()) {
        let whole = ended(bytes, &damage, verdict.format, &options.caps).ok_or(Fault::Damaged(damage))?;
        let mut prepared = transcode(&whole, options)?;
        prepared.changes.push(Change::End);
        prepared.changes.sort_unstable();
        return Ok(Prepared { bytes: Cow::Owned(prepared.bytes.into_owned()), ..prepared });
    }
    if options.encode == Encode::WhenNeeded && options.comply(bytes, &verdict) {
        return Ok(untouched(bytes, verdict, options));
    }
    let decoded = decode::decode(bytes, &verdict, &options.caps)?;
    let mut changes = decoded.changes(&verdict);
    let lossless = match verdict.format {
        Format::Jpeg => false,
        Format::WebP => !strip::is_lossy_webp(bytes),
        _ => true,
    };
    let made = encode::encode(decoded.image, lossless, options, &mut changes)?;
    if made.format != verdict.format {
        changes.push(Change::Format);
    }
    if verdict.mode != Some(made.mode) || verdict.bit_depth > 8 {
        changes.push(Change::Mode);
    }
    changes.sort_unstable();
    let Made { bytes, format, width, height, .. } = made;
    Ok(Prepared { bytes: Cow::Owned(bytes), format, width, height, changes, doubt: verdict.damage })
}

/// The file with the end marker that it lacks, or the rest of it; `None` if it lacks more than that.
fn ended(bytes: &[u8], damage: &Damage, format: Format, caps: &Caps) -> Option<Vec<u8>> {
    let end: &[u8] = match format {
        Format::Jpeg => b"\xFF\xD9",
        Format::Png => b"\0\0\0\0IEND\xAE\x42\x60\x82",
        _ => return None,
    };
    let whole = |file: &Vec<u8>| inspect(file, Depth::Full, caps).damage.is_none_or(|damage| !damage.kind.is_fatal());
    let cuts = (0..end.len()).rev().filter(|_| damage.kind == DamageKind::MissingEnd).map(|cut| end.split_at(cut));
    cuts.filter(|(there, _)| bytes.ends_with(there)).map(|(_, missing)| [bytes, missing].concat()).find(whole)
}

/// A JPEG of which nothing but the quality changes, without a way through its pixels. `None` for any other, where its data are
/// not wholly sound, and where it does not come out within the limits. Its header is enough to look at: all else is read here.
fn requantised<'a>(bytes: &[u8], options: &Options) -> Option<Prepared<'a>> {
    let verdict = inspect(bytes, Depth::Header, &options.caps);
    let is_plain = verdict.format == Format::Jpeg
        && verdict.mode == Some(Mode::Rgb)
        && verdict.orientation == 1
        && !verdict.icc
        && !verdict.progressive
        && verdict.damage.is_none()
        && options.output != Output::Png
        && options.accepted.takes(Format::Jpeg)
        && options.accepted.modes.contains(&Mode::Rgb)
        && options.size(verdict.width, verdict.height) == (verdict.width, verdict.height);
    let bytes = is_plain.then(|| guarded(|| jpeg::requantise(bytes, options.quality)).flatten()).flatten()?;
    if options.accepted.bytes.is_some_and(|limit| bytes.len() as u64 > limit) {
        return None;
    }
    let (width, height) = (verdict.width, verdict.height);
    Some(Prepared { bytes: Cow::Owned(bytes), format: Format::Jpeg, width, height, changes: vec![Change::Encoded], doubt: None })
}

/// An image that goes as it is, or without its metadata.
fn untouched<'a>(bytes: &'a [u8], verdict: Verdict, options: &Options) -> Prepared<'a> {
    let stripped = if options.strip_metadata { strip::strip(bytes, &verdict) } else { None };
    let changes = stripped.iter().map(|_| Change::Metadata).collect();
    let Verdict { format, width, height, damage: doubt, .. } = verdict;
    Prepared { bytes: stripped.map_or(Cow::Borrowed(bytes), Cow::Owned), format, width, height, changes, doubt }
}

impl Decoded {
    /// What decoding itself changed.
    fn changes(&self, verdict: &Verdict) -> Vec<Change> {
        let mut changes = vec![Change::Encoded];
        changes.extend(self.upright.then_some(Change::Upright));
        changes.extend(verdict.animated.map(|_| Change::FirstFrame));
        changes.extend(self.colors);
        changes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use crate::image::samples;
    use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, ImageEncoder, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
    use proptest::prelude::*;

    fn openai() -> Options {
        Options::new(Accepted::of(&Target::builtin("openai").unwrap()))
    }

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let (image, mut file) = (image.into(), Vec::new());
        let encoder = image::codecs::png::PngEncoder::new(&mut file);
        encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).unwrap();
        file
    }

    /// A JPEG by the encoder that is not used here.
    fn jpeg(image: &DynamicImage) -> Vec<u8> {
        let mut file = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95).encode_image(image).unwrap();
        file
    }

    /// Inserts a chunk, with its checksum, before the first IDAT.
    fn with_chunk(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let at = memchr::memmem::find(png, b"IDAT").unwrap() - 4;
        let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
        chunk.extend(kind);
        chunk.extend(data);
        chunk.extend(crc32fast::hash(&chunk[4..]).to_be_bytes());
        [&png[..at], &chunk, &png[at..]].concat()
    }

    /// Inserts a segment after the start marker.
    fn with_segment(jpeg: &[u8], code: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xFF, code], &length, body, &jpeg[2..]].concat()
    }

    fn exif(orientation: u8) -> Vec<u8> {
        [&b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation], b"\0\0\0\0\0\0"].concat()
    }

    /// What a reader sees, with the promises that hold for every result.
    fn pixels(prepared: &Prepared) -> DynamicImage {
        let verdict = inspect(&prepared.bytes, Depth::Full, &Caps::default());
        assert_eq!((verdict.format, verdict.width, verdict.height), (prepared.format, prepared.width, prepared.height));
        assert_eq!((verdict.damage, verdict.orientation, verdict.trailing_bytes, verdict.animated), (None, 1, 0, None));
        assert!(matches!(verdict.mode, Some(Mode::Rgb | Mode::Rgba)), "{:?}", verdict.mode);
        assert!(!prepared.changes.is_empty() && prepared.changes.is_sorted());
        image::load_from_memory(&prepared.bytes).unwrap()
    }

    fn gradient(width: u32, height: u32) -> RgbImage {
        ImageBuffer::from_fn(width, height, |x, y| Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 128]))
    }

    fn is_borrowed(prepared: &Prepared) -> bool {
        matches!(prepared.bytes, Cow::Borrowed(_)) && prepared.changes.is_empty()
    }

    #[test]
    fn what_complies_goes_untouched() {
        for file in [png(gradient(20, 10)), samples::bytes(samples::BASELINE), samples::bytes(samples::LOSSY_ALPHA)] {
            let prepared = transcode(&file, &openai()).unwrap();
            assert!(is_borrowed(&prepared) && *prepared.bytes == *file, "{:?}", prepared.changes);
        }
        let options = Options { encode: Encode::Always, ..openai() };
        assert_eq!(transcode(&png(gradient(20, 10)), &options).unwrap().changes, [Change::Encoded]);
    }

    #[test]
    fn every_mode_becomes_rgb_and_keeps_its_pixels() {
        let grey = GrayImage::from_fn(16, 16, |x, y| Luma([(x * 16 + y) as u8]));
        let expected = DynamicImage::from(grey.clone()).into_rgb8();
        let deep = ImageBuffer::<Luma<u16>, _>::from_fn(16, 16, |x, y| Luma([(x * 16 + y) as u16 * 257]));
        let opaque = GrayAlphaImage::from_fn(16, 16, |x, y| LumaA([(x * 16 + y) as u8, 255]));
        for (file, was) in [(png(grey), Mode::L), (png(deep), Mode::I16), (png(opaque), Mode::La)] {
            assert_eq!(inspect(&file, Depth::Header, &Caps::default()).mode, Some(was));
            let prepared = transcode(&file, &openai()).unwrap();
            assert_eq!((prepared.format, &prepared.changes[..]), (Format::Png, &[Change::Encoded, Change::Mode][..]));
            assert_eq!(pixels(&prepared), expected.clone().into());
        }
    }

    #[test]
    fn sixteen_bits_are_scaled_and_rounded() {
        let deep = ImageBuffer::<Luma<u16>, _>::from_fn(3, 1, |x, _| Luma([[0, 40_000, 65_535][x as usize]]));
        let file = png(deep);
        let prepared = transcode(&file, &openai()).unwrap();
        assert_eq!(pixels(&prepared).as_bytes(), [0, 0, 0, 156, 156, 156, 255, 255, 255]);
        let deep = ImageBuffer::<LumaA<u16>, _>::from_pixel(1, 1, LumaA([40_000, 32_896]));
        let options = Options { encode: Encode::Always, ..openai() };
        assert_eq!(pixels(&transcode(&png(deep), &options).unwrap()).as_bytes(), [156, 156, 156, 128]);
    }

    /// Three pixels: red, half-transparent green, and black that is not to be seen.
    fn palette() -> Vec<u8> {
        let mut file = png(GrayImage::from_raw(3, 1, vec![0, 1, 2]).unwrap());
        file[25] = 3;
        let checksum = crc32fast::hash(&file[12..29]).to_be_bytes();
        file[29..33].copy_from_slice(&checksum);
        with_chunk(&with_chunk(&file, b"PLTE", &[255, 0, 0, 0, 255, 0, 0, 0, 0]), b"tRNS", &[255, 128, 0])
    }

    #[test]
    fn palettes_keep_their_colours_and_their_holes() {
        let file = palette();
        let prepared = transcode(&file, &openai()).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Mode]);
        assert_eq!(pixels(&prepared).as_bytes(), [255, 0, 0, 255, 0, 255, 0, 128, 255, 255, 255, 0]);
    }

    #[test]
    fn inks_are_mixed() {
        let file = samples::bytes(samples::CMYK);
        let prepared = transcode(&file, &openai()).unwrap();
        assert_eq!((prepared.format, &prepared.changes[..]), (Format::Jpeg, &[Change::Encoded, Change::Mode][..]));
        assert_eq!(pixels(&prepared).color(), image::ColorType::Rgb8);
    }

    #[test]
    fn all_eight_orientations_are_undone() {
        // Where the pixel that belongs at (x, y) of an upright picture of 3 by 2 lies in the file (EXIF 2.32, 4.6.4).
        let upright = RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8 * 80, y as u8 * 200, 7]));
        for orientation in 1..=8u8 {
            let (width, height) = if orientation < 5 { (3, 2) } else { (2, 3) };
            let stored = RgbImage::from_fn(width, height, |x, y| {
                let (x, y) = match orientation {
                    1 => (x, y),
                    2 => (2 - x, y),
                    3 => (2 - x, 1 - y),
                    4 => (x, 1 - y),
                    5 => (y, x),
                    6 => (2 - y, x),
                    7 => (2 - y, 1 - x),
                    _ => (y, 1 - x),
                };
                *upright.get_pixel(x, y)
            });
            let file = with_chunk(&png(stored), b"eXIf", &exif(orientation)[6..]);
            let prepared = transcode(&file, &openai()).unwrap();
            if orientation == 1 {
                assert!(is_borrowed(&prepared));
                continue;
            }
            assert_eq!(prepared.changes, [Change::Encoded, Change::Upright]);
            assert_eq!(pixels(&prepared), upright.clone().into(), "orientation {orientation}");
        }
    }

    #[test]
    fn transparent_pixels_never_turn_black() {
        // White in the middle, clear black around it: what naive conversion and naive resizing get wrong.
        let image =
            RgbaImage::from_fn(40, 40, |x, y| if (10..30).contains(&x) && (10..30).contains(&y) { Rgba([255; 4]) } else { Rgba([0; 4]) });
        let file = png(image);
        let white = |options: &Options| {
            let prepared = transcode(&file, options).unwrap();
            let seen = pixels(&prepared);
            assert!(seen.to_rgb8().pixels().all(|pixel| pixel.0.iter().all(|sample| *sample > 250)), "{:?}", prepared.changes);
            (prepared.format, seen.color().has_alpha())
        };
        let always = Options { encode: Encode::Always, ..openai() };
        assert_eq!(white(&always), (Format::Png, true));
        assert_eq!(white(&Options { max_side: Some(17), ..openai() }), (Format::Png, true));
        assert_eq!(white(&Options { output: Output::Jpeg, ..always.clone() }), (Format::Jpeg, false));
        let rgb_only = Accepted { modes: vec![Mode::Rgb], ..always.accepted.clone() };
        assert_eq!(white(&Options { accepted: rgb_only, ..always.clone() }), (Format::Png, false));
        let on_red = Options { background: Some([255, 0, 0]), ..always };
        let prepared = transcode(&file, &on_red).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Mode, Change::Flattened]);
        assert_eq!(pixels(&prepared).to_rgb8().get_pixel(0, 0).0, [255, 0, 0]);
    }

    #[test]
    fn of_an_animation_the_first_picture_is_kept() {
        let mut gif = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
        let colors = [[200, 10, 10, 255], [10, 10, 200, 255]];
        encoder.encode_frames(colors.map(|color| image::Frame::new(RgbaImage::from_pixel(5, 4, Rgba(color))))).unwrap();
        drop(encoder);
        let prepared = transcode(&gif, &openai()).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Format, Change::Mode, Change::FirstFrame]);
        assert_eq!(pixels(&prepared), RgbImage::from_pixel(5, 4, Rgb([200, 10, 10])).into());
        let file = samples::bytes(samples::ANIMATED);
        let prepared = transcode(&file, &openai()).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Format, Change::FirstFrame]);
        assert_eq!((prepared.format, pixels(&prepared).width()), (Format::Jpeg, 16));
    }

    #[test]
    fn a_profile_is_applied_and_a_broken_one_is_not() {
        let picture = DynamicImage::from(gradient(32, 32));
        let segment = |profile: &[u8]| [b"ICC_PROFILE\0\x01\x01", profile].concat();
        let with_profile = |profile: &[u8]| with_segment(&jpeg(&picture), 0xE2, &segment(profile));
        let display_p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let file = with_profile(&display_p3);
        assert!(is_borrowed(&transcode(&file, &openai()).unwrap()));
        let options = Options { encode: Encode::Always, output: Output::Png, ..openai() };
        let prepared = transcode(&file, &options).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Format, Change::Colors]);
        assert!(pixels(&prepared).to_rgb8().get_pixel(31, 1).0[0] > 250, "what P3 calls red is beyond sRGB");
        let file = with_profile(b"no profile");
        let prepared = transcode(&file, &options).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Format, Change::ProfileIgnored]);
        let srgb = moxcms::ColorProfile::new_srgb().encode().unwrap();
        let file = with_profile(&srgb);
        let prepared = transcode(&file, &options).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Format]);
    }

    #[test]
    fn sizes_keep_their_shape_within_the_limits() {
        assert_eq!(fit((3000, 2000), Some(1000), None), (1000, 667));
        assert_eq!(fit((2000, 3000), Some(1000), None), (667, 1000));
        assert_eq!(fit((100, 100), Some(1000), Some(10_000)), (100, 100));
        assert_eq!(fit((4000, 3000), None, Some(3_000_000)), (2000, 1500));
        assert_eq!(fit((100_000, 1), None, Some(10)), (10, 1));
        assert_eq!(fit((1, 60_000), Some(5), Some(1)), (1, 1));
        for pixels in 1..2_000u64 {
            let (width, height) = fit((4032, 3024), None, Some(pixels));
            assert!(u64::from(width) * u64::from(height) <= pixels && width >= 1 && height >= 1);
        }
        let options = Options { max_side: Some(10), ..openai() };
        let file = png(gradient(40, 20));
        let prepared = transcode(&file, &options).unwrap();
        assert_eq!(prepared.changes, [Change::Encoded, Change::Resized]);
        assert_eq!((pixels(&prepared).width(), prepared.height), (10, 5));
    }

    /// Noise, which no encoder gets small.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 1u32;
        RgbImage::from_fn(width, height, |_, _| {
            Rgb([0; 3].map(|_: u8| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            }))
        })
    }

    #[test]
    fn a_limit_of_bytes_is_met_or_a_fault() {
        let file = png(noise(200, 150));
        let within = |bytes: u64| {
            let accepted = Accepted { bytes: Some(bytes), ..openai().accepted };
            transcode(&file, &Options { accepted, ..openai() })
        };
        for (bytes, changes) in [
            (50_000, &[Change::Encoded, Change::Format][..]),
            (20_000, &[Change::Encoded, Change::Format, Change::Quality]),
            (3_000, &[Change::Encoded, Change::Format, Change::Resized, Change::Quality]),
        ] {
            let prepared = within(bytes).unwrap();
            pixels(&prepared);
            assert!(prepared.bytes.len() as u64 <= bytes && prepared.bytes.len() as u64 > bytes / 3, "{bytes}: {}", prepared.bytes.len());
            assert_eq!(prepared.changes, changes, "{bytes}");
        }
        assert!(matches!(within(300), Err(Fault::CannotFit { limit: 300, .. })));
    }

    #[test]
    fn jpegs_have_the_tables_and_sampling_of_libjpeg() {
        // The first eight of each table that libjpeg-turbo 3.1 writes, in zigzag order.
        for (quality, luma, chroma) in [
            (50, [16, 11, 12, 14, 12, 10, 16, 14], [17, 18, 18, 24, 21, 24, 47, 26]),
            (75, [8, 6, 6, 7, 6, 5, 8, 7], [9, 9, 9, 12, 11, 12, 24, 13]),
            (90, [3, 2, 2, 3, 2, 2, 3, 3], [3, 4, 4, 5, 4, 5, 9, 5]),
        ] {
            let options = Options { encode: Encode::Always, output: Output::Jpeg, quality, ..openai() };
            let file = png(gradient(33, 21));
            let prepared = transcode(&file, &options).unwrap();
            pixels(&prepared);
            let tables = memchr::memmem::find_iter(&prepared.bytes[..], b"\xFF\xDB\0\x43").collect::<Vec<_>>();
            let begins = |table: usize| prepared.bytes[tables[table] + 5..][..8].to_vec();
            assert_eq!((begins(0), begins(1)), (luma.to_vec(), chroma.to_vec()), "quality {quality}");
            let frame = memchr::memmem::find(&prepared.bytes, b"\xFF\xC0").unwrap();
            assert_eq!((prepared.bytes[frame + 11], prepared.bytes[frame + 14]), (0x22, 0x11), "4:2:0");
        }
    }

    #[test]
    fn both_jpeg_encoders_draw_the_same_picture() {
        let picture = DynamicImage::from(gradient(100, 75));
        let options = Options { encode: Encode::Always, output: Output::Jpeg, quality: 95, ..openai() };
        let ours = pixels(&transcode(&png(picture.clone()), &options).unwrap()).into_rgb8();
        let theirs = image::load_from_memory(&jpeg(&picture)).unwrap().into_rgb8();
        let apart = ours.iter().zip(theirs.iter()).map(|(a, b)| u64::from(a.abs_diff(*b)));
        let (sum, most) = apart.fold((0, 0), |(sum, most), apart| (sum + apart, most.max(apart)));
        assert!(most <= 12 && sum < 2 * 100 * 75 * 3, "at most {most}, in all {sum}");
    }

    #[test]
    fn metadata_go_without_a_new_encoding() {
        let options = Options { strip_metadata: true, ..openai() };
        let plain = samples::bytes(samples::BASELINE);
        assert!(is_borrowed(&transcode(&plain, &options).unwrap()));
        let profile = b"ICC_PROFILE\0\x01\x01as it is";
        let coloured = with_segment(&plain, 0xE2, profile);
        assert!(is_borrowed(&transcode(&coloured, &options).unwrap()), "a profile is no metadata");
        let mut traced = with_segment(&coloured, 0xE1, &exif(1));
        traced = with_segment(&with_segment(&traced, 0xFE, b"by me"), 0xED, b"Photoshop 3.0\0");
        traced.extend(b"motion photo");
        let prepared = transcode(&traced, &options).unwrap();
        assert_eq!((&*prepared.bytes, &prepared.changes[..]), (&coloured[..], &[Change::Metadata][..]));
        assert!(is_borrowed(&transcode(&traced, &openai()).unwrap()), "only if asked to");

        let plain = with_chunk(&png(gradient(9, 9)), b"gAMA", &45_455u32.to_be_bytes());
        let traced = with_chunk(&with_chunk(&plain, b"tEXt", b"Author\0me"), b"eXIf", &exif(1)[6..]);
        let prepared = transcode(&traced, &options).unwrap();
        assert_eq!((&*prepared.bytes, &prepared.changes[..]), (&plain[..], &[Change::Metadata][..]));
    }

    #[test]
    fn metadata_of_every_scan_and_of_webp_go_as_well() {
        let options = Options { strip_metadata: true, ..openai() };
        let plain = samples::bytes(samples::PROGRESSIVE);
        let scan = memchr::memmem::rfind(&plain, b"\xFF\xDA").unwrap();
        let traced = [&plain[..scan], b"\xFF\xFE\0\x04me", &plain[scan..]].concat();
        assert_eq!(*transcode(&traced, &options).unwrap().bytes, plain);
        for length in [0, 1] {
            let odd = [&plain[..2], &[0xFF, 0xDC, 0, length], &plain[2..]].concat();
            assert_eq!(*transcode(&odd, &options).unwrap().bytes, plain, "an empty segment");
        }
        let restarts = samples::bytes(samples::RESTARTS);
        assert_eq!(*transcode(&with_segment(&restarts, 0xE1, &exif(1)), &options).unwrap().bytes, restarts);

        let plain = samples::bytes(samples::LOSSY_ALPHA);
        let mut traced = [&plain[..], b"EXIF\x03\0\0\0abc\0"].concat();
        let size = traced.len() as u32 - 8;
        traced[4..8].copy_from_slice(&size.to_le_bytes());
        traced[20] |= 0x08;
        let prepared = transcode(&traced, &options).unwrap();
        assert_eq!((&*prepared.bytes, &prepared.changes[..]), (&plain[..], &[Change::Metadata][..]));
    }

    #[test]
    fn damage_is_a_fault_in_the_words_of_the_verdict() {
        let whole = samples::bytes(samples::BASELINE);
        let fault = |bytes: &[u8]| transcode(bytes, &openai()).unwrap_err().to_string();
        assert!(fault(&whole[..whole.len() / 2]).starts_with("the image ends "), "{}", fault(&whole[..whole.len() / 2]));
        assert_eq!(fault(b""), "the image is empty");
        assert_eq!(fault(b"hello"), "the image is not an image of any known format");
        assert_eq!(fault(b"8BPS\0\x01\0\0\0\0\0\0"), "the image is PSD, which cannot be read here; convert it to PNG or JPEG");
        let file = png(gradient(20, 10));
        let broken = transcode(&file[..file.len() - 40], &openai()).unwrap_err();
        assert!(matches!(broken, Fault::Damaged(_)), "{broken}");
    }

    #[test]
    fn what_the_decoder_misreads_is_refused() {
        let (mut file, picture) = (Vec::new(), gradient(64, 64));
        let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_4_1);
        encoder.encode(picture.as_raw(), 64, 64, jpeg_encoder::ColorType::Rgb).unwrap();
        assert!(is_borrowed(&transcode(&file, &openai()).unwrap()));
        let fault = transcode(&file, &Options { encode: Encode::Always, ..openai() }).unwrap_err();
        assert!(matches!(&fault, Fault::Damaged(damage) if damage.kind == DamageKind::Unsupported), "{fault}");
    }

    #[test]
    fn a_missing_end_is_given_and_doubt_is_passed_on() {
        for file in [png(gradient(20, 10)), samples::bytes(samples::BASELINE)] {
            for cut in 1..=if file[0] == 0xFF { 2 } else { 12 } {
                let prepared = transcode(&file[..file.len() - cut], &openai()).unwrap();
                assert_eq!((&*prepared.bytes, &prepared.changes[..], prepared.doubt), (&file[..], &[Change::End][..], None));
            }
        }
        let mut file = png(gradient(20, 10));
        file.truncate(file.len() - 12);
        file.extend(b"\0\0\0\x01tEXtA\0\0\0\0\0\0\0\0IEND\xAE\x42\x60\x82");
        let prepared = transcode(&file, &openai()).unwrap();
        assert!(is_borrowed(&prepared) && prepared.doubt.is_some(), "{:?}", prepared.changes);
    }

    #[test]
    fn what_does_not_fit_in_memory_is_refused_by_its_header() {
        let caps = Caps { memory_max: 1_000, ..Caps::default() };
        let options = Options { encode: Encode::Always, caps, ..openai() };
        let fault = transcode(&png(gradient(20, 20)), &options).unwrap_err();
        assert_eq!(fault.to_string(), "the image has 20 x 20 pixels, which take 3600 bytes of memory; the limit is 1000");
        let caps = Caps { pixels_max: 99, ..Caps::default() };
        assert!(matches!(transcode(&png(gradient(10, 10)), &Options { caps, ..openai() }), Err(Fault::Damaged(_))));
    }

    #[test]
    fn what_the_target_takes_is_what_it_gets() {
        let grey = png(GrayImage::new(4, 4));
        let accepted = |formats: &[Format]| Accepted { formats: formats.to_vec(), ..openai().accepted };
        let made = |formats: &[Format], output| transcode(&grey, &Options { accepted: accepted(formats), output, ..openai() });
        assert_eq!(made(&[Format::Jpeg], Output::Auto).unwrap().format, Format::Jpeg);
        assert_eq!(made(&[Format::Png], Output::Auto).unwrap().format, Format::Png);
        assert_eq!(made(&[Format::Png], Output::Jpeg).unwrap_err(), Fault::NoOutput(Output::Jpeg));
        assert_eq!(made(&[Format::WebP], Output::Auto).unwrap_err(), Fault::NoOutput(Output::Auto));
        for (name, _) in crate::target::BUILTIN {
            let accepted = Accepted::of(&Target::builtin(name).unwrap());
            assert!(accepted.takes(Format::Jpeg) && accepted.takes(Format::Png), "{name}");
            assert!(accepted.modes.contains(&Mode::Rgb), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn broken_images_give_a_fault_or_a_sound_image(
            which in 0..10usize,
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            strip_metadata in any::<bool>(),
            encode in prop::sample::select(vec![Encode::WhenNeeded, Encode::Always]),
        ) {
            let samples = [
                samples::BASELINE, samples::RESTARTS, samples::PROGRESSIVE, samples::GREY, samples::CMYK, samples::LOSSY,
                samples::LOSSY_ALPHA, samples::LOSSLESS, samples::ANIMATED,
            ];
            let mut file = samples.get(which).map_or_else(palette, |sample| samples::bytes(sample));
            for (at, value) in edits {
                let at = at.index(file.len());
                file[at] = value;
            }
            let caps = Caps { pixels_max: 1_000_000, ..Caps::default() };
            if let Ok(prepared) = transcode(&file, &Options { encode, strip_metadata, caps, ..openai() })
                && prepared.doubt.is_none()
            {
                prop_assert_eq!(&inspect(&prepared.bytes, Depth::Full, &Caps::default()).damage, &None);
                if prepared.changes.contains(&Change::Encoded) {
                    pixels(&prepared);
                }
            }
        }
    }
}
