//! `data:image/png;base64,…` taken apart strictly, each fault with its place, and base64 decoded strictly.
//!
//! Providers decode strictly, so what a browser would forgive is a fault here; where a fault has one obvious reading
//! the bytes are offered all the same, so that the image behind it can still be judged. The edge: whether the media
//! type fits the bytes is a rule's business.

use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{DecodeSliceError, Engine};
use memchr::memchr;
use std::fmt;
use std::ops::Range;

/// A well-formed base64 data URL (RFC 2397), borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataUrl<'a> {
    /// Type and subtype as written, such as `image/png`; without parameters.
    pub media_type: &'a str,
    /// Where it stands in the URL, in bytes.
    pub media_type_range: Range<usize>,
    /// Parameters between the media type and `;base64`, such as `charset=utf-8`; usually empty.
    pub parameters: &'a str,
    /// What follows the comma.
    pub payload: &'a str,
    /// The byte of the URL at which the payload begins.
    pub payload_start: usize,
}

/// What is wrong with the head of a data URL; `at` is the byte of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataUrlError {
    /// No comma divides head and data.
    NoComma {
        /// The end of the URL.
        at: usize,
    },
    /// Nothing between `data:` and `;` or `,`.
    EmptyMediaType {
        /// Where the media type should stand.
        at: usize,
    },
    /// Not of the form `type/subtype` in the characters that RFC 6838 allows.
    BadMediaType {
        /// The first character that cannot be, or the end of the media type.
        at: usize,
    },
    /// The head does not end in `;base64`: the data would be percent-encoded text.
    NotBase64 {
        /// The comma, before which `;base64` should stand.
        at: usize,
    },
}

impl DataUrlError {
    /// The byte of the URL.
    pub fn at(self) -> usize {
        match self {
            DataUrlError::NoComma { at }
            | DataUrlError::EmptyMediaType { at }
            | DataUrlError::BadMediaType { at }
            | DataUrlError::NotBase64 { at } => at,
        }
    }
}

impl fmt::Display for DataUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DataUrlError::NoComma { .. } => "has no comma before its data",
            DataUrlError::EmptyMediaType { .. } => "names no media type",
            DataUrlError::BadMediaType { .. } => "has a malformed media type",
            DataUrlError::NotBase64 { .. } => "does not say ;base64 before its comma",
        })
    }
}

/// Takes a data URL apart; `None` if `url` does not begin with `data:` (in any case, as URL schemes go). Costs the
/// length of the head only.
pub fn parse(url: &str) -> Option<Result<DataUrl<'_>, DataUrlError>> {
    const SCHEME: usize = 5;
    let scheme = url.get(..SCHEME)?;
    scheme.eq_ignore_ascii_case("data:").then(|| {
        let comma = memchr(b',', url.as_bytes()).ok_or(DataUrlError::NoComma { at: url.len() })?;
        // Before the comma, so at or after the scheme, since the scheme has none.
        let head = url.get(SCHEME..comma).unwrap_or_default();
        let (media_type, parameters) = head.split_once(';').unwrap_or((head, ""));
        let media_type_range = SCHEME..SCHEME + media_type.len();
        if media_type.is_empty() {
            return Err(DataUrlError::EmptyMediaType { at: SCHEME });
        }
        if let Some(at) = misplaced(media_type) {
            return Err(DataUrlError::BadMediaType { at: SCHEME + at });
        }
        let (parameters, last) = parameters.rsplit_once(';').unwrap_or(("", parameters));
        if !last.eq_ignore_ascii_case("base64") {
            return Err(DataUrlError::NotBase64 { at: comma });
        }
        let payload = url.get(comma + 1..).unwrap_or_default();
        Ok(DataUrl { media_type, media_type_range, parameters, payload, payload_start: comma + 1 })
    })
}

