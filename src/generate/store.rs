//! What has been made and is not written yet: lines and the URLs of images, in files without a name that vanish with the
//! process. Memory holds where things are, not what they are.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub(super) use crate::pile::{Pile, Stored};

/// A line that waits for its images and few-shot examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its JSON, without a line break.
    pub(super) text: Vec<u8>,
    /// Where in the text the few-shot examples go.
    pub(super) shots: Option<u32>,
    /// Where in the text the URLs of images go, ascending.
    pub(super) images: Vec<(u32, Stored)>,
}

impl Line {
    /// Its length with its images, the line break, and few-shot examples of `shots` bytes.
    pub(super) fn length(&self, shots: u64) -> u64 {
        let images: u64 = self.images.iter().map(|(_, image)| u64::from(image.length)).sum();
        self.text.len() as u64 + images + 1 + if self.shots.is_some() { shots } else { 0 }
    }

    /// Appends the whole line, without a line break.
    pub(super) fn assemble(&self, pile: &Pile, shots: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut from = 0;
        let text = |range: std::ops::Range<usize>| self.text.get(range).unwrap_or_default();
        let mut shots = self.shots.map(|at| (at as usize, shots));
        for (at, image) in &self.images {
            let at = *at as usize;
            if let Some((place, shots)) = shots.take_if(|(place, _)| *place <= at) {
                out.extend_from_slice(text(from..place));
                out.extend_from_slice(shots);
                from = place;
            }
            out.extend_from_slice(text(from..at));
            pile.read(*image, out)?;
            from = at;
        }
        if let Some((place, shots)) = shots {
            out.extend_from_slice(text(from..place));
            out.extend_from_slice(shots);
            from = place;
        }
        out.extend_from_slice(text(from..self.text.len()));
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text.len() + 8 + 16 * self.images.len());
        bytes.extend(self.shots.unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend((self.images.len() as u32).to_le_bytes());
        for (at, image) in &self.images {
            bytes.extend(at.to_le_bytes());
            bytes.extend(image.offset.to_le_bytes());
            bytes.extend(image.length.to_le_bytes());
        }
        bytes.extend_from_slice(&self.text);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        fn word<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
            let (word, rest) = bytes.split_first_chunk::<N>()?;
            *bytes = rest;
            Some(*word)
        }
        let mut rest = bytes;
        let shots = u32::from_le_bytes(word(&mut rest)?);
        let count = u32::from_le_bytes(word(&mut rest)?);
        let mut images = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let at = u32::from_le_bytes(word(&mut rest)?);
            let offset = u64::from_le_bytes(word(&mut rest)?);
            images.push((at, Stored { offset, length: u32::from_le_bytes(word(&mut rest)?) }));
        }
        Some(Self { text: rest.to_vec(), shots: (shots != u32::MAX).then_some(shots), images })
    }
}

impl Pile {
    /// Keeps a line.
    pub(super) fn put_line(&self, line: &Line) -> io::Result<Stored> {
        self.put(&line.encode())
    }

    /// A line that was kept.
    pub(super) fn line(&self, stored: Stored) -> io::Result<Line> {
        let mut bytes = Vec::new();
        self.read(stored, &mut bytes)?;
        Line::decode(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a line kept in a temporary file is damaged"))
    }
}

type Slot = Arc<OnceLock<Result<Stored, Arc<str>>>>;

/// Images by a hash of their bytes: each distinct one is made once, whichever thread meets it first.
#[derive(Debug, Default)]
pub(super) struct Made(Mutex<HashMap<u128, Slot>>);

impl Made {
    /// What was made of the image with this hash; `make` is called for the first one only, others wait for it.
    pub(super) fn get(&self, hash: u128, make: impl FnOnce() -> Result<Stored, Arc<str>>) -> Result<Stored, Arc<str>> {
        let slot = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(hash).or_default());
        slot.get_or_init(make).clone()
    }

    /// How many distinct images there are.
    pub(super) fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_comes_back_whole(text in "[a-z]{0,40}", shots in prop::option::of(0_usize..40), places in prop::collection::btree_set(0_usize..40, 0..4)) {
            let pile = Pile::new(&std::env::temp_dir()).expect("a pile");
            let mut line = Line { text: text.clone().into_bytes(), ..Line::default() };
            let mut expected: Vec<(usize, String)> = Vec::new();
            if let Some(at) = shots.filter(|at| *at <= text.len()) {
                line.shots = Some(at as u32);
                expected.push((at, "SHOTS".to_owned()));
            }
            for at in places.into_iter().filter(|at| *at <= text.len()) {
                let image = format!("IMAGE{at}");
                line.images.push((at as u32, pile.put(image.as_bytes()).expect("kept")));
                expected.push((at, image));
            }
            let mut whole = String::new();
            let mut from = 0;
            expected.sort_by_key(|(at, _)| *at);
            for (at, piece) in &expected {
                whole.push_str(&text[from..*at]);
                whole.push_str(piece);
                from = *at;
            }
            whole.push_str(&text[from..]);
            let kept = pile.put_line(&line).expect("kept");
            let back = pile.line(kept).expect("there");
            prop_assert_eq!(&back, &line);
            let mut out = Vec::new();
            back.assemble(&pile, b"SHOTS", &mut out).expect("read");
            prop_assert_eq!(String::from_utf8(out).expect("text"), whole.clone());
            prop_assert_eq!(line.length(5), whole.len() as u64 + 1);
        }
    }
}
