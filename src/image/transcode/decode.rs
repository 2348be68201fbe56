//! The first picture of a file as upright sRGB pixels.
//!
//! The edge: whether the bytes are whole was settled before; here only size against memory is, before any is taken.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Change, Fault, color, strip};
use crate::image::{Caps, Damage, DamageKind, Format, Mode, Verdict, guarded};

/// A picture in RGB or RGBA of 8 bits.
pub(super) struct Decoded {
    pub(super) image: DynamicImage,
    /// It lay on its side, or mirrored, in the file.
    pub(super) upright: bool,
    /// What became of its colour profile.
    pub(super) colors: Option<Change>,
}

/// Decodes a file that `verdict` is about.
pub(super) fn decode(bytes: &[u8], verdict: &Verdict, caps: &Caps) -> Result<Decoded, Fault> {
    let format = match verdict.format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
        Format::WebP => ImageFormat::WebP,
        Format::Gif => ImageFormat::Gif,
        Format::Bmp => ImageFormat::Bmp,
        other => return Err(Fault::Unsupported(other)),
    };
    if format == ImageFormat::Jpeg && is_misread(bytes) == Some(true) {
        let detail = "keeps its colours in separate scans of fewer rows, which are read wrongly here";
        return Err(Fault::Damaged(Damage::new(DamageKind::Unsupported, 0, detail)));
    }
    guarded(|| decode_as(format, bytes, verdict, caps)).unwrap_or_else(|| Err(Fault::Undecodable("its decoder broke down".to_owned())))
}

fn decode_as(format: ImageFormat, bytes: &[u8], verdict: &Verdict, caps: &Caps) -> Result<Decoded, Fault> {
    let fault = |error: image::ImageError| Fault::Undecodable(error.to_string());
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(caps.memory_max);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fault)?;
    fits(&decoder, caps)?;
    let profile = decoder.icc_profile().ok().flatten();
    let orientation = Orientation::from_exif(verdict.orientation).unwrap_or(Orientation::NoTransforms);
    let inks = profile.as_deref().filter(|_| verdict.mode == Some(Mode::Cmyk));
    let (mut image, colors) = match inks.and_then(|profile| inked(bytes, profile)) {
        Some(image) => (image, Some(Change::Colors)),
        None => color::to_srgb(DynamicImage::from_decoder(decoder).map_err(fault)?, profile.as_deref()),
    };
    image.apply_orientation(orientation);
    Ok(Decoded { image, upright: orientation != Orientation::NoTransforms, colors })
}

/// Whether it is a sequential JPEG with a scan for each component and some of more rows than others: zune-jpeg 0.5.15 draws
/// green stripes for them, without an error (zune-image issues 419 and 422).
fn is_misread(bytes: &[u8]) -> Option<bool> {
    let (mut at, mut components, mut halved) = (2, 0, false);
    loop {
        let marker = strip::next_marker(bytes, at)?;
        match bytes.get(marker + 1)? {
            0xC0 | 0xC1 => {
                components = *bytes.get(marker + 9)?;
                let samplings = bytes.get(marker + 11..)?.iter().step_by(3).take(components.into());
                halved = samplings.into_iter().any(|sampling| sampling & 15 > 1);
            }
            0xDA => return Some(halved && *bytes.get(marker + 4)? < components),
            _ => {}
        }
        at = strip::end_of_segment(bytes, marker)?;
    }
}

/// Whether the picture can be held in memory, by the size that its decoder will decode it to.
fn fits(decoder: &impl ImageDecoder, caps: &Caps) -> Result<(), Fault> {
    let (width, height) = decoder.dimensions();
    // The picture, what the decoder works in, and a copy that is converted, turned or resized.
    let bytes = decoder.total_bytes().saturating_mul(3);
    let pixels = u64::from(width) * u64::from(height);
    if pixels > caps.pixels_max || bytes > caps.memory_max {
        return Err(Fault::TooLarge { width, height, bytes, limit: caps.memory_max });
    }
    Ok(())
}

/// A JPEG of four inks by its own profile; `None` where that does not work. Its decoder mixes the inks by plain
/// multiplication unless it is asked to leave them alone.
fn inked(bytes: &[u8], profile: &[u8]) -> Option<DynamicImage> {
    let (width, height, inks) = inks(bytes)?;
    color::from_pixels(width, height, 3, color::inks_to_srgb(&inks, profile)?)
}

/// Width, height and inks, 0 for none.
fn inks(bytes: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options(ColorSpace::RGB));
    decoder.decode_headers().ok()?;
    let space = decoder.input_colorspace()?;
    let (width, height) = decoder.dimensions()?;
    decoder.set_options(options(space));
    let mut inks = decoder.decode().ok()?;
    let (pixels, _) = inks.as_chunks_mut::<4>();
    for pixel in pixels {
        let [a, b, c, key] = *pixel;
        // Files hold inks as Adobe writes them: upside down. Those of YCCK are upside down once more.
        *pixel = match space {
            ColorSpace::CMYK => [255 - a, 255 - b, 255 - c, 255 - key],
            ColorSpace::YCCK => {
                let [red, green, blue] = from_ycc(a, b, c);
                [red, green, blue, 255 - key]
            }
            _ => return None,
        };
    }
    Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?, inks))
}

fn options(space: ColorSpace) -> DecoderOptions {
    let options = DecoderOptions::default().set_strict_mode(false).jpeg_set_out_colorspace(space);
    options.set_max_width(usize::MAX).set_max_height(usize::MAX)
}

/// JFIF 1.02, page 3.
fn from_ycc(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue].map(|sample| sample.round() as u8)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;

    #[test]
    fn inks_mixed_by_multiplication_are_what_decoders_mix() {
        let picture: Vec<u8> = (0..32 * 32u32).flat_map(|i| [i % 32 * 8, i / 32 * 8, 90, i % 16 * 4].map(|ink| ink as u8)).collect();
        for kind in [jpeg_encoder::ColorType::Cmyk, jpeg_encoder::ColorType::CmykAsYcck] {
            let mut file = Vec::new();
            jpeg_encoder::Encoder::new(&mut file, 95).encode(&picture, 32, 32, kind).unwrap();
            let (width, height, inks) = inks(&file).unwrap();
            assert_eq!((width, height), (32, 32));
            let mixed = inks
                .as_chunks::<4>()
                .0
                .iter()
                .flat_map(|[inks @ .., key]| inks.map(|ink| u32::from(255 - ink) * u32::from(255 - key) / 255));
            let decoded = image::load_from_memory(&file).unwrap().into_rgb8();
            let apart = mixed.zip(decoded.iter()).map(|(mixed, decoded)| mixed.abs_diff(u32::from(*decoded))).max();
            assert!(apart.is_some_and(|apart| apart <= 2), "{kind:?}: {apart:?}");
        }
    }
}