/// The place of the first character that a `type/subtype` cannot have there.
fn misplaced(media_type: &str) -> Option<usize> {
    let Some((kind, subtype)) = media_type.split_once('/') else { return Some(media_type.len()) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    if kind.is_empty() {
        return Some(0);
    }
    if let Some(at) = kind.find(|c| !allowed(c)) {
        return Some(at);
    }
    match subtype.find(|c| !allowed(c)) {
        Some(at) => Some(kind.len() + 1 + at),
        None => subtype.is_empty().then_some(media_type.len()),
    }
}

/// The first fault of a base64 payload; `at` is the byte of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base64Fault {
    /// Nothing there.
    Empty,
    /// A space, tab or line break, as `encodebytes` puts in.
    WhiteSpace {
        /// The first one.
        at: usize,
    },
    /// `-` or `_`: the alphabet of RFC 4648 section 5, meant for URLs.
    UrlSafe {
        /// The first one.
        at: usize,
    },
    /// `%2B` and the like: percent-encoded on top of base64.
    PercentEncoded {
        /// The first one.
        at: usize,
    },
    /// A character of no base64 alphabet.
    BadCharacter {
        /// The first one.
        at: usize,
        /// Which it is; never one of the cases above.
        character: char,
    },
    /// A `=` before the end, or too many at the end.
    BadPadding {
        /// The first one that is wrong.
        at: usize,
    },
    /// The closing `=` are missing.
    MissingPadding,
    /// A length that no bytes encode to: cut, or a character lost.
    BadLength {
        /// Base64 characters, without padding.
        characters: usize,
    },
    /// The last character has bits that belong to no byte.
    TrailingBits {
        /// That character.
        at: usize,
    },
}

impl Base64Fault {
    /// The byte of the payload to point at; `None` where no single one is wrong.
    pub fn at(self) -> Option<usize> {
        match self {
            Base64Fault::WhiteSpace { at }
            | Base64Fault::UrlSafe { at }
            | Base64Fault::PercentEncoded { at }
            | Base64Fault::BadCharacter { at, .. }
            | Base64Fault::BadPadding { at }
            | Base64Fault::TrailingBits { at } => Some(at),
            Base64Fault::Empty | Base64Fault::MissingPadding | Base64Fault::BadLength { .. } => None,
        }
    }
}

impl fmt::Display for Base64Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Base64Fault::Empty => f.write_str("is empty"),
            Base64Fault::WhiteSpace { .. } => f.write_str("has white space in it"),
            Base64Fault::UrlSafe { .. } => f.write_str("is in the base64url alphabet (- and _ for + and /)"),
            Base64Fault::PercentEncoded { .. } => f.write_str("is percent-encoded on top of base64"),
            Base64Fault::BadCharacter { character, .. } => {
                write!(f, "has {character:?} in it, which is not base64")
            }
            Base64Fault::BadPadding { .. } => f.write_str("has padding (=) where there should be none"),
            Base64Fault::MissingPadding => f.write_str("lacks its padding (=)"),
            Base64Fault::BadLength { characters } => {
                write!(f, "has {characters} base64 characters, which no bytes encode to: it is cut or lost one")
            }
            Base64Fault::TrailingBits { .. } => f.write_str("ends in a character with stray bits"),
        }
    }
}

/// Decodes without asking for padding or clean last bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a payload strictly (RFC 4648 section 4: padded, no white space, no stray bits) into `out`, whose old
/// content is lost and whose memory is used again. On a fault with one obvious reading `out` holds the bytes so read;
/// on any other it is empty.
pub fn decode(payload: &str, out: &mut Vec<u8>) -> Result<(), Base64Fault> {
    if payload.is_empty() {
        out.clear();
        return Err(Base64Fault::Empty);
    }
    if decode_with(&STANDARD, payload.as_bytes(), out) {
        return Ok(());
    }
    let fault = fault(payload);
    let plain = match fault {
        Base64Fault::PercentEncoded { .. } => percent_decoded(payload),
        Base64Fault::WhiteSpace { .. } | Base64Fault::UrlSafe { .. } | Base64Fault::MissingPadding | Base64Fault::TrailingBits { .. } => {
            payload.as_bytes().to_vec()
        }
        _ => Vec::new(),
    };
    let plain: Vec<u8> = plain
        .into_iter()
        .filter(|byte| !is_white_space(*byte))
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    if plain.is_empty() || !decode_with(&LENIENT, &plain, out) {
        out.clear();
    }
    Err(fault)
}

