//! Images that stand behind web addresses: asked for only when somebody wants that, and only where anyone may ask.
//!
//! The one place that opens a connection, and the data say where to. So a name is looked up first, and no connection is made to
//! what does not belong to a public host, not for a redirect either; every answer has a cap in bytes and in time.

pub mod address;

use std::fmt;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::image::{Caps, Depth, Verdict, inspect};

/// Bytes of an image that are read where the target sets no limit.
pub const MOST_BYTES: u64 = 20_000_000;

/// What is asked for images by their addresses.
pub trait Fetch: fmt::Debug + Send + Sync {
    /// Asks for what stands at `url`, of which `most` bytes are read at the most. Called by several threads at a time.
    ///
    /// # Errors
    ///
    /// Why no image was had.
    fn fetch(&self, url: &str, most: u64) -> Result<Answer, Unanswered>;
}

/// What a server gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it calls it: `Content-Type`, without parameters.
    pub media_type: Option<String>,
    /// The bytes; none when they are known to be too many.
    pub body: Vec<u8>,
    /// How many bytes there are; when they are more than what is read, as many as the server says, or one more than that.
    pub size: u64,
}

/// Why no image was had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The name of the host leads to no IP address, or no name server could be asked.
    UnknownHost,
    /// The name of the host has letters beyond ASCII, and is not looked up.
    ForeignHost,
    /// The name of the host, or of one that it redirects to, leads where no stranger gets.
    Private {
        /// Where to.
        address: IpAddr,
        /// What that is, such as "a link-local address".
        kind: &'static str,
    },
    /// Another status than success.
    Status {
        /// Of three digits.
        code: u16,
        /// What it means, by RFC 9110; empty for a code of the server's own.
        reason: &'static str,
    },
    /// One redirect after the other.
    Redirects(u32),
    /// No whole answer in this time.
    TooSlow(Duration),
    /// No connection, or one that breaks, or no HTTP, as the detail says.
    Broken(String),
}

impl Unanswered {
    /// Whether the next try may well go another way.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Status { code: 429 | 500 | 502..=504, .. } | Self::Broken(_))
    }
}

impl fmt::Display for Unanswered {
    /// A clause about the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => f.write_str("the name of its host leads to no IP address"),
            Self::ForeignHost => f.write_str("the name of its host has letters beyond ASCII, and was not looked up"),
            Self::Private { address, kind } => write!(f, "it leads to {address}, {kind}"),
            Self::Status { code, reason: "" } => write!(f, "it answers with the status {code}"),
            Self::Status { code, reason } => write!(f, "it answers {code} {reason}"),
            Self::Redirects(most) => write!(f, "it redirects more than {most} times"),
            Self::TooSlow(time) => write!(f, "it gives no whole answer within {} seconds", time.as_secs_f32().ceil()),
            Self::Broken(detail) => f.write_str(detail),
        }
    }
}

impl std::error::Error for Unanswered {}

/// All that is known of an image behind an address after asking for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Why there is none; nothing below is known then.
    pub unanswered: Option<Unanswered>,
    /// What the server calls it.
    pub media_type: Option<String>,
    /// Bytes of the image, or of so much of it as shows that it is too large.
    pub bytes: u64,
    /// The image itself; `None` when it was not looked at or is too large for that.
    pub verdict: Option<Verdict>,
}

impl Fetched {
    /// Asks for the image at `url` and looks into it, if it has no more than `most` bytes. `depth` is `None` when it is only to be
    /// asked for.
    pub fn look(fetch: &dyn Fetch, url: &str, most: u64, depth: Option<Depth>, caps: &Caps) -> Self {
        match fetch.fetch(url, most) {
            Err(unanswered) => unanswered.into(),
            Ok(answer) => Self {
                unanswered: None,
                // Of a label, more is neither shown nor compared.
                media_type: answer.media_type.map(|label| label.chars().take(64).collect()),
                bytes: answer.size,
                verdict: depth.filter(|_| answer.size <= most).map(|depth| inspect(&answer.body, depth, caps)),
            },
        }
    }
}

impl From<Unanswered> for Fetched {
    fn from(unanswered: Unanswered) -> Self {
        Self { unanswered: Some(unanswered), media_type: None, bytes: 0, verdict: None }
    }
}

/// What a request may cost, and whom it may reach.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Time for one image, from looking up the name to the last byte, redirects included.
    pub time: Duration,
    /// Redirects that are followed.
    pub redirects: u32,
    /// What may be connected to although no stranger gets there: servers of one's own, for tests.
    pub exempt: Vec<SocketAddr>,
}

impl Default for Limits {
    /// 30 seconds, 5 redirects, and nothing that is not public.
    fn default() -> Self {
        Self { time: Duration::from_secs(30), redirects: 5, exempt: Vec::new() }
    }
}

impl Limits {
    /// Time until a connection stands.
    fn connect(&self) -> Duration {
        self.time.min(Duration::from_secs(10))
    }
}

/// Asks over the web: HTTP/1.1, certificates checked against Mozilla's list, no cookies, no credentials, and no proxy, which
/// would look up the names itself. A failure that may pass is tried once more, a second later.
#[derive(Debug)]
pub struct Web {
    agent: ureq::Agent,
    limits: Limits,
}

