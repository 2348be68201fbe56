//! What a report shows of the data itself: a few examples by chance, the first images with something wrong, the longest
//! examples. Bounded whatever the data; the same for any number of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use twox_hash::XxHash3_64;

use crate::diagnostic::{Diagnostic, bytes, sanitised};
use crate::image::{Embedded, data_url};
use crate::rule::Severity;

/// How much is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Examples by chance.
    pub samples: usize,
    /// What chance goes by: the same seed shows the same examples.
    pub seed: u64,
    /// Images with something wrong.
    pub pictures: usize,
}

/// What was kept.
#[derive(Clone, Debug, Default)]
pub struct Exhibits {
    /// Examples by chance, in the order of the files.
    pub samples: Vec<Sample>,
    /// Images with something wrong, in the order of the files.
    pub pictures: Vec<Picture>,
    /// The longest examples, the longest first.
    pub longest: Vec<Length>,
}

/// An example that chance has chosen.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The path as it was given.
    pub path: Arc<str>,
    /// Its line.
    pub line: u64,
    /// The line itself.
    pub bytes: Vec<u8>,
    rank: u64,
}

/// An image with something wrong.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The path as it was given.
    pub path: Arc<str>,
    /// Its line.
    pub line: u64,
    /// The rules it broke.
    pub codes: Vec<&'static str>,
    /// What it is: `JPEG 400×500 RGB, 28.4 kB`.
    pub facts: String,
    /// The image drawn small, as a data URL without any of its metadata; or why it cannot be drawn.
    pub thumbnail: Result<String, String>,
}

/// An example and its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Length {
    /// The path as it was given.
    pub path: Arc<str>,
    /// Its line.
    pub line: u64,
    /// Its tokens.
    pub tokens: u64,
}

/// Examples listed for their length.
const LONGEST: usize = 5;

impl Exhibits {
    /// The numbers of all lines that it speaks of.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = &mut u64> {
        let samples = self.samples.iter_mut().map(|sample| &mut sample.line);
        let pictures = self.pictures.iter_mut().map(|picture| &mut picture.line);
        samples.chain(pictures).chain(self.longest.iter_mut().map(|length| &mut length.line))
    }

    /// Counts an example among the longest if it is one. Of equal ones the first counts.
    pub(crate) fn add_length(&mut self, path: &Arc<str>, line: u64, tokens: u64) {
        if tokens == 0 || (self.longest.len() == LONGEST && self.longest.last().is_some_and(|last| last.tokens >= tokens)) {
            return;
        }
        let place = self.longest.partition_point(|length| length.tokens >= tokens);
        self.longest.insert(place, Length { path: Arc::clone(path), line, tokens });
        self.longest.truncate(LONGEST);
    }
}

/// What workers go by to offer no more than can be kept. They may see an older state and offer too much, never too little.
#[derive(Debug)]
pub(crate) struct Shelf {
    wanted: Wanted,
    /// Samples of a higher rank are not kept.
    highest: AtomicU64,
    has_pictures: AtomicBool,
}

/// Longer lines are no samples: nobody reads them, and they are held in memory.
const SAMPLE_BYTES: usize = 16 << 20;

impl Shelf {
    pub(crate) fn new(wanted: Wanted) -> Self {
        let highest = if wanted.samples == 0 { 0 } else { u64::MAX };
        Self { wanted, highest: AtomicU64::new(highest), has_pictures: AtomicBool::new(wanted.pictures == 0) }
    }

