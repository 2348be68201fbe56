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

use super::{Caps, Damage, DamageKind, Depth, Format, Mode, Verdict, inspect};
use crate::target::Target;
use decode::Decoded;

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
        verdict.damage.as_ref().is_none_or(|damage| !damage.kind.is_fatal())
            && self.accepted.takes(verdict.format)
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
    /// The marker of its end was missing, though all of its pixels were there.
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
    let mut verdict = inspect(bytes, Depth::Full, &options.caps);
    let unfinished = verdict.damage.as_ref().is_some_and(|damage| damage.kind == DamageKind::MissingEnd);
    if options.encode == Encode::WhenNeeded && options.comply(bytes, &verdict) {
        return Ok(untouched(bytes, verdict, options));
    }
    let damage = verdict.damage.take_if(|damage| damage.kind.is_fatal() && !unfinished);
    if let Some(damage) = damage {
        return Err(Fault::Damaged(damage));
    }
    let decoded = decode::decode(bytes, &verdict, &options.caps)?;
    let mut changes = decoded.changes(&verdict);
    if unfinished {
        changes.push(Change::End);
    }
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
    let doubt = verdict.damage.filter(|_| !unfinished);
    Ok(Prepared { bytes: Cow::Owned(made.bytes), format: made.format, width: made.width, height: made.height, changes, doubt })
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
