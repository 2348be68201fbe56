//! What an image costs in tokens, by the formulas of OpenAI's guide "Images and vision".
//! Where the guide is silent (rounding, upscaling, `low` on patch models) the choice made is said at its line.

use crate::target::ImageTokens;

/// Tokens of an image of `width` × `height` pixels at `detail` (`low`, `high`, or `auto`, which is budgeted as `high`).
pub fn tokens(formula: &ImageTokens, width: u32, height: u32, detail: &str) -> u64 {
    let (width, height) = (width.max(1), height.max(1));
    match *formula {
        ImageTokens::Tiles { base, .. } if detail == "low" => base,
        ImageTokens::Tiles { base, tile, .. } => {
            let (width, height) = resized(formula, width, height);
            base + tile * u64::from(width.div_ceil(512)) * u64::from(height.div_ceil(512))
        }
        ImageTokens::Patches { multiplier, .. } => {
            // `low` is described only as a 512-pixel version: 16 × 16 patches at the most.
            let (width, height) = if detail == "low" { fit(width, height, 512) } else { resized(formula, width, height) };
            (patches(width, height) as f64 * multiplier).ceil() as u64
        }
    }
}

/// The size the provider shrinks such an image to before it looks at it; the same size when it is small enough.
/// Nothing is ever enlarged: the guide speaks of scaling "down", and public calculators agree.
pub fn resized(formula: &ImageTokens, width: u32, height: u32) -> (u32, u32) {
    let (width, height) = (width.max(1), height.max(1));
    match *formula {
        ImageTokens::Tiles { max_side, short_side, .. } => {
            let (width, height) = fit(width, height, max_side);
            let shorter = width.min(height);
            if shorter <= short_side {
                return (width, height);
            }
            let scale = |side: u32| (u64::from(side) * u64::from(short_side) / u64::from(shorter)) as u32;
            (scale(width), scale(height))
        }
        ImageTokens::Patches { budget, max_side, .. } => {
            let (width, height) = fit(width, height, max_side);
            if patches(width, height) <= budget {
                return (width, height);
            }
            let (w, h) = (f64::from(width), f64::from(height));
            let r = (32.0 * 32.0 * budget as f64 / (w * h)).sqrt();
            let (columns, rows) = (w * r / 32.0, h * r / 32.0);
            let r = r * (columns.floor() / columns).min(rows.floor() / rows);
            (((w * r) as u32).max(1), ((h * r) as u32).max(1))
        }
    }
}

/// Shrinks to `max_side` on the longer side.
fn fit(width: u32, height: u32, max_side: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= max_side {
        return (width, height);
    }
    let scale = |side: u32| ((u64::from(side) * u64::from(max_side) / u64::from(longer)) as u32).max(1);
    (scale(width), scale(height))
}

fn patches(width: u32, height: u32) -> u64 {
    u64::from(width.div_ceil(32)) * u64::from(height.div_ceil(32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn of(model: &str, width: u32, height: u32, detail: &str) -> u64 {
        let target = Target::builtin("openai").expect("built in");
        let formula = target.model(model).and_then(|model| model.image_tokens.clone()).expect("has a formula");
        tokens(&formula, width, height, detail)
    }

    #[test]
    fn documented_vectors() {
        assert_eq!(of("gpt-4o", 1024, 1024, "high"), 765);
        assert_eq!(of("gpt-4o", 2048, 4096, "high"), 1105);
        assert_eq!(of("gpt-4o", 4096, 8192, "low"), 85);
        assert_eq!(of("gpt-4.1-mini", 1024, 1024, "high"), 1659);
        assert_eq!(of("gpt-4.1-mini", 1800, 2400, "auto"), 2353);
    }

    #[test]
    fn derived_vectors() {
        for (width, height, expected) in [
            (512, 512, 255),
            (513, 512, 425),
            (1, 1, 255),
            (768, 768, 765),
            (8192, 64, 765),
            (800, 600, 765),
            (1920, 1080, 1105),
            (3000, 300, 765),
            (386, 500, 255),
            (4000, 3000, 765),
        ] {
            assert_eq!(of("gpt-4o", width, height, "high"), expected, "{width}x{height}");
        }
        assert_eq!(of("gpt-4o-mini", 1024, 1024, "high"), 25_501);
        assert_eq!(of("gpt-4o-mini", 2048, 4096, "auto"), 36_835);
        assert_eq!(of("gpt-4o-mini", 512, 512, "low"), 2_833);
        for (width, height, patches) in
            [(512, 512, 256), (4000, 3000, 1452), (1920, 1080, 1508), (2048, 768, 1536), (1254, 1254, 1521), (1, 1, 1)]
        {
            let expected = (f64::from(patches) * 1.62).ceil() as u64;
            assert_eq!(of("gpt-4.1-mini", width, height, "high"), expected, "{width}x{height}");
        }
    }
}
