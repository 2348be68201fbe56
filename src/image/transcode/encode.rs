//! Pixels into a JPEG or PNG that the target takes: transparency, size, quality, bytes.
//!
//! A limit of bytes is met by steps that are the same everywhere: first quality, down to [`QUALITY_MIN`], then size.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::png::{CompressionType, FilterType as RowFilter, PngEncoder};
use image::{DynamicImage, ImageEncoder};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::{Change, Fault, Options, Output, color};
use crate::image::{Format, Mode};

/// The quality that no limit of bytes lowers a JPEG below: under it, text and faces fall apart.
const QUALITY_MIN: u8 = 40;
/// The longest side below which no limit of bytes shrinks an image.
const SIDE_MIN: u32 = 32;
/// The longest side that libjpeg reads (`JPEG_MAX_DIMENSION`).
const JPEG_SIDE_MAX: u32 = 65_500;

/// A file and what it is.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) format: Format,
    pub(super) mode: Mode,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Writes `image`, which is RGB or RGBA; `lossless` says that its source was compressed without loss.
pub(super) fn encode(image: DynamicImage, lossless: bool, options: &Options, changes: &mut Vec<Change>) -> Result<Made, Fault> {
    let image = without_idle_alpha(image);
    let takes_rgba = options.accepted.modes.contains(&Mode::Rgba) && options.background.is_none();
    let keeps_alpha = takes_rgba && image.color().has_alpha();
    let format = choose(keeps_alpha || lossless, options)?;
    let image = match image {
        DynamicImage::ImageRgba8(mut image) if keeps_alpha && format == Format::Png => {
            bleach(&mut image);
            image.into()
        }
        DynamicImage::ImageRgba8(image) => {
            changes.push(Change::Flattened);
            flatten(&image, options.background.unwrap_or([255; 3])).into()
        }
        image => image,
    };
    if !image.color().has_alpha() && !options.accepted.modes.contains(&Mode::Rgb) {
        return Err(Fault::NoOutput(options.output));
    }
    squeeze(&image, format, options, changes)
}

/// The format to write.
fn choose(lossless: bool, options: &Options) -> Result<Format, Fault> {
    let choices: &[Format] = match options.output {
        Output::Auto if lossless => &[Format::Png, Format::Jpeg],
        Output::Auto => &[Format::Jpeg, Format::Png],
        Output::Jpeg => &[Format::Jpeg],
        Output::Png => &[Format::Png],
    };
    choices.iter().copied().find(|format| options.accepted.takes(*format)).ok_or(Fault::NoOutput(options.output))
}

/// Writes within all limits, trying what costs the picture least first.
fn squeeze(image: &DynamicImage, mut format: Format, options: &Options, changes: &mut Vec<Change>) -> Result<Made, Fault> {
    let original = (image.width(), image.height());
    let limit = options.accepted.bytes.unwrap_or(u64::MAX);
    let mut quality = options.quality.clamp(1, 100);
    let mut size = options.size(original.0, original.1);
    let mut resized = None;
    loop {
        if format == Format::Jpeg {
            size = super::fit(size, Some(JPEG_SIDE_MAX), None);
        }
        if size != original && resized.as_ref().is_none_or(|image: &DynamicImage| (image.width(), image.height()) != size) {
            resized = Some(resize(image, size)?);
        }
        let image = resized.as_ref().unwrap_or(image);
        let bytes = if format == Format::Jpeg { jpeg(image, quality)? } else { png(image)? };
        let length = bytes.len() as u64;
        if length <= limit {
            changes.extend((size != original).then_some(Change::Resized));
            changes.extend((quality < options.quality && format == Format::Jpeg).then_some(Change::Quality));
            let mode = if image.color().has_alpha() { Mode::Rgba } else { Mode::Rgb };
            return Ok(Made { bytes, format, mode, width: size.0, height: size.1 });
        }
        let to_jpeg = options.output == Output::Auto && !image.color().has_alpha() && options.accepted.takes(Format::Jpeg);
        if format == Format::Png && to_jpeg {
            format = Format::Jpeg;
        } else if format == Format::Jpeg && quality > QUALITY_MIN {
            quality = quality.saturating_sub(10).max(QUALITY_MIN);
        } else {
            size = smaller(size, length, limit).ok_or(Fault::CannotFit { bytes: length, limit })?;
        }
    }
}