    /// Offers a line as a sample, which begins at the byte `offset` of its file: that gives it a rank by chance, and the lowest ranks are
    /// kept.
    pub(crate) fn offer_sample(&self, own: &mut Exhibits, path: &Arc<str>, line: u64, offset: u64, bytes: &[u8]) {
        let rank = XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot_with_seed(self.wanted.seed, path.as_bytes()), &offset.to_le_bytes());
        if rank < self.highest.load(Ordering::Relaxed) && bytes.len() <= SAMPLE_BYTES {
            own.samples.push(Sample { path: Arc::clone(path), line, bytes: bytes.to_vec(), rank });
            self.trim(&mut own.samples);
        }
    }

    /// Offers an image, `found` being what was found on it.
    pub(crate) fn offer_picture(&self, own: &mut Exhibits, url: &str, embedded: &Embedded, found: &[Diagnostic]) {
        let is_enough = self.has_pictures.load(Ordering::Relaxed) || own.pictures.len() >= self.wanted.pictures;
        let mut codes: Vec<&'static str> =
            found.iter().filter(|found| found.severity > Severity::Info).map(|found| found.rule.code).collect();
        let Some(location) = found.first().map(|found| &found.location).filter(|_| !is_enough && !codes.is_empty()) else { return };
        codes.dedup();
        let mut decoded = Vec::new();
        let is_read = data_url::parse(url).and_then(Result::ok).is_some_and(|url| data_url::decode(url.payload, &mut decoded).is_ok());
        let (facts, fault) = described(embedded);
        let fault = fault.unwrap_or_else(|| "cannot be decoded".to_owned());
        own.pictures.push(Picture {
            path: Arc::clone(&location.path),
            line: location.line.as_ref().map_or(0, |line| line.line),
            codes,
            facts,
            thumbnail: if is_read || !decoded.is_empty() { thumbnail(&decoded).map_err(|_| fault) } else { Err(fault) },
        });
    }

    /// Takes what a block of lines offers, in input order.
    pub(crate) fn keep(&self, kept: &mut Exhibits, offered: Exhibits) {
        kept.samples.extend(offered.samples);
        self.trim(&mut kept.samples);
        if let Some(last) = kept.samples.iter().map(|sample| sample.rank).max().filter(|_| kept.samples.len() == self.wanted.samples) {
            self.highest.store(last, Ordering::Relaxed);
        }
        let room = self.wanted.pictures.saturating_sub(kept.pictures.len());
        kept.pictures.extend(offered.pictures.into_iter().take(room));
        self.has_pictures.store(kept.pictures.len() >= self.wanted.pictures, Ordering::Relaxed);
        offered.longest.iter().for_each(|length| kept.add_length(&length.path, length.line, length.tokens));
    }

    /// Leaves the lowest ranks, in their order.
    fn trim(&self, samples: &mut Vec<Sample>) {
        while samples.len() > self.wanted.samples {
            let highest = samples.iter().enumerate().max_by_key(|(_, sample)| sample.rank).map(|(place, _)| place);
            if let Some(place) = highest {
                samples.remove(place);
            }
        }
    }
}

/// An embedded image in short, `JPEG 400×500 RGB, 28.4 kB`, and what is wrong with it.
pub(crate) fn described(embedded: &Embedded) -> (String, Option<String>) {
    if let Some(fault) = embedded.url_fault {
        return ("as a data URL".to_owned(), Some(fault.to_string()));
    }
    let size = bytes(embedded.image_bytes);
    let base64_fault = embedded.base64_fault.map(|fault| sanitised(&fault.to_string()).into_owned());
    let Some(verdict) = &embedded.verdict else {
        return (format!("labelled {}, {size}", sanitised(&embedded.media_type)), base64_fault);
    };
    let mut text = verdict.format.name().to_owned();
    if let Some((width, height)) = embedded.size() {
        text.push_str(&format!(" {width}×{height}"));
    }
    if let Some(mode) = verdict.mode {
        text.push_str(&format!(" {mode}"));
    }
    let fault = verdict.damage.as_ref().map(|damage| sanitised(&damage.detail).into_owned());
    (format!("{text}, {size}"), fault.or(base64_fault))
}

/// Pixels of the longer side of a drawing; it is shown at half of that.
const SIDE: u32 = 192;
/// Pixels of an image that is drawn, and bytes it may take in memory.
const DRAWN_PIXELS: u64 = 50_000_000;
const DRAWN_MEMORY: u64 = 512 << 20;

