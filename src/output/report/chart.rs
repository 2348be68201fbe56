//! Charts as inline SVG. Colours are the page's (classes and `currentColor`), numbers are ours: no text from the data
//! stands in here.

use std::fmt::Write as _;

use crate::diagnostic::number;
use crate::summary::{Distribution, Sizes};
use crate::target::ImageTokens;
use crate::tokens::image::resized;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 8.0;

/// How much of the page's width a chart takes. Text keeps its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breadth {
    Whole,
    Half,
}

/// A histogram of `values`; `limit` is drawn where it falls, and bars beyond it stand out. Empty without values.
pub(super) fn histogram(values: &Distribution, limit: Option<u64>, breadth: Breadth) -> String {
    let (full, most_bins, chart_height) = match breadth {
        Breadth::Whole => (WIDTH, 48, 140.0),
        Breadth::Half => (WIDTH / 2.0, 32, 90.0),
    };
    let Some((low, high)) = values.range() else { return String::new() };
    // The limit belongs into the picture when it is not far off.
    let limit = limit.filter(|&limit| limit <= high.saturating_mul(2));
    let top = limit.map_or(high, |limit| high.max(limit + limit / 20)).max(low + 1);
    let scale = Scale::new(low, top);
    let bins = (top - low + 1).min(most_bins) as usize;
    let mut counts = vec![0_u64; bins];
    for (value, count) in values.iter() {
        let bin = ((scale.of(value) * bins as f64) as usize).min(bins - 1);
        if let Some(sum) = counts.get_mut(bin) {
            *sum += count;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let step = (full - 2.0 * LEFT) / bins as f64;
    // Where each value has a bar of its own, its figure stands under the middle of it.
    let has_own_bars = bins as u64 == top - low + 1 && !scale.is_log;
    let across = |value: u64| match has_own_bars {
        true => LEFT + ((value - low) as f64 + 0.5) * step,
        false => LEFT + scale.of(value) * (full - 2.0 * LEFT),
    };
    let mut svg = open(full, chart_height + 34.0);
    for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (count as f64 / most as f64 * chart_height).max(1.5);
        let is_beyond = limit.is_some_and(|limit| bin as f64 / bins as f64 >= scale.of(limit));
        let class = if is_beyond { "bar beyond" } else { "bar" };
        // Few values make no walls of bars.
        let width = (step - 1.0).clamp(1.0, 28.0);
        let (x, y) = (LEFT + (bin as f64 + 0.5) * step - width / 2.0, 8.0 + chart_height - height);
        let (from, to) = (scale.at(bin as f64 / bins as f64), scale.at((bin + 1) as f64 / bins as f64));
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"1\"><title>{}–{}: {}</title></rect>",
            number(from),
            number(to.max(from)),
            number(count)
        );
    }
    let base = 8.0 + chart_height;
    let _ = write!(svg, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{base}\" y2=\"{base}\"/>", full - LEFT);
    let inner_ticks = if breadth == Breadth::Whole { 5.0 } else { 3.0 };
    for (value, anchor) in scale.ticks(inner_ticks) {
        let anchor = if has_own_bars { "middle" } else { anchor };
        let class = if anchor == "middle" { "tick inner" } else { "tick" };
        let x = across(value);
        let _ =
            write!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>", base + 18.0, number(value));
    }
    if let Some(limit) = limit {
        let x = across(limit.max(low));
        let _ = write!(svg, "<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"4\" y2=\"{base}\"/>");
        let (x, anchor) = if x < full / 3.0 { (x + 6.0, "start") } else { (x - 6.0, "end") };
        let _ = write!(svg, "<text class=\"limit\" x=\"{x:.1}\" y=\"16\" text-anchor=\"{anchor}\">limit {}</text>", number(limit));
    }
    svg.push_str("</svg>");
    svg
}