/// A size that may well have few enough bytes, these being about as many as there are pixels to them.
fn smaller((width, height): (u32, u32), length: u64, limit: u64) -> Option<(u32, u32)> {
    let scale = (limit as f64 / length as f64).sqrt().clamp(0.25, 0.95);
    let side = (f64::from(width.max(height)) * scale) as u32;
    (side >= SIDE_MIN).then(|| super::fit((width, height), Some(side), None))
}

/// Lanczos with three lobes over premultiplied alpha, as Pillow does it.
fn resize(image: &DynamicImage, (width, height): (u32, u32)) -> Result<DynamicImage, Fault> {
    let fault = |reason: String| Fault::Undecodable(format!("it cannot be resized: {reason}"));
    let alpha = image.color().has_alpha();
    let pixel = if alpha { PixelType::U8x4 } else { PixelType::U8x3 };
    let source = ImageRef::new(image.width(), image.height(), image.as_bytes(), pixel).map_err(|error| fault(error.to_string()))?;
    let mut target = Image::new(width, height, pixel);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(alpha);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| fault(error.to_string()))?;
    let mut resized = color::from_pixels(width, height, if alpha { 4 } else { 3 }, target.into_vec())
        .ok_or_else(|| fault("its size is lost".to_owned()))?;
    if let DynamicImage::ImageRgba8(image) = &mut resized {
        bleach(image);
    }
    Ok(resized)
}

/// Leaves an alpha channel away that says nothing.
fn without_idle_alpha(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageRgba8(image) if image.pixels().all(|pixel| pixel.0[3] == 255) => DynamicImage::from(image).into_rgb8().into(),
        image => image,
    }
}

/// Makes white what cannot be seen: some readers drop the alpha channel, and what it hid, often black, would show.
fn bleach(image: &mut image::RgbaImage) {
    for pixel in image.pixels_mut().filter(|pixel| pixel.0[3] == 0) {
        pixel.0 = [255, 255, 255, 0];
    }
}

fn flatten(image: &image::RgbaImage, background: [u8; 3]) -> image::RgbImage {
    let mut pixels = Vec::with_capacity(image.as_raw().len() / 4 * 3);
    for pixel in image.pixels() {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        for (sample, below) in [red, green, blue].into_iter().zip(background) {
            pixels.push(((sample * alpha + u32::from(below) * (255 - alpha) + 127) / 255) as u8);
        }
    }
    image::RgbImage::from_raw(image.width(), image.height(), pixels).unwrap_or_default()
}

/// Baseline JPEG with the tables of its standard and halved chroma: what Pillow and libjpeg write at this quality.
fn jpeg(image: &DynamicImage, quality: u8) -> Result<Vec<u8>, Fault> {
    let side = |length: u32| u16::try_from(length).map_err(|_| Fault::Undecodable(format!("a JPEG cannot be {length} pixels long")));
    let (width, height) = (side(image.width())?, side(image.height())?);
    let mut bytes = Vec::with_capacity(image.as_bytes().len() / 8);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let written = encoder.encode(image.as_bytes(), width, height, ColorType::Rgb);
    written.map_err(|error| Fault::Undecodable(format!("it cannot be written as JPEG: {error}")))?;
    Ok(bytes)
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, RowFilter::Adaptive);
    let written = encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into());
    written.map_err(|error| Fault::Undecodable(format!("it cannot be written as PNG: {error}")))?;
    Ok(bytes)
}
