//! What a JPEG's SOF and SOS segments declare, and the limits libjpeg puts on it.
//!
//! The edge: parsing and arithmetic only; a frame is made before anything is allocated by its size.

use crate::image::{Damage, DamageKind, be16};

/// One colour plane.
pub(super) struct Component {
    id: u8,
    pub(super) horizontal: u32,
    pub(super) vertical: u32,
    pub(super) quantization: u8,
    /// Blocks across and down when the plane has a scan of its own.
    pub(super) blocks_across: u32,
    pub(super) blocks_down: u32,
    /// Its quantization table was there when its first scan began.
    pub(super) latched: bool,
    /// Progressive only, made at the first AC scan: by block, which coefficients are not zero so far.
    pub(super) nonzero: Vec<u64>,
    /// Progressive only: the lowest bit seen of each coefficient; -1 is none yet.
    pub(super) lowest_bit: [i8; 64],
}

/// The picture that a SOF segment declares.
pub(super) struct Frame {
    pub(super) progressive: bool,
    pub(super) height: u32,
    pub(super) components: Vec<Component>,
    pub(super) max_vertical: u32,
    pub(super) mcus_across: u32,
    pub(super) mcus_down: u32,
}

/// One component in a scan.
#[derive(Clone, Copy)]
pub(super) struct Selected {
    /// Its place in [`Frame::components`].
    pub(super) component: usize,
    pub(super) dc_table: usize,
    pub(super) ac_table: usize,
}

/// What a SOS segment declares.
pub(super) struct Scan {
    pub(super) selected: Vec<Selected>,
    /// First and last coefficient.
    pub(super) from: u8,
    pub(super) to: u8,
    /// Successive approximation: the bit before and the bit of this scan.
    pub(super) high: u8,
    pub(super) low: u8,
}

fn bad(at: usize, detail: impl Into<String>) -> Damage {
    Damage::new(DamageKind::BadHeader, at, detail)
}

impl Frame {
    /// Reads the body of a SOF0, SOF1 or SOF2 segment of 8-bit samples.
    pub(super) fn parse(body: &[u8], progressive: bool, at: usize) -> Result<Frame, Damage> {
        let short = || bad(at, "has a frame header of the wrong length");
        let height = u32::from(be16(body, 1).ok_or_else(short)?);
        let width = u32::from(be16(body, 3).ok_or_else(short)?);
        let count = usize::from(*body.get(5).ok_or_else(short)?);
        let specs = body.get(6..).ok_or_else(short)?;
        if specs.len() != count * 3 {
            return Err(short());
        }
        if height == 0 && width != 0 {
            let detail = "leaves its height to a DNL marker, which few decoders read";
            return Err(Damage::new(DamageKind::Unsupported, at, detail));
        }
        if width == 0 || count == 0 {
            return Err(bad(at, format!("declares {width} x {height} pixels of {count} components")));
        }
        // JPEG_MAX_DIMENSION of libjpeg (jmorecfg.h).
        if width > 65_500 || height > 65_500 {
            return Err(bad(at, format!("declares {width} x {height} pixels, a side above 65,500")));
        }
        if !matches!(count, 1 | 3 | 4) {
            let detail = format!("has {count} components; decoders take 1, 3 or 4");
            return Err(Damage::new(DamageKind::Unsupported, at, detail));
        }
        let mut components: Vec<Component> = specs
            .as_chunks::<3>()
            .0
            .iter()
            .map(|&[id, sampling, quantization]| Component {
                id,
                horizontal: u32::from(sampling >> 4),
                vertical: u32::from(sampling & 15),
                quantization,
                blocks_across: 0,
                blocks_down: 0,
                latched: false,
                nonzero: Vec::new(),
                lowest_bit: [-1; 64],
            })
            .collect();
        let legal = |factor: u32| (1..=4).contains(&factor);
        if let Some(c) = components.iter().find(|c| !legal(c.horizontal) || !legal(c.vertical)) {
            return Err(bad(at, format!("has sampling factors {} x {}", c.horizontal, c.vertical)));
        }
        let max_horizontal = components.iter().map(|c| c.horizontal).max().unwrap_or(1);
        let max_vertical = components.iter().map(|c| c.vertical).max().unwrap_or(1);
        // jdsample.c: JERR_FRACT_SAMPLE_NOTIMPL.
        if components.iter().any(|c| max_horizontal % c.horizontal != 0 || max_vertical % c.vertical != 0) {
            let detail = "has fractional sampling factors, which common decoders lack";
            return Err(Damage::new(DamageKind::Unsupported, at, detail));
        }
        for c in &mut components {
            c.blocks_across = (width * c.horizontal).div_ceil(max_horizontal * 8);
            c.blocks_down = (height * c.vertical).div_ceil(max_vertical * 8);
        }
        let mcus_across = width.div_ceil(max_horizontal * 8);
        let mcus_down = height.div_ceil(max_vertical * 8);
        Ok(Frame { progressive, height, components, max_vertical, mcus_across, mcus_down })
    }