impl Web {
    /// One that keeps to `limits`.
    pub fn new(limits: Limits) -> Self {
        let config = ureq::Agent::config_builder()
            .accept("image/*")
            .http_status_as_error(false)
            .max_redirects(limits.redirects)
            .max_redirects_will_error(true)
            .max_response_header_size(64 << 10)
            .proxy(None)
            .timeout_connect(Some(limits.connect()))
            .timeout_global(Some(limits.time))
            .user_agent(concat!("tunelint/", env!("CARGO_PKG_VERSION"), " (+", env!("CARGO_PKG_REPOSITORY"), ")"))
            .build();
        let resolver = Public { names: DefaultResolver::default(), exempt: limits.exempt.clone() };
        Self { agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver), limits }
    }

    fn once(&self, url: &str, most: u64) -> Result<Answer, Unanswered> {
        let told = |error| self.told(error);
        let response = self.agent.get(url).call().map_err(told)?;
        let status = response.status();
        if !status.is_success() {
            return Err(Unanswered::Status { code: status.as_u16(), reason: status.canonical_reason().unwrap_or_default() });
        }
        let body = response.into_body();
        let media_type = body.mime_type().map(str::to_owned);
        if let Some(size) = body.content_length().filter(|&size| size > most) {
            return Ok(Answer { media_type, body: Vec::new(), size });
        }
        let mut bytes = Vec::new();
        body.into_reader().take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| told(error.into()))?;
        Ok(Answer { media_type, size: bytes.len() as u64, body: bytes })
    }

    /// What an error means to somebody who knows only the address.
    fn told(&self, error: ureq::Error) -> Unanswered {
        match error {
            ureq::Error::HostNotFound => Unanswered::UnknownHost,
            ureq::Error::TooManyRedirects => Unanswered::Redirects(self.limits.redirects),
            ureq::Error::Timeout(ureq::Timeout::Connect) => Unanswered::TooSlow(self.limits.connect()),
            ureq::Error::Timeout(_) => Unanswered::TooSlow(self.limits.time),
            ureq::Error::Rustls(error) => Unanswered::Broken(format!("the connection fails: {error}")),
            ureq::Error::BadUri(_) => Unanswered::Broken("it is no web address, or redirects to what is none".to_owned()),
            ureq::Error::Other(error) => match error.downcast::<Unanswered>() {
                Ok(unanswered) => *unanswered,
                Err(error) => Unanswered::Broken(format!("it cannot be asked: {error}")),
            },
            ureq::Error::Io(error) => Unanswered::Broken(format!("the connection fails: {error}")),
            error => Unanswered::Broken(format!("it cannot be asked: {error}")),
        }
    }
}

impl Fetch for Web {
    fn fetch(&self, url: &str, most: u64) -> Result<Answer, Unanswered> {
        const PAUSE: Duration = Duration::from_secs(1);
        let url = written(url).ok_or(Unanswered::ForeignHost)?;
        self.once(&url, most).or_else(|unanswered| match unanswered.may_pass() {
            true => {
                std::thread::sleep(PAUSE);
                self.once(&url, most)
            }
            false => Err(unanswered),
        })
    }
}

/// `url` with all that may not stand in an address as it is in percent-encoding, as browsers send it. `None` where that is in the
/// host.
fn written(url: &str) -> Option<String> {
    let path = url.find("//").map_or(0, |at| at + 2);
    let path = url.get(path..)?.find(['/', '?', '#']).map_or(url.len(), |at| path + at);
    let (host, path) = url.split_at_checked(path)?;
    let mut written = host.is_ascii().then(|| host.to_owned())?;
    for c in path.chars() {
        if c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c) {
            written.push(c);
        } else {
            let mut bytes = [0; 4];
            written.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    Some(written)
}

/// Looks up names, and keeps to itself what does not belong to a public host.
#[derive(Debug)]
struct Public {
    names: DefaultResolver,
    exempt: Vec<SocketAddr>,
}

impl Resolver for Public {
    /// The connection goes to these very addresses: a name server that gives another answer next time changes nothing.
    fn resolve(&self, uri: &Uri, config: &ureq::config::Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout).map_err(|error| match error {
            ureq::Error::Io(_) => ureq::Error::HostNotFound,
            error => error,
        })?;
        let (mut public, mut private) = (self.empty(), None);
        for address in found.iter().copied() {
            match address::kind(address.ip()).filter(|_| !self.exempt.contains(&address)) {
                Some(kind) => private = private.or(Some(Unanswered::Private { address: address.ip(), kind })),
                None => public.push(address),
            }
        }
        match private.filter(|_| public.is_empty()) {
            Some(private) => Err(ureq::Error::Other(Box::new(private))),
            None => Ok(public),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn addresses_are_written_as_browsers_send_them() {
        for (url, expected) in [
            ("https://example.com/a.png?x=%20[1]#top", Some("https://example.com/a.png?x=%20[1]#top")),
            ("https://example.com/a cat.png", Some("https://example.com/a%20cat.png")),
            ("https://example.com/é{1}\n", Some("https://example.com/%C3%A9%7B1%7D%0A")),
            ("https://example.com?ü", Some("https://example.com?%C3%BC")),
            ("https://example.com", Some("https://example.com")),
            ("https://例え.jp/a.png", None),
        ] {
            assert_eq!(written(url).as_deref(), expected, "{url}");
        }
    }
}