/// Draws the image in `file` small, as a data URL. It is encoded anew from its pixels, upright: what else the file holds
/// (the place and time of a photograph, a preview) stays behind.
///
/// # Errors
///
/// When it cannot be decoded, or is so large that it is not tried.
pub(crate) fn thumbnail(file: &[u8]) -> Result<String, String> {
    let drawn = std::panic::catch_unwind(|| draw(file));
    drawn.unwrap_or_else(|_| Err("the decoder failed".to_owned()))
}

fn draw(file: &[u8]) -> Result<String, String> {
    use ::image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};
    let told = |error: ::image::ImageError| error.to_string();
    let mut reader = ImageReader::new(std::io::Cursor::new(file)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DRAWN_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(told)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > DRAWN_PIXELS {
        return Err("too large to be drawn".to_owned());
    }
    let orientation = decoder.orientation().map_err(told)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(told)?;
    if width > SIDE || height > SIDE {
        image = image.thumbnail(SIDE, SIDE);
    }
    image.apply_orientation(orientation);
    let mut out = std::io::Cursor::new(Vec::new());
    let media_type = if image.color().has_alpha() {
        DynamicImage::ImageRgba8(image.to_rgba8()).write_to(&mut out, ::image::ImageFormat::Png).map_err(told)?;
        "image/png"
    } else {
        let encoder = ::image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 82);
        DynamicImage::ImageRgb8(image.to_rgb8()).write_with_encoder(encoder).map_err(told)?;
        "image/jpeg"
    };
    Ok(format!("data:{media_type};base64,{}", STANDARD.encode(out.into_inner())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(wanted: Wanted, blocks: &[std::ops::Range<u64>]) -> Exhibits {
        let (shelf, path, mut all) = (Shelf::new(wanted), Arc::from("a.jsonl"), Exhibits::default());
        for block in blocks {
            let mut own = Exhibits::default();
            for line in block.clone() {
                shelf.offer_sample(&mut own, &path, line, line * 3, b"{}");
                own.add_length(&path, line, 1 + line % 100);
            }
            shelf.keep(&mut all, own);
        }
        all
    }

    #[test]
    fn chance_goes_by_the_seed_alone() {
        let wanted = Wanted { samples: 8, seed: 1, pictures: 0 };
        let lines = |exhibits: &Exhibits| exhibits.samples.iter().map(|sample| sample.line).collect::<Vec<_>>();
        let whole = kept(wanted, &[1..900, 900..1_000]);
        let parts = kept(wanted, &[1..10, 10..500, 500..1_000]);
        assert_eq!((lines(&whole).len(), lines(&whole)), (8, lines(&parts)));
        assert!(lines(&whole).is_sorted());
        assert_ne!(lines(&whole), lines(&kept(Wanted { seed: 2, ..wanted }, &[1..900, 900..1_000])));
        assert_eq!(whole.longest, parts.longest);
        assert_eq!(
            whole.longest.iter().map(|length| (length.tokens, length.line)).collect::<Vec<_>>(),
            [(100, 99), (100, 199), (100, 299), (100, 399), (100, 499)]
        );
    }

    #[test]
    fn a_drawing_holds_nothing_but_pixels() {
        let picture = ::image::RgbImage::from_fn(640, 320, |x, y| ::image::Rgb([x as u8, y as u8, 128]));
        let mut file = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut file, ::image::ImageFormat::Jpeg).expect("encoded");
        let mut file = file.into_inner();
        let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0GPSLatitude 48.1";
        let mut segment = vec![0xff, 0xe1];
        segment.extend(u16::try_from(exif.len() + 2).expect("short").to_be_bytes());
        segment.extend(exif);
        file.splice(2..2, segment);
        let url = thumbnail(&file).expect("drawn");
        let drawn = STANDARD.decode(url.strip_prefix("data:image/jpeg;base64,").expect("a JPEG")).expect("base64");
        assert!(!drawn.windows(3).any(|bytes| bytes == b"GPS") && !drawn.windows(4).any(|bytes| bytes == b"Exif"));
        let drawn = ::image::load_from_memory(&drawn).expect("a JPEG");
        assert_eq!((drawn.width(), drawn.height()), (96, 192), "it stands upright");
        assert!(thumbnail(b"GIF89a").is_err() && thumbnail(b"").is_err());
    }
}
