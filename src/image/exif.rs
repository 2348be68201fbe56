//! Two facts out of a TIFF directory: how the camera was held, and how many pictures a file claims.
//!
//! EXIF is a small TIFF file inside an image; MPO indexes are too. The edge: one directory, one tag, no pointers
//! followed but the first, so a hostile block costs at most its own length.

use super::{be16, be32, le16, le32};

/// EXIF tag 0x0112 (EXIF 2.32, 4.6.4): 1 upright, 2 to 8 mirrored or rotated.
const ORIENTATION: u16 = 0x0112;
/// MP tag 0xB001 (CIPA DC-007): number of images.
const NUMBER_OF_IMAGES: u16 = 0xB001;

/// The orientation in an EXIF block, with or without its `Exif\0\0` prefix; `None` if absent or out of 1 to 8.
pub(super) fn orientation(block: &[u8]) -> Option<u8> {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    u8::try_from(first_directory(tiff, ORIENTATION)?).ok().filter(|o| (1..=8).contains(o))
}

/// The number of images in the index of a multi-picture JPEG (the part after `MPF\0`).
pub(super) fn pictures(index: &[u8]) -> Option<u32> {
    first_directory(index, NUMBER_OF_IMAGES)
}

/// The first value of a BYTE, SHORT or LONG tag in the first directory.
fn first_directory(tiff: &[u8], tag: u16) -> Option<u32> {
    let big = match tiff.first_chunk::<4>()? {
        b"II*\0" => false,
        b"MM\0*" => true,
        _ => return None,
    };
    let u16_at = |bytes, at| if big { be16(bytes, at) } else { le16(bytes, at) };
    let u32_at = |bytes, at| if big { be32(bytes, at) } else { le32(bytes, at) };
    let directory = usize::try_from(u32_at(tiff, 4)?).ok()?;
    let entries = tiff.get(directory.checked_add(2)?..)?;
    let count = usize::from(u16_at(tiff, directory)?);
    let entry = entries.chunks_exact(12).take(count).find(|entry| u16_at(entry, 0) == Some(tag))?;
    match u16_at(entry, 2)? {
        1 => entry.get(8).copied().map(u32::from),
        3 => u16_at(entry, 8).map(u32::from),
        4 => u32_at(entry, 8),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;

    fn block(value: u16) -> Vec<u8> {
        let mut tiff = b"Exif\0\0MM\0*\0\0\0\x08\0\x02".to_vec();
        tiff.extend(b"\x01\x0F\0\x02\0\0\0\x02A\0\0\0");
        tiff.extend(b"\x01\x12\0\x03\0\0\0\x01");
        tiff.extend(value.to_be_bytes());
        tiff.extend(b"\0\0\0\0\0\0");
        tiff
    }

    #[test]
    fn orientation_is_read_and_bounded() {
        assert_eq!(orientation(&block(6)), Some(6));
        assert_eq!(orientation(&block(9)), None);
        assert_eq!(orientation(&block(0)), None);
    }

    #[test]
    fn every_cut_is_harmless() {
        let whole = block(8);
        for end in 0..whole.len() {
            orientation(&whole[..end]);
        }
        assert_eq!(orientation(b"II*\0\xFF\xFF\xFF\xFF"), None);
    }
}
