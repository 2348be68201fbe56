//! An image as it stands in an example: a data URL, its base64 text, and the image inside, judged in one go.

use super::data_url::{self, Base64Fault, DataUrlError};
use super::{Caps, Depth, Verdict, inspect};

/// What a data URL holds.
#[derive(Debug)]
pub struct Embedded {
    /// The media type it is labelled with, as it is written.
    pub media_type: String,
    /// Where in the URL the media type stands, in bytes.
    pub media_type_start: usize,
    /// Where in the URL the base64 text begins, in bytes.
    pub payload_start: usize,
    /// Bytes of the base64 text.
    pub bytes: u64,
    /// Bytes of the image, decoded; an estimate when it could not be decoded.
    pub image_bytes: u64,
    /// What is wrong with the URL; nothing below is known then.
    pub url_fault: Option<DataUrlError>,
    /// What is wrong with the base64 text. The image is still judged where it has only one reading.
    pub base64_fault: Option<Base64Fault>,
    /// The image itself; `None` when it was not looked at or could not be decoded from base64.
    pub verdict: Option<Verdict>,
}

impl Embedded {
    /// Looks into `url`; `None` when it is no data URL. `depth` is `None` when only the URL itself is to be looked at.
    /// `buffer` holds the decoded bytes and is reused.
    pub fn look(url: &str, depth: Option<Depth>, caps: &Caps, buffer: &mut Vec<u8>) -> Option<Self> {
        let parsed = data_url::parse(url)?;
        let mut embedded = Self {
            media_type: String::new(),
            media_type_start: 0,
            payload_start: url.len(),
            bytes: 0,
            image_bytes: 0,
            url_fault: None,
            base64_fault: None,
            verdict: None,
        };
        match parsed {
            Ok(parsed) => {
                embedded.media_type = parsed.media_type.chars().take(64).collect();
                embedded.media_type_start = parsed.media_type_range.start;
                embedded.payload_start = parsed.payload_start;
                embedded.bytes = parsed.payload.len() as u64;
                embedded.image_bytes = embedded.bytes / 4 * 3;
                if let Some(depth) = depth {
                    embedded.base64_fault = data_url::decode(parsed.payload, buffer).err();
                    if !buffer.is_empty() || embedded.base64_fault.is_none() {
                        embedded.image_bytes = buffer.len() as u64;
                        embedded.verdict = Some(inspect(buffer, depth, caps));
                    }
                }
            }
            Err(fault) => embedded.url_fault = Some(fault),
        }
        Some(embedded)
    }

    /// Width and height, where they are known.
    pub fn size(&self) -> Option<(u32, u32)> {
        let verdict = self.verdict.as_ref()?;
        (verdict.width > 0 && verdict.height > 0).then_some((verdict.width, verdict.height))
    }
}