/// Decodes into the memory of `out`; its content is undefined on failure.
fn decode_with(engine: &GeneralPurpose, payload: &[u8], out: &mut Vec<u8>) -> bool {
    // Grown but not cleared: clearing would make `resize` write zeros over what is about to be overwritten.
    let estimate = base64::decoded_len_estimate(payload.len());
    if out.len() < estimate {
        out.resize(estimate, 0);
    }
    match engine.decode_slice(payload, out) {
        Ok(length) => {
            out.truncate(length);
            true
        }
        Err(DecodeSliceError::DecodeError(_) | DecodeSliceError::OutputSliceTooSmall) => false,
    }
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0C)
}

/// The first fault of a payload that did not decode. Looks at every byte once.
fn fault(payload: &str) -> Base64Fault {
    let bytes = payload.as_bytes();
    let symbol = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let Some(at) = bytes.iter().position(|byte| !symbol(*byte)) else { return by_length(bytes.len(), bytes.len()) };
    match bytes.get(at).copied().unwrap_or_default() {
        byte if is_white_space(byte) => Base64Fault::WhiteSpace { at },
        b'-' | b'_' => Base64Fault::UrlSafe { at },
        b'%' if bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => Base64Fault::PercentEncoded { at },
        b'=' => {
            let tail = bytes.get(at..).unwrap_or_default();
            match tail.iter().position(|byte| *byte != b'=') {
                // What follows the padding may be the line break at the end of a file.
                Some(next) if tail.iter().skip(next).all(|byte| is_white_space(*byte)) => Base64Fault::WhiteSpace { at: at + next },
                Some(_) => Base64Fault::BadPadding { at },
                None => by_length(at, bytes.len()),
            }
        }
        _ => {
            let character = payload.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('\u{FFFD}');
            Base64Fault::BadCharacter { at, character }
        }
    }
}

/// The fault of a payload of `characters` good characters and then padding up to `length`.
fn by_length(characters: usize, length: usize) -> Base64Fault {
    let padding = length - characters;
    match characters % 4 {
        1 => Base64Fault::BadLength { characters },
        rest => {
            let wanted = (4 - rest) % 4;
            if padding > wanted {
                Base64Fault::BadPadding { at: characters + wanted }
            } else if padding < wanted {
                Base64Fault::MissingPadding
            } else {
                Base64Fault::TrailingBits { at: characters.saturating_sub(1) }
            }
        }
    }
}