/// Width against height of images, on logarithmic axes; beyond the curve the provider makes them smaller.
pub(super) fn scatter(sizes: &Sizes, formula: Option<&ImageTokens>) -> String {
    const HEIGHT: f64 = 380.0;
    const BOTTOM: f64 = 30.0;
    const AXIS: f64 = 52.0;
    let (points, is_coarse) = sizes.iter();
    let points: Vec<_> = points.collect();
    let sides = points.iter().flat_map(|((width, height), _)| [*width, *height]);
    let (Some(low), Some(high)) = (sides.clone().min(), sides.max()) else { return String::new() };
    // One scale for both sides, in whole octaves, so that a square image is on the diagonal.
    let (low, high) = (f64::from(low).log2().floor() - 0.2, f64::from(high.max(1_024)).log2().ceil() + 0.1);
    let x = |side: f64| AXIS + (side.log2() - low) / (high - low) * (WIDTH - AXIS - LEFT);
    let y = |side: f64| 8.0 + (1.0 - (side.log2() - low) / (high - low)) * HEIGHT;
    let mut svg = open(WIDTH, HEIGHT + BOTTOM + 8.0);
    for power in (low.ceil() as i32)..=(high.floor() as i32) {
        let side = f64::from(power).exp2();
        let (across, up) = (x(side), y(side));
        let label = number(side as u64);
        let _ = write!(svg, "<line class=\"grid\" x1=\"{across:.1}\" x2=\"{across:.1}\" y1=\"8\" y2=\"{:.1}\"/>", HEIGHT + 8.0);
        let _ = write!(svg, "<line class=\"grid\" x1=\"{AXIS}\" x2=\"{:.1}\" y1=\"{up:.1}\" y2=\"{up:.1}\"/>", WIDTH - LEFT);
        let _ = write!(svg, "<text class=\"tick\" x=\"{across:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>", HEIGHT + 26.0);
        let _ = write!(svg, "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", AXIS - 6.0, up + 4.0);
    }
    if let Some(formula) = formula {
        let steps = (0..=160).map(|step| (low + (high - low) * f64::from(step) / 160.0).exp2());
        let mut curve: Vec<(f64, f64)> = steps
            .filter_map(|width| {
                let height = largest_kept(formula, width as u32, high.exp2() as u32)?;
                Some((x(width), y(f64::from(height).max(low.exp2()))))
            })
            .collect();
        // Where the width alone is too much, the curve falls to the axis.
        if let Some(&(last, _)) = curve.last().filter(|(last, _)| *last < WIDTH - LEFT - 1.0) {
            curve.push((last, y(low.exp2())));
        }
        let points: Vec<String> = curve.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(svg, "<polyline class=\"curve\" points=\"{}\"/>", points.join(" "));
    }
    let most = points.iter().map(|(_, count)| *count).max().unwrap_or(1) as f64;
    for ((width, height), count) in points {
        // Area and ink follow the number of images, by its logarithm: one image must still be seen beside thousands.
        let weight = (1.0 + count as f64).ln() / (1.0 + most).ln();
        let (across, up) = (x(f64::from(width)), y(f64::from(height)));
        let title = format!("<title>{width} × {height}: {}</title>", number(count));
        let opacity = 0.25 + 0.6 * weight;
        let _ = if is_coarse {
            let side = (WIDTH - AXIS - LEFT) / (high - low) / 8.0;
            write!(
                svg,
                "<rect class=\"dot\" x=\"{:.1}\" y=\"{:.1}\" width=\"{side:.1}\" height=\"{side:.1}\" opacity=\"{opacity:.2}\">{title}</rect>",
                across - side / 2.0,
                up - side / 2.0
            )
        } else {
            write!(
                svg,
                "<circle class=\"dot\" cx=\"{across:.1}\" cy=\"{up:.1}\" r=\"{:.1}\" opacity=\"{opacity:.2}\">{title}</circle>",
                2.5 + 4.5 * weight
            )
        };
    }
    svg.push_str("</svg>");
    svg
}

/// The largest height at which an image of `width` is looked at in full size.
fn largest_kept(formula: &ImageTokens, width: u32, highest: u32) -> Option<u32> {
    let is_kept = |height: u32| resized(formula, width, height) == (width.max(1), height.max(1));
    if !is_kept(1) {
        return None;
    }
    let (mut kept, mut beyond) = (1, highest.max(2));
    if is_kept(beyond) {
        return Some(beyond);
    }
    while beyond - kept > 1 {
        let middle = kept + (beyond - kept) / 2;
        if is_kept(middle) { kept = middle } else { beyond = middle }
    }
    Some(kept)
}

