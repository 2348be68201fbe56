//! JPEG: a walk over every marker and every entropy code, which proves a file decodable without decoding it.
//!
//! The verdicts follow libjpeg-turbo as Pillow drives it: what it refuses is fatal here, what it only warns of is
//! suspicious. The edge: sequential and progressive Huffman files of 8 bits; the rest is named, not walked.

mod bits;
mod frame;
mod huffman;
mod requantise;
mod scan;

use super::{Caps, Damage, DamageKind, Depth, Mode, Verdict, be16, exif};
use bits::{Segment, Stop};
use frame::{Frame, Scan};
use huffman::{Spec, Table};
use memchr::{memchr, memmem};
pub(super) use requantise::requantise;
use scan::{Feed, Tables};

/// Scans that are walked at most. Encoders write about ten; a file of more is built to keep decoders busy (the
/// "scan bomb" of libjpeg-turbo's LJT-01-004 report).
const MAX_SCANS: u32 = 500;
/// Blocks of progressive scans that are visited at most, at some nanoseconds each, unless the picture itself has
/// more than a twentieth of that.
const MAX_VISITS: u64 = 200_000_000;

/// Looks at a file that begins with `FF D8 FF`.
pub(super) fn inspect(bytes: &[u8], depth: Depth, caps: &Caps, verdict: &mut Verdict) {
    inspect_within(MAX_VISITS, bytes, depth, caps, verdict);
}