    /// Blocks of all components.
    pub(super) fn blocks(&self) -> u64 {
        self.components.iter().map(|c| u64::from(c.blocks_across) * u64::from(c.blocks_down)).sum()
    }

    /// Whether every component has had a scan and, in a progressive file, every coefficient its last bit.
    pub(super) fn is_complete(&self) -> bool {
        self.components.iter().all(|c| c.latched && (!self.progressive || c.lowest_bit.iter().all(|&bit| bit == 0)))
    }

    /// The rows that are whole when a scan has walked `mcus` of its MCUs.
    pub(super) fn rows(&self, scan: &Scan, mcus: u64) -> u64 {
        let (across, rows_per_mcu) = match scan.selected.as_slice() {
            [only] => match self.components.get(only.component) {
                Some(c) => (c.blocks_across, 8 * self.max_vertical / c.vertical.max(1)),
                None => return 0,
            },
            _ => (self.mcus_across, 8 * self.max_vertical),
        };
        (mcus / u64::from(across.max(1)) * u64::from(rows_per_mcu)).min(u64::from(self.height))
    }
}

impl Scan {
    /// Reads the body of a SOS segment, with the checks of libjpeg's `get_sos` and `per_scan_setup`.
    pub(super) fn parse(body: &[u8], frame: &Frame, at: usize) -> Result<Scan, Damage> {
        let count = usize::from(body.first().copied().unwrap_or(0));
        if !(1..=4).contains(&count) || body.len() != count * 2 + 4 {
            return Err(bad(at, "has a scan header of the wrong length"));
        }
        let mut selected: Vec<Selected> = Vec::with_capacity(count);
        let (pairs, parameters) = body.get(1..).unwrap_or_default().split_at_checked(count * 2).unwrap_or_default();
        for &[id, tables] in pairs.as_chunks::<2>().0 {
            let component = frame
                .components
                .iter()
                .enumerate()
                .position(|(index, c)| c.id == id && selected.iter().all(|s| s.component != index))
                .ok_or_else(|| bad(at, format!("has a scan of component {id}, which its frame has not")))?;
            selected.push(Selected { component, dc_table: usize::from(tables >> 4), ac_table: usize::from(tables & 15) });
        }
        let &[from, to, bits] = parameters else { return Err(bad(at, "has a scan header of the wrong length")) };
        let scan = Scan { selected, from, to, high: bits >> 4, low: bits & 15 };
        if count > 1 && scan.blocks_per_mcu(frame) > 10 {
            return Err(bad(at, "has more than 10 blocks in an MCU"));
        }
        Ok(scan)
    }

    /// Blocks in one MCU of this scan if it is interleaved.
    fn blocks_per_mcu(&self, frame: &Frame) -> u32 {
        self.selected.iter().filter_map(|s| frame.components.get(s.component)).map(|c| c.horizontal * c.vertical).sum()
    }

    /// MCUs of this scan.
    pub(super) fn mcus(&self, frame: &Frame) -> u64 {
        match self.selected.as_slice() {
            [only] => frame.components.get(only.component).map_or(0, |c| u64::from(c.blocks_across) * u64::from(c.blocks_down)),
            _ => u64::from(frame.mcus_across) * u64::from(frame.mcus_down),
        }
    }

    /// How often each selected component stands in one MCU.
    pub(super) fn blocks_of(&self, selected: &Selected, frame: &Frame) -> u32 {
        match (self.selected.len(), frame.components.get(selected.component)) {
            (1, _) | (_, None) => 1,
            (_, Some(c)) => c.horizontal * c.vertical,
        }
    }
}
