//! Pixels as a file holds them into sRGB of 8 bits: grey, 16 bits, four inks, and whatever an ICC profile says.
//!
//! Profiles are applied by relative colorimetry. The edge: a profile that makes no sense is left out of account, as all
//! decoders do; PNG's `gAMA`, `cHRM` and `cICP` are left out as well, as in Pillow.

use image::DynamicImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

use super::Change;
use crate::image::guarded;

/// `image` as RGB or RGBA of 8 bits in sRGB, and what became of its profile.
pub(super) fn to_srgb(image: DynamicImage, profile: Option<&[u8]>) -> (DynamicImage, Option<Change>) {
    let grey = !image.color().has_color();
    let image: DynamicImage = match image {
        // `image` goes by way of floats.
        DynamicImage::ImageLuma8(grey) => {
            let pixels = grey.iter().flat_map(|&sample| [sample; 3]).collect();
            image::RgbImage::from_raw(grey.width(), grey.height(), pixels).unwrap_or_default().into()
        }
        image if image.color().has_alpha() => image.into_rgba8().into(),
        image => image.into_rgb8().into(),
    };
    let Some(profile) = profile else { return (image, None) };
    match guarded(|| converted(&image, grey, profile)).flatten() {
        Some(converted) if converted == image => (image, None),
        Some(converted) => (converted, Some(Change::Colors)),
        None => (image, Some(Change::ProfileIgnored)),
    }
}

/// Four inks, 0 for none of it, as RGB; `None` if the profile is not one for them.
pub(super) fn inks_to_srgb(inks: &[u8], profile: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok().filter(|profile| profile.color_space == DataColorSpace::Cmyk)?;
    // moxcms lays out four inks as it does RGBA.
    transformed(&profile, inks, (Layout::Rgba, 4), (Layout::Rgb, 3))
}

fn converted(image: &DynamicImage, grey: bool, profile: &[u8]) -> Option<DynamicImage> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let layout = if image.color().has_alpha() { (Layout::Rgba, 4) } else { (Layout::Rgb, 3) };
    let pixels = match profile.color_space {
        DataColorSpace::Rgb => transformed(&profile, image.as_bytes(), layout, layout)?,
        DataColorSpace::Gray if grey => {
            let ramp: Vec<u8> = (0..=255).collect();
            let ramp = transformed(&profile, &ramp, (Layout::Gray, 1), (Layout::Rgb, 3))?;
            let mut pixels = image.as_bytes().to_vec();
            for sample in pixels.chunks_exact_mut(layout.1).flat_map(|pixel| pixel.iter_mut().take(3)) {
                *sample = *ramp.get(usize::from(*sample) * 3)?;
            }
            pixels
        }
        _ => return None,
    };
    from_pixels(image.width(), image.height(), layout.1, pixels)
}

/// RGB or RGBA by the number of samples of a pixel.
pub(super) fn from_pixels(width: u32, height: u32, samples: usize, pixels: Vec<u8>) -> Option<DynamicImage> {
    if samples == 4 {
        image::RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        image::RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    }
}

/// `pixels` from `profile` to sRGB; layouts with their samples to a pixel.
fn transformed(profile: &ColorProfile, pixels: &[u8], from: (Layout, usize), to: (Layout, usize)) -> Option<Vec<u8>> {
    let options = TransformOptions { rendering_intent: RenderingIntent::RelativeColorimetric, ..TransformOptions::default() };
    let transform = profile.create_transform_8bit(from.0, &ColorProfile::new_srgb(), to.0, options).ok()?;
    let mut result = vec![0; pixels.len() / from.1 * to.1];
    transform.transform(pixels, &mut result).ok()?;
    Some(result)
}