fn inspect_within(visits: u64, bytes: &[u8], depth: Depth, caps: &Caps, verdict: &mut Verdict) {
    let mut walk = Walk {
        bytes,
        at: 2,
        frame: None,
        quantization: [false; 4],
        dc: [const { None }; 4],
        ac: [const { None }; 4],
        restart_interval: 0,
        scans: 0,
        several_scans: false,
        marker_after_data: false,
        exif_seen: false,
        hdr_gain_map: false,
        visits_left: visits,
        oddity: None,
    };
    let result = walk.run(depth, caps, verdict);
    verdict.multi_picture &= !walk.hdr_gain_map;
    if let Some(oddity) = walk.oddity {
        verdict.hurt(oddity);
    }
    if let Err(damage) = result {
        verdict.hurt(damage);
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    /// Where the next marker is looked for.
    at: usize,
    frame: Option<Frame>,
    /// The slots that have a quantization table.
    quantization: [bool; 4],
    dc: [Option<Spec>; 4],
    ac: [Option<Spec>; 4],
    restart_interval: u64,
    scans: u32,
    /// The file may hold more scans after the first.
    several_scans: bool,
    /// The data of the last scan ended at a marker, not at the end of the file.
    marker_after_data: bool,
    exif_seen: bool,
    hdr_gain_map: bool,
    visits_left: u64,
    oddity: Option<Damage>,
}

fn bad(at: usize, detail: impl Into<String>) -> Damage {
    Damage::new(DamageKind::BadHeader, at, detail)
}

impl<'a> Walk<'a> {
    /// From marker to marker until the end; an error is fatal damage.
    fn run(&mut self, depth: Depth, caps: &Caps, verdict: &mut Verdict) -> Result<(), Damage> {
        let mut segment = None;
        loop {
            let (code, at) = self.next_marker(verdict)?;
            match code {
                // TEM and restart markers have no parameters. Pillow gives up at a TEM before the image data.
                0x01 if self.scans == 0 => return Err(bad(at, "has marker 01, which is reserved")),
                0x01 | 0xD0..=0xD7 => {}
                0xD8 => return Err(bad(at, "has a second start marker")),
                0xD9 => {
                    if self.scans == 0 {
                        return Err(bad(at, "has no image data"));
                    }
                    let planes = self.frame.iter().flat_map(|frame| &frame.components);
                    let missing = planes.filter(|component| !component.latched).count();
                    if missing > 0 {
                        self.odd(at, format!("ends without any data for {missing} of its components"));
                    }
                    verdict.trailing_bytes = self.bytes.len().saturating_sub(self.at);
                    return Ok(());
                }
                0xC0..=0xC2 => self.frame(code, at, verdict)?,
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(self.unsupported(code, at, verdict));
                }
                0xC4 => self.huffman_tables(at)?,
                0xCC if self.scans > 0 => self.arithmetic_conditioning(at)?,
                0xCC => _ = self.body(at)?,
                0xDB => self.quantization_tables(at)?,
                0xDD => match self.body_so_far(at)? {
                    (&[high, low], 0) => self.restart_interval = u64::from(u16::from_be_bytes([high, low])),
                    (body, missing) if body.len() + missing == 2 => return Err(self.ended()),
                    _ => return Err(bad(at, "has a restart interval of the wrong length")),
                },
                0xDC => _ = self.tolerant_body(at)?,
                0xE0..=0xEF | 0xFE => {
                    let body = self.tolerant_body(at)?;
                    self.application(code, body, verdict);
                }
                0xDA => {
                    let scan = self.scan(at)?;
                    if let Some(damage) = verdict.too_large(caps, at) {
                        return Err(damage);
                    }
                    if depth == Depth::Header {
                        return Ok(());
                    }
                    let segment = segment.get_or_insert_with(|| Segment::with_capacity(self.bytes.len() - self.at));
                    if !self.walk_scan(&scan, segment, at)? {
                        return Ok(());
                    }
                }
                _ => {
                    let detail = format!("has marker {code:02X}, which is reserved");
                    return Err(Damage::new(DamageKind::BadHeader, at, detail));
                }
            }
        }
    }

    fn odd(&mut self, offset: usize, detail: impl Into<String>) {
        if self.oddity.is_none() {
            self.oddity = Some(Damage::new(DamageKind::Suspicious, offset, detail));
        }
    }

    /// Says that the rest was not looked at, which matters more than any oddity before.
    fn give_up(&mut self, offset: usize, detail: String) {
        self.oddity = Some(Damage::new(DamageKind::Suspicious, offset, detail));
    }

    /// What to say of a file that is over without its end marker.
    fn ended(&self) -> Damage {
        let at = self.bytes.len();
        match &self.frame {
            // libjpeg has handed out every row by the time it looks for the end, so Pillow is content.
            Some(_) if self.scans > 0 && !self.several_scans && self.marker_after_data => {
                Damage::new(DamageKind::Suspicious, at, "ends without its end marker (FF D9), after other markers")
            }
            Some(frame) if self.scans > 0 && frame.is_complete() => {
                Damage::new(DamageKind::MissingEnd, at, "ends without its end marker (FF D9)")
            }
            Some(_) if self.scans > 0 => {
                let detail = format!("ends after {} of its scans, before the last", self.scans);
                Damage::new(DamageKind::Truncated, at, detail)
            }
            _ => Damage::new(DamageKind::Truncated, at, "ends before its image data"),
        }
    }

    /// The next marker and the place of its first byte. Filling (`FF FF`) is legal; other bytes before a marker are
    /// skipped as every decoder does. Among the headers they do no harm; after image data they show that the data
    /// went wrong.
    fn next_marker(&mut self, verdict: &mut Verdict) -> Result<(u8, usize), Damage> {
        let begin = self.at;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(skipped) = memchr(0xFF, rest) else { return Err(self.ended()) };
            let marker = self.at + skipped;
            let fill = rest.iter().skip(skipped).take_while(|&&byte| byte == 0xFF).count();
            let Some(&code) = self.bytes.get(marker + fill) else { return Err(self.ended()) };
            self.at = marker + fill + 1;
            if code != 0 {
                let stray = self.bytes.get(begin..marker).unwrap_or_default();
                verdict.stray_bytes += stray.len();
                if self.scans > 0 && !bits::is_padding(stray) {
                    self.odd(begin, format!("has {} bytes of no meaning before marker {code:02X}", stray.len()));
                }
                return Ok((code, marker));
            }
        }
    }

    /// The body of the segment whose marker was just read.
    fn body(&mut self, at: usize) -> Result<&'a [u8], Damage> {
        let (body, missing) = self.body_so_far(at)?;
        if missing > 0 { Err(self.ended()) } else { Ok(body) }
    }

    /// What is there of the body of the segment whose marker was just read, and how many bytes are missing. libjpeg
    /// reads tables as they come, so a table that is both wrong and cut short counts as wrong.
    fn body_so_far(&mut self, at: usize) -> Result<(&'a [u8], usize), Damage> {
        let Some(length) = be16(self.bytes, self.at).map(usize::from) else { return Err(self.ended()) };
        let Some(length) = length.checked_sub(2) else { return Err(bad(at, "has a segment of a length below 2")) };
        let rest = self.bytes.get(self.at + 2..).unwrap_or_default();
        let body = rest.get(..length).unwrap_or(rest);
        self.at += body.len() + 2;
        Ok((body, length - body.len()))
    }

    /// The same where libjpeg and Pillow take a length of 0 or 1 for an empty segment.
    fn tolerant_body(&mut self, at: usize) -> Result<&'a [u8], Damage> {
        if let Some(length @ 0..2) = be16(self.bytes, self.at) {
            self.at += 2;
            self.odd(at, format!("has a segment of length {length}"));
            return Ok(&[]);
        }
        self.body(at)
    }

    fn application(&mut self, code: u8, body: &[u8], verdict: &mut Verdict) {
        match code {
            0xE1 if body.starts_with(b"Exif\0\0") && !self.exif_seen => {
                self.exif_seen = true;
                verdict.orientation = exif::orientation(body).unwrap_or(1);
            }
            // Pillow leaves Ultra HDR files plain JPEGs though they carry an index of pictures.
            0xE1 if memmem::find(body, b" hdrgm:Version=\"").is_some() => self.hdr_gain_map = true,
            0xE2 if body.starts_with(b"ICC_PROFILE\0") => verdict.icc = true,
            0xE2 => {
                if let Some(index) = body.strip_prefix(b"MPF\0") {
                    verdict.multi_picture = exif::pictures(index).is_some_and(|pictures| pictures > 1);
                }
            }
            _ => {}
        }
    }

    /// Notes what the frame header says that needs no decoder: size, depth, mode.
    fn describe(body: &[u8], verdict: &mut Verdict) {
        verdict.bit_depth = body.first().copied().unwrap_or(0);
        verdict.height = be16(body, 1).unwrap_or(0).into();
        verdict.width = be16(body, 3).unwrap_or(0).into();
        verdict.mode = match body.get(5) {
            Some(1) => Some(Mode::L),
            Some(3) => Some(Mode::Rgb),
            Some(4) => Some(Mode::Cmyk),
            _ => None,
        };
    }

    fn frame(&mut self, code: u8, at: usize, verdict: &mut Verdict) -> Result<(), Damage> {
        if self.frame.is_some() {
            return Err(bad(at, "has a second frame header"));
        }
        let body = self.body(at)?;
        Walk::describe(body, verdict);
        verdict.progressive = code == 0xC2;
        match verdict.bit_depth {
            8 => {}
            12 => {
                return Err(Damage::new(DamageKind::Unsupported, at, "has 12 bits a sample, which few decoders read"));
            }
            bits => return Err(bad(at, format!("declares {bits} bits a sample"))),
        }
        let frame = Frame::parse(body, code == 0xC2, at)?;
        self.visits_left = self.visits_left.max(frame.blocks().saturating_mul(20));
        self.frame = Some(frame);
        Ok(())
    }

    fn unsupported(&mut self, code: u8, at: usize, verdict: &mut Verdict) -> Damage {
        if self.frame.is_some() {
            return bad(at, "has a second frame header");
        }
        match self.body(at) {
            Ok(body) => Walk::describe(body, verdict),
            Err(damage) => return damage,
        }
        let kind = match code {
            0xC3 => "is a lossless JPEG",
            0xC9 | 0xCA => "is an arithmetic-coded JPEG",
            0xCB => "is an arithmetic-coded lossless JPEG",
            _ => "is a hierarchical JPEG",
        };
        Damage::new(DamageKind::Unsupported, at, format!("{kind}, which few decoders read"))
    }

    fn huffman_tables(&mut self, at: usize) -> Result<(), Damage> {
        let (mut rest, missing) = self.body_so_far(at)?;
        while rest.len() + missing > 16 {
            let Some((&[class_and_slot, ref counts @ ..], tail)) = rest.split_first_chunk::<17>() else {
                return Err(self.ended());
            };
            let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
            if total > 256 || total > tail.len() + missing {
                return Err(bad(at, "has a Huffman table longer than its segment"));
            }
            let Some((symbols, tail)) = tail.split_at_checked(total) else { return Err(self.ended()) };
            let slots = if class_and_slot & 0x10 != 0 { &mut self.ac } else { &mut self.dc };
            let Some(slot) = slots.get_mut(usize::from(class_and_slot & !0x10)) else {
                return Err(bad(at, format!("has a Huffman table for slot {class_and_slot:02X}")));
            };
            *slot = Some(Spec { counts: *counts, symbols: symbols.to_vec() });
            rest = tail;
        }
        if rest.len() + missing == 0 { Ok(()) } else { Err(bad(at, "has a Huffman table cut short")) }
    }

    /// DAC means nothing to a Huffman file, but libjpeg checks it, and among broken data is often what looks like one.
    /// Not asked of the headers, where it would hide the size.
    fn arithmetic_conditioning(&mut self, at: usize) -> Result<(), Damage> {
        let (body, missing) = self.body_so_far(at)?;
        let (pairs, odd) = body.as_chunks::<2>();
        let sound = |&[slot, value]: &[u8; 2]| slot < 32 && (slot >= 16 || value & 15 <= value >> 4);
        if !pairs.iter().all(sound) || (missing == 0 && !odd.is_empty()) {
            return Err(bad(at, "has impossible arithmetic conditioning"));
        }
        if missing > 0 { Err(self.ended()) } else { Ok(()) }
    }

    fn quantization_tables(&mut self, at: usize) -> Result<(), Damage> {
        let (mut rest, missing) = self.body_so_far(at)?;
        while let Some((&precision_and_slot, tail)) = rest.split_first() {
            let length = if precision_and_slot >> 4 == 0 { 64 } else { 128 };
            let Some(slot) = self.quantization.get_mut(usize::from(precision_and_slot & 15)) else {
                return Err(bad(at, format!("has a quantization table for slot {}", precision_and_slot & 15)));
            };
            *slot = true;
            rest = match tail.get(length..) {
                Some(rest) => rest,
                None if missing > 0 => return Err(self.ended()),
                None => return Err(bad(at, "has a quantization table cut short")),
            };
        }
        if missing > 0 { Err(self.ended()) } else { Ok(()) }
    }

    /// Reads a SOS segment and makes the frame ready for its scan.
    fn scan(&mut self, at: usize) -> Result<Scan, Damage> {
        if self.frame.is_none() {
            return Err(bad(at, "has image data before its frame header"));
        }
        let (body, missing) = self.body_so_far(at)?;
        if missing > 0 {
            let fits = body.first().is_none_or(|&n| usize::from(n) * 2 + 4 == body.len() + missing);
            return Err(if fits { self.ended() } else { bad(at, "has a scan header of the wrong length") });
        }
        let Some(frame) = &mut self.frame else { return Err(self.ended()) };
        let scan = Scan::parse(body, frame, at)?;
        if self.scans == 0 {
            self.several_scans = frame.progressive || scan.selected.len() < frame.components.len();
        } else if !self.several_scans {
            return Err(Damage::new(DamageKind::BadData, at, "has a second scan after a whole one"));
        }
        for selected in &scan.selected {
            let Some(component) = frame.components.get_mut(selected.component) else { continue };
            let slot = usize::from(component.quantization);
            if !component.latched && self.quantization.get(slot) != Some(&true) {
                return Err(bad(at, format!("lacks quantization table {slot}")));
            }
            component.latched = true;
        }
        self.scans += 1;
        Ok(scan)
    }

    /// Walks a scan. False if the rest of the file is not worth walking.
    fn walk_scan(&mut self, scan: &Scan, segment: &mut Segment, at: usize) -> Result<bool, Damage> {
        if self.scans > MAX_SCANS {
            self.give_up(at, format!("has more than {MAX_SCANS} scans; the rest was not looked at"));
            return Ok(false);
        }
        let Some(mut frame) = self.frame.take() else { return Ok(false) };
        let result = self.walk_scan_of(&mut frame, scan, segment, at);
        self.frame = Some(frame);
        result?;
        self.at = segment.end;
        self.marker_after_data = matches!(segment.stop, Stop::Marker(_));
        if self.visits_left == 0 {
            self.give_up(at, "has scans that would take too long to check; the rest was not looked at".into());
            return Ok(false);
        }
        Ok(true)
    }

    fn walk_scan_of(&mut self, frame: &mut Frame, scan: &Scan, segment: &mut Segment, at: usize) -> Result<(), Damage> {
        let (dc, ac) = if frame.progressive {
            self.progression(frame, scan, at)?;
            (scan.from == 0 && scan.high == 0, scan.from != 0)
        } else {
            if (scan.from, scan.to, scan.high, scan.low) != (0, 63, 0, 0) {
                self.odd(at, "has progressive parameters in a sequential scan");
            }
            (true, true)
        };
        let tables = self.tables(frame, scan, dc, ac, at)?;
        segment.read(self.bytes, self.at);
        let mut feed = Feed { file: self.bytes, segment, restart_interval: self.restart_interval, oddity: &mut self.oddity };
        if frame.progressive {
            scan::progressive(&mut feed, frame, scan, &tables, &mut self.visits_left)
        } else {
            scan::sequential(&mut feed, frame, scan, &tables)
        }
    }

    /// The checks of libjpeg's `start_pass_phuff_decoder`: impossible parameters are fatal, scans out of order not.
    fn progression(&mut self, frame: &mut Frame, scan: &Scan, at: usize) -> Result<(), Damage> {
        let Scan { from, to, high, low, .. } = *scan;
        let band = if from == 0 { to == 0 } else { from <= to && to < 64 && scan.selected.len() == 1 };
        if !band || (high != 0 && low + 1 != high) || low > 13 {
            let detail = format!("has a scan of coefficients {from} to {to}, bits {high} to {low}, which cannot be");
            return Err(bad(at, detail));
        }
        for selected in &scan.selected {
            let Some(component) = frame.components.get_mut(selected.component) else { continue };
            let mut in_order = from == 0 || component.lowest_bit.first().is_some_and(|&bit| bit >= 0);
            for bit in component.lowest_bit.iter_mut().take(usize::from(to) + 1).skip(usize::from(from)) {
                in_order &= (*bit).max(0) == high as i8;
                *bit = low as i8;
            }
            if !in_order {
                self.odd(at, "has its scans out of order");
            }
        }
        Ok(())
    }

    /// The tables that a scan names, made ready.
    fn tables(&self, frame: &Frame, scan: &Scan, dc: bool, ac: bool, at: usize) -> Result<Tables, Damage> {
        let standard = std::cell::OnceCell::new();
        let table = |specs: &[Option<Spec>; 4], slot: usize, ac: bool| {
            let fallback = || {
                let index = if ac { slot + 2 } else { slot };
                standard.get_or_init(huffman::standard).get(index).filter(|_| !frame.progressive && slot < 2)
            };
            let name = if ac { "AC" } else { "DC" };
            let spec = specs.get(slot).and_then(Option::as_ref).or_else(fallback);
            let spec = spec.ok_or_else(|| bad(at, format!("lacks {name} Huffman table {slot}")))?;
            // A DC size above 15 is what libjpeg checks tables for.
            let sound = ac || spec.symbols.iter().all(|&size| size < 16);
            let made = Table::cached(spec, ac && !frame.progressive).filter(|_| sound);
            made.ok_or_else(|| bad(at, format!("has an impossible {name} Huffman table {slot}")))
        };
        let mut tables = Tables { dc: Vec::with_capacity(4), ac: Vec::with_capacity(4) };
        for selected in &scan.selected {
            tables.dc.push(if dc { Some(table(&self.dc, selected.dc_table, false)?) } else { None });
            tables.ac.push(if ac { Some(table(&self.ac, selected.ac_table, true)?) } else { None });
        }
        Ok(tables)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use crate::image::{Format, samples};
    use std::time::{Duration, Instant};

    fn look(bytes: &[u8]) -> Verdict {
        crate::image::inspect(bytes, Depth::Full, &Caps::default())
    }

    fn kind(bytes: &[u8]) -> Option<DamageKind> {
        look(bytes).damage.map(|damage| damage.kind)
    }

    /// The place of the marker with this code, the last one if there are several.
    fn find(bytes: &[u8], code: u8) -> usize {
        memmem::rfind(bytes, &[0xFF, code]).unwrap()
    }

    /// `bytes` with `insert` after the start marker.
    fn after_start(bytes: &[u8], insert: &[u8]) -> Vec<u8> {
        [&bytes[..2], insert, &bytes[2..]].concat()
    }

    #[test]
    fn intact_files_of_each_kind_are_described() {
        for (sample, progressive) in [(samples::BASELINE, false), (samples::RESTARTS, false), (samples::PROGRESSIVE, true)] {
            let verdict = look(&samples::bytes(sample));
            assert_eq!(verdict.damage, None);
            assert_eq!((verdict.format, verdict.mode), (Format::Jpeg, Some(Mode::Rgb)));
            assert_eq!((verdict.width, verdict.height, verdict.bit_depth), (37, 29, 8));
            assert_eq!((verdict.progressive, verdict.orientation, verdict.trailing_bytes), (progressive, 1, 0));
        }
        let grey = look(&samples::bytes(samples::GREY));
        assert_eq!((grey.mode, grey.damage), (Some(Mode::L), None));
        let cmyk = look(&samples::bytes(samples::CMYK));
        assert_eq!((cmyk.mode, cmyk.damage), (Some(Mode::Cmyk), None));
    }

    #[test]
    fn files_of_the_image_crate_are_intact() {
        for quality in [1, 50, 100] {
            let pixels: Vec<u8> = (0..61 * 47 * 3u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let mut file = Vec::new();
            ::image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, quality)
                .encode(&pixels, 61, 47, ::image::ExtendedColorType::Rgb8)
                .unwrap();
            assert_eq!(look(&file).damage, None);
        }
    }

    #[test]
    fn every_cut_is_reported_and_fatal() {
        for sample in [samples::BASELINE, samples::RESTARTS, samples::PROGRESSIVE, samples::GREY, samples::CMYK] {
            let whole = samples::bytes(sample);
            for end in 0..whole.len() {
                let found = kind(&whole[..end]).unwrap();
                assert!(found.is_fatal(), "cut at {end} of {}: {found:?}", whole.len());
            }
            assert_eq!(kind(&whole[..whole.len() - 1]), Some(DamageKind::MissingEnd));
        }
    }

    #[test]
    fn a_cut_says_how_many_rows_are_there() {
        let whole = samples::bytes(samples::BASELINE);
        let data = find(&whole, 0xDA) + 14;
        let damage = look(&whole[..data + 5]).damage.unwrap();
        assert_eq!((damage.kind, damage.offset), (DamageKind::Truncated, data + 5));
        assert_eq!(damage.detail, "ends after 0 of 29 rows");
    }

    #[test]
    fn an_end_marker_too_early_is_suspicious() {
        let mut bytes = samples::bytes(samples::BASELINE);
        let middle = find(&bytes, 0xDA) + 100;
        bytes[middle..middle + 2].copy_from_slice(b"\xFF\xD9");
        let damage = look(&bytes).damage.unwrap();
        assert_eq!((damage.kind, damage.offset), (DamageKind::Suspicious, middle));
        assert!(damage.detail.contains("of 29 rows"), "{}", damage.detail);
    }

    #[test]
    fn a_wrong_restart_marker_is_suspicious() {
        let whole = samples::bytes(samples::RESTARTS);
        let marker = find(&whole, 0xD1);
        for (code, word) in [(0xD5, "restart marker 1"), (0xD2, "restart marker 1"), (0xD0, "restart marker 1")] {
            let mut bytes = whole.clone();
            bytes[marker + 1] = code;
            let verdict = look(&bytes);
            let damage = verdict.damage.unwrap();
            assert_eq!(damage.kind, DamageKind::Suspicious, "{code:02X}: {}", damage.detail);
            assert!(damage.detail.contains(word), "{}", damage.detail);
        }
        let without = [&whole[..marker], &whole[marker + 2..]].concat();
        assert_eq!(kind(&without), Some(DamageKind::Suspicious));
    }

    #[test]
    fn bytes_after_the_end_and_between_segments_are_notes() {
        let whole = samples::bytes(samples::PROGRESSIVE);
        let verdict = look(&[&whole[..], b"<script>alert(1)</script>"].concat());
        assert_eq!((verdict.trailing_bytes, verdict.damage), (25, None));
        let verdict = look(&after_start(&whole, b"\xFF\xFE\0\x04abXY\0"));
        assert_eq!((verdict.stray_bytes, verdict.damage), (3, None));
    }

    #[test]
    fn what_libjpeg_refuses_is_fatal() {
        let whole = samples::bytes(samples::BASELINE);
        let frame = find(&whole, 0xC0);
        let change = |at: usize, value: u8| {
            let mut bytes = whole.clone();
            bytes[at] = value;
            kind(&bytes)
        };
        assert_eq!(change(frame + 6, 0), Some(DamageKind::Unsupported), "height 0 is DNL: 29 is in the low byte");
        assert_eq!(change(frame + 4, 12), Some(DamageKind::Unsupported), "12 bits");
        assert_eq!(change(frame + 4, 9), Some(DamageKind::BadHeader), "9 bits");
        assert_eq!(change(frame + 9, 2), Some(DamageKind::BadHeader), "components against length");
        assert_eq!(change(frame + 11, 0x52), Some(DamageKind::BadHeader), "sampling factor 5");
        assert_eq!(change(frame + 12, 3), Some(DamageKind::BadHeader), "no such quantization table");
        assert_eq!(change(frame + 1, 0xC9), Some(DamageKind::Unsupported), "arithmetic coding");
        assert_eq!(change(frame + 1, 0xC3), Some(DamageKind::Unsupported), "lossless");
        assert_eq!(change(frame + 1, 0xC5), Some(DamageKind::Unsupported), "hierarchical");
        assert_eq!(change(frame + 1, 0xC2), Some(DamageKind::BadHeader), "progressive, but scans 0 to 63");
        let scan = find(&whole, 0xDA);
        assert_eq!(change(scan + 5, 9), Some(DamageKind::BadHeader), "no such component");
        assert_eq!(change(scan + 6, 0x33), Some(DamageKind::BadHeader), "no such Huffman table");
        assert_eq!(change(find(&whole, 0xC4) + 5, 5), Some(DamageKind::BadHeader), "over-full Huffman table");
        let mut fractional = whole.clone();
        (fractional[frame + 11], fractional[frame + 14]) = (0x31, 0x21);
        assert_eq!(kind(&fractional), Some(DamageKind::Unsupported), "3 to 2 samples");
        let again = [&whole[..whole.len() - 2], &whole[scan..]].concat();
        assert_eq!(kind(&again), Some(DamageKind::BadData), "a second scan");
        assert_eq!(kind(&after_start(&whole, b"\xFF\xD8")), Some(DamageKind::BadHeader), "a second start");
        assert_eq!(kind(&after_start(&whole, b"\xFF\x02\0\x02")), Some(DamageKind::BadHeader), "a reserved marker");
        assert_eq!(kind(b"\xFF\xD8\xFF"), Some(DamageKind::Truncated));
        assert_eq!(kind(b"\xFF\xD8\xFF\xD9"), Some(DamageKind::BadHeader));
    }

    #[test]
    fn annex_k_tables_stand_in_for_missing_ones() {
        // Grey at quality 60 from Pillow uses the standard tables, so they can be left out (Motion JPEG).
        let mut bytes = samples::bytes(samples::GREY);
        while let Some(at) = memmem::find(&bytes, b"\xFF\xC4") {
            let length = usize::from(be16(&bytes, at + 2).unwrap());
            bytes.drain(at..at + 2 + length);
        }
        assert_eq!(kind(&bytes), None);
    }

    #[test]
    fn hostile_headers_cost_nothing() {
        let whole = samples::bytes(samples::BASELINE);
        let start = Instant::now();
        let mut huge = whole.clone();
        let frame = find(&huge, 0xC0);
        huge[frame + 5..frame + 9].copy_from_slice(b"\xFF\xDC\xFF\xDC");
        assert_eq!(kind(&huge), Some(DamageKind::TooLarge));
        assert_eq!(kind(&after_start(&whole, &vec![0xFF; 1_000_000])), None, "filling");
        let flood: Vec<u8> = [&b"\xFF\xE1\xFF\xFF"[..], &[0; 65_533]].concat().repeat(100);
        assert_eq!(kind(&after_start(&whole, &flood)), None, "6.5 MB of APP1");
        assert_eq!(kind(&after_start(&whole, b"\xFF\xFE\0\0")), Some(DamageKind::Suspicious), "length 0");

        let mut bomb = samples::bytes(samples::PROGRESSIVE);
        let frame = find(&bomb, 0xC2);
        bomb[frame + 5..frame + 9].copy_from_slice(&[0x1F, 0x40, 0x1F, 0x40]);
        let last = find(&bomb, 0xDA);
        let scan = bomb[last..bomb.len() - 2].to_vec();
        bomb.truncate(last);
        bomb.extend(scan.repeat(2000));
        bomb.extend(b"\xFF\xD9");
        assert_eq!(kind(&bomb), Some(DamageKind::Suspicious), "8000 x 8000 with 2,000 scans");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }

    #[test]
    fn end_of_band_runs_are_bounded_work() {
        // 4,000 x 4,000 grey: two bytes of a refining scan cover up to 32,767 of its 250,000 blocks.
        let mut bytes = b"\xFF\xD8\xFF\xDB\0\x43\0".to_vec();
        bytes.extend([1; 64]);
        bytes.extend(b"\xFF\xC2\0\x0B\x08\x0F\xA0\x0F\xA0\x01\x01\x11\0");
        // One AC code, 0, which is EOB14; one DC code, 0, of size 0.
        bytes.extend(b"\xFF\xC4\0\x14\x10\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xE0");
        bytes.extend(b"\xFF\xC4\0\x14\x00\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00");
        let run = b"\x7F\xFE".repeat(16);
        for _ in 0..200 {
            bytes.extend(b"\xFF\xDA\0\x08\x01\x01\0\x01\x3F\x10");
            bytes.extend(&run);
        }
        bytes.extend(b"\xFF\xD9");
        let mut verdict = Verdict::of(Format::Jpeg, Depth::Full);
        inspect_within(1_000_000, &bytes, Depth::Full, &Caps::default(), &mut verdict);
        let damage = verdict.damage.unwrap();
        assert_eq!(damage.kind, DamageKind::Suspicious);
        assert!(damage.detail.contains("too long"), "{}", damage.detail);
    }

    #[test]
    fn exif_icc_and_picture_index_are_read() {
        let whole = samples::bytes(samples::BASELINE);
        let segment = |code: u8, body: &[u8]| [&[0xFF, code][..], &(body.len() as u16 + 2).to_be_bytes(), body].concat();
        let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let index = b"MPF\0MM\0*\0\0\0\x08\0\x01\xB0\x01\0\x04\0\0\0\x01\0\0\0\x02\0\0\0\0";
        let insert = [segment(0xE1, exif), segment(0xE2, b"ICC_PROFILE\0\x01\x01"), segment(0xE2, index)].concat();
        let verdict = look(&after_start(&whole, &insert));
        assert_eq!((verdict.orientation, verdict.icc, verdict.multi_picture), (6, true, true));
        assert_eq!(verdict.damage, None);
        let gain_map = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0 hdrgm:Version=\"1.0\"");
        assert!(!look(&after_start(&whole, &[insert, gain_map].concat())).multi_picture);
    }

    #[test]
    fn the_header_alone_is_enough_for_size_and_mode() {
        let whole = samples::bytes(samples::PROGRESSIVE);
        let half = &whole[..whole.len() / 2 + 200];
        let verdict = crate::image::inspect(half, Depth::Header, &Caps::default());
        assert_eq!((verdict.width, verdict.mode, verdict.damage), (37, Some(Mode::Rgb), None));
    }
}