/// The payload with its percent escapes undone.
fn percent_decoded(payload: &str) -> Vec<u8> {
    let mut plain = Vec::with_capacity(payload.len());
    let mut rest = payload.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = match (byte, tail) {
            (b'%', [high, low, ..]) => char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                plain.push((high << 4 | low) as u8);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                plain.push(byte);
                rest = tail;
            }
        }
    }
    plain
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps fails where it should")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(url: &str) -> DataUrlError {
        parse(url).unwrap().unwrap_err()
    }

    fn lenient(payload: &str) -> (Base64Fault, Vec<u8>) {
        let mut out = b"left over from before".to_vec();
        let fault = decode(payload, &mut out).unwrap_err();
        (fault, out)
    }

    #[test]
    fn a_good_url_is_borrowed_with_its_places() {
        let url = "data:image/png;base64,AAEC";
        let parsed = parse(url).unwrap().unwrap();
        assert_eq!((parsed.media_type, parsed.payload, parsed.parameters), ("image/png", "AAEC", ""));
        assert_eq!(&url[parsed.media_type_range], "image/png");
        assert_eq!(&url[parsed.payload_start..], "AAEC");
        let loose = parse("DATA:IMAGE/PNG;charset=utf-8;x=y;Base64,").unwrap().unwrap();
        assert_eq!((loose.media_type, loose.parameters, loose.payload), ("IMAGE/PNG", "charset=utf-8;x=y", ""));
    }

    #[test]
    fn other_urls_are_left_alone() {
        for url in ["", "data", "https://example.com/data:,", " data:image/png;base64,AA==", "é"] {
            assert_eq!(parse(url), None, "{url}");
        }
    }

    #[test]
    fn each_fault_of_the_head_has_its_place() {
        assert_eq!(error("data:image/png;base64"), DataUrlError::NoComma { at: 21 });
        assert_eq!(error("data:;base64,AA=="), DataUrlError::EmptyMediaType { at: 5 });
        assert_eq!(error("data:,AA=="), DataUrlError::EmptyMediaType { at: 5 });
        assert_eq!(error("data:png;base64,AA=="), DataUrlError::BadMediaType { at: 8 });
        assert_eq!(error("data:image/;base64,AA=="), DataUrlError::BadMediaType { at: 11 });
        assert_eq!(error("data:im age/png;base64,AA=="), DataUrlError::BadMediaType { at: 7 });
        assert_eq!(error("data:image/p ng;base64,AA=="), DataUrlError::BadMediaType { at: 12 });
        assert_eq!(error("data:image/png,%89PNG"), DataUrlError::NotBase64 { at: 14 });
        assert_eq!(error("data:image/png;base64;charset=utf-8,AA=="), DataUrlError::NotBase64 { at: 35 });
        assert_eq!(error("data:image/png; base64,AA=="), DataUrlError::NotBase64 { at: 22 });
    }

    #[test]
    fn good_payloads_decode_into_reused_memory() {
        let mut out = vec![9; 100];
        decode("AAEC", &mut out).unwrap();
        assert_eq!(out, [0, 1, 2]);
        decode("AAECAw==", &mut out).unwrap();
        assert_eq!(out, [0, 1, 2, 3]);
    }

    #[test]
    fn faults_with_one_reading_offer_the_bytes() {
        assert_eq!(lenient("AAEC\nAw=="), (Base64Fault::WhiteSpace { at: 4 }, vec![0, 1, 2, 3]));
        assert_eq!(lenient("AAECAw==\r\n"), (Base64Fault::WhiteSpace { at: 8 }, vec![0, 1, 2, 3]));
        assert_eq!(lenient("-_-_"), (Base64Fault::UrlSafe { at: 0 }, vec![0xFB, 0xFF, 0xBF]));
        assert_eq!(lenient("AAECAw"), (Base64Fault::MissingPadding, vec![0, 1, 2, 3]));
        assert_eq!(lenient("AAECAw="), (Base64Fault::MissingPadding, vec![0, 1, 2, 3]));
        assert_eq!(lenient("AAECAx=="), (Base64Fault::TrailingBits { at: 5 }, vec![0, 1, 2, 3]));
        assert_eq!(lenient("AAEC%2Bw%3D%3D"), (Base64Fault::PercentEncoded { at: 4 }, vec![0, 1, 2, 0xFB]));
    }

    #[test]
    fn other_faults_offer_nothing() {
        assert_eq!(lenient(""), (Base64Fault::Empty, vec![]));
        assert_eq!(lenient("AA*C"), (Base64Fault::BadCharacter { at: 2, character: '*' }, vec![]));
        assert_eq!(lenient("AAé="), (Base64Fault::BadCharacter { at: 2, character: 'é' }, vec![]));
        assert_eq!(lenient("AA%"), (Base64Fault::BadCharacter { at: 2, character: '%' }, vec![]));
        assert_eq!(lenient("AAECA"), (Base64Fault::BadLength { characters: 5 }, vec![]));
        assert_eq!(lenient("AA==AAEC"), (Base64Fault::BadPadding { at: 2 }, vec![]));
        assert_eq!(lenient("AAEC="), (Base64Fault::BadPadding { at: 4 }, vec![]));
        assert_eq!(lenient("AA==="), (Base64Fault::BadPadding { at: 4 }, vec![]));
        assert_eq!(lenient("===="), (Base64Fault::BadPadding { at: 0 }, vec![]));
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
            let mut out = Vec::new();
            decode(&STANDARD.encode(&bytes), &mut out).unwrap();
            prop_assert_eq!(out, bytes);
        }

        #[test]
        fn any_text_gets_a_verdict_and_places_lie_in_it(text in "[A-Za-z0-9+/=_%\\-\\s*é]{0,40}") {
            let mut out = Vec::new();
            let strict = STANDARD.decode(&text);
            match decode(&text, &mut out) {
                Ok(()) => prop_assert_eq!(strict.unwrap(), out),
                Err(fault) => {
                    prop_assert!(strict.is_err() || text.is_empty());
                    if let Some(at) = fault.at() {
                        prop_assert!(text.is_char_boundary(at) && at < text.len());
                    }
                }
            }
        }

        #[test]
        fn any_head_gets_a_verdict(text in "(data|DATA):[a-z/;,= é]{0,20}(;base64)?,?[A-Z]{0,4}") {
            if let Some(Err(error)) = parse(&text) {
                prop_assert!(error.at() <= text.len());
            }
        }
    }
}