fn open(width: f64, height: f64) -> String {
    let class = if width < WIDTH { "" } else { "wide-chart" };
    format!("<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" preserveAspectRatio=\"xMinYMin meet\">")
}

/// Values to places between 0 and 1: by their logarithm where they span more than two orders of magnitude.
struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    fn new(low: u64, high: u64) -> Self {
        let is_log = high > 100 * low.max(1);
        Self { low: low as f64, high: high as f64, is_log }
    }

    fn of(&self, value: u64) -> f64 {
        let place = |value: f64| if self.is_log { value.ln_1p() } else { value };
        (place(value as f64) - place(self.low)) / (place(self.high) - place(self.low))
    }

    fn at(&self, place: f64) -> u64 {
        if self.is_log {
            let (low, high) = (self.low.ln_1p(), self.high.ln_1p());
            (low + place * (high - low)).exp_m1().round() as u64
        } else {
            (self.low + place * (self.high - self.low)).round() as u64
        }
    }

    /// Round values within the range, and its ends, none so near to another that their figures would touch.
    fn ticks(&self, inner_ticks: f64) -> Vec<(u64, &'static str)> {
        let (low, high) = (self.low as u64, self.high as u64);
        let mut inner = Vec::new();
        if self.is_log {
            let mut value = 1;
            while value < high {
                inner.push(value);
                value = value.saturating_mul(10);
            }
        } else {
            let raw = (self.high - self.low) / inner_ticks;
            let power = 10_f64.powf(raw.max(1.0).log10().floor());
            let step = [1.0, 2.0, 5.0, 10.0].iter().map(|times| times * power).find(|step| *step >= raw).unwrap_or(raw).max(1.0) as u64;
            inner.extend((low / step + 1..).map(|times| times * step).take_while(|value| *value < high));
        }
        let is_clear = |value: &u64| (0.08..0.9).contains(&self.of(*value));
        let inner = inner.into_iter().filter(is_clear).map(|value| (value, "middle"));
        std::iter::once((low, "start")).chain(inner).chain([(high, "end")]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn distribution(values: impl IntoIterator<Item = u64>) -> Distribution {
        let mut distribution = Distribution::default();
        values.into_iter().for_each(|value| distribution.add(value));
        distribution
    }

    fn titles(svg: &str) -> Vec<u64> {
        svg.match_indices("</title>")
            .map(|(at, _)| svg[..at].rsplit(": ").next().expect("a figure").replace(',', "").parse().expect("a number"))
            .collect()
    }

    #[test]
    fn every_value_is_in_a_bar() {
        for values in [vec![5], vec![1, 2, 3], (0..1_000).collect(), vec![1, 1_000_000], vec![0, 0, 7], vec![u64::MAX - 1, 3]] {
            for limit in [None, Some(4), Some(600)] {
                let svg = histogram(&distribution(values.iter().copied()), limit, Breadth::Whole);
                assert_eq!(titles(&svg).iter().sum::<u64>(), values.len() as u64, "{values:?}");
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
        assert_eq!(histogram(&Distribution::default(), Some(5), Breadth::Half), "");
    }

    #[test]
    fn bars_beyond_the_limit_stand_out() {
        let svg = histogram(&distribution(0..1_000), Some(500), Breadth::Half);
        assert!(svg.contains("limit 500") && svg.contains("bar beyond"));
        assert!(!histogram(&distribution(0..100), Some(65_536), Breadth::Half).contains("limit"), "far off");
    }

    #[test]
    fn the_curve_is_where_images_are_made_smaller() {
        let target = Target::builtin("openai").expect("built in");
        let tiles = target.model("gpt-4o").and_then(|model| model.image_tokens.as_ref()).expect("a formula");
        assert_eq!(largest_kept(tiles, 700, 8_192), Some(2_048));
        assert_eq!(largest_kept(tiles, 1_000, 8_192), Some(768));
        assert_eq!(largest_kept(tiles, 3_000, 8_192), None);
        let mut sizes = Sizes::default();
        [(640, 480), (640, 480), (4_000, 3_000), (1, 1)].into_iter().for_each(|size| sizes.add(size));
        let svg = scatter(&sizes, Some(tiles));
        assert_eq!(titles(&svg).iter().sum::<u64>(), 4);
        assert!(svg.contains("polyline") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
