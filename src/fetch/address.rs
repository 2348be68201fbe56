//! Web addresses, looked at without asking anybody: their scheme, their host, and whether a stranger gets there at all.
//!
//! What the rules say of an address and what [`super`] refuses to connect to go by the same table.

use crate::diagnostic::quoted;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a stranger may get to where `url` points, as far as the text tells: the reason why not, as a clause. `None` for what is no
/// http or https address, and for one of a scheme that is not among `taken`.
pub fn judge(url: &str, taken: &[String]) -> Option<Result<(), String>> {
    let scheme = scheme(url)?;
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let is_taken = taken.iter().any(|taken| taken.eq_ignore_ascii_case(scheme));
    (is_web && is_taken).then(|| fault(url.get(scheme.len() + 1..).unwrap_or_default()).map_or(Ok(()), Err))
}

/// Domains that no public name server knows (RFC 6761, 6762, 8375, and `internal` as set aside by ICANN).
const LOCAL: [&str; 7] = ["localhost", "local", "internal", "home.arpa", "test", "example", "invalid"];

/// The scheme of `url`, without its colon: two letters at least, a single one is a drive of Windows.
pub fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.get(..url.len().min(LONGEST)).unwrap_or_default().split_once(':')?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    (scheme.len() > 1 && scheme.bytes().all(is_letter) && scheme.starts_with(|first: char| first.is_ascii_alphabetic())).then_some(scheme)
}

/// Characters in which a scheme ends, if there is one.
const LONGEST: usize = 32;

/// Why what follows the scheme leads nowhere, from outside.
fn fault(rest: &str) -> Option<String> {
    let Some(rest) = rest.strip_prefix("//") else { return Some("the address has no `//` before its host".to_owned()) };
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let shown = quoted(&host);
    let last = host.rsplit('.').next().unwrap_or_default();
    if host.is_empty() {
        return Some("the address names no host".to_owned());
    }
    if place.starts_with('[') {
        let address = host.split('%').next().unwrap_or_default().parse::<Ipv6Addr>();
        return match address.map(|address| kind(IpAddr::V6(address))) {
            Err(_) => Some(format!("{shown} is no IP address")),
            Ok(kind) => kind.map(|kind| format!("{shown} is {kind}")),
        };
    }
    if last.starts_with(|c: char| c.is_ascii_digit()) && (part(last).is_some() || last.bytes().all(|byte| byte.is_ascii_digit())) {
        return match ipv4(&host) {
            None => Some(format!("{shown} is no IP address")),
            Some(address) => kind(IpAddr::V4(address)).map(|kind| format!("{shown} is {kind}")),
        };
    }
    let is_within = |domain: &str| host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    if LOCAL.iter().any(|domain| is_within(domain)) {
        return Some(format!("{shown} is a local name"));
    }
    if !host.contains(['.', '。', '．', '｡', '%']) {
        return Some(format!("{shown} is a name of a local network"));
    }
    user.map(|_| "the address holds a user name".to_owned())
}

/// An IPv4 address as libraries read it: one to four numbers, decimal, hexadecimal or octal, the last one filling up.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let mut parts = host.split('.').take(5).map(part).collect::<Option<Vec<u32>>>()?;
    let last = parts.pop().filter(|_| parts.len() < 4)?;
    let free = 32 - 8 * parts.len() as u32;
    let front = parts.iter().try_fold(0_u32, |sum, &part| (part < 256).then_some((sum << 8) | part))?;
    let fits = free == 32 || last < 1 << free;
    fits.then(|| Ipv4Addr::from(front.checked_shl(free).unwrap_or_default() | last))
}

fn part(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some("") => Some(0),
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
        None => text.parse().ok(),
    }
}

/// What an address is that does not belong to one public host; `None` for one that does. An IPv6 address that stands for an IPv4
/// address is what that one is.
///
/// By the special-purpose registries of IANA (RFC 6890 and its updates), multicast and what was never assigned with them.
pub fn kind(address: IpAddr) -> Option<&'static str> {
    const PRIVATE: &str = "an address of a private network";
    const LINK_LOCAL: &str = "a link-local address";
    const RESERVED: &str = "a reserved address";
    let v4 = match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return Some("the fetching machine itself"),
            // Mapped, the old compatible form, translated (RFC 6052), and 6to4.
            [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
            }
            [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => return Some(PRIVATE),
            [0xfe80..=0xfebf, ..] => return Some(LINK_LOCAL),
            // Teredo, benchmarks, ORCHID and documentation; then all that is not global unicast.
            [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => return Some(RESERVED),
            [0x2000..=0x3fff, ..] => return None,
            _ => return Some(RESERVED),
        },
    };
    match v4.octets() {
        [127 | 0, ..] => Some("the fetching machine itself"),
        [169, 254, ..] => Some(LINK_LOCAL),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Some(PRIVATE),
        [224..=255, ..] | [198, 18 | 19, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Some(RESERVED)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ipv4Addr, fault};

    #[test]
    fn hosts_are_seen_through() {
        for unreachable in [
            "//localhost/a.png",
            "//LOCALHOST:8080",
            "//a.localhost./x",
            "//127.0.0.1:1/x.png",
            "//127.1",
            "//0x7f000001/",
            "//0x7f.0.0.1/",
            "//0177.0.0.1/",
            "//0/",
            "//10.1.2.3/",
            "//172.31.0.1/",
            "//192.168.0.1/",
            "//169.254.169.254/latest/meta-data/",
            "//100.64.0.1/",
            "//255.255.255.255/",
            "//192.0.2.7/",
            "//999.1.1.1/",
            "//1.2.3.4.5/",
            "//[::1]:1/x.png",
            "//[fe80::1%25eth0]/",
            "//[fd00::1]/",
            "//[::ffff:127.0.0.1]/",
            "//[2001:db8::1]/",
            "//[::127.0.0.1]/",
            "//[64:ff9b::10.0.0.1]/",
            "//[64:ff9b:1::1]/",
            "//[2002:a9fe:a9fe::1]/",
            "//[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
            "//[fec0::1]/",
            "//[ff02::1]/",
            "//[4000::1]/",
            "//192.88.99.1/",
            "//[nonsense]/",
            "//intranet/x.png",
            "//nas.local/x.png",
            "//cdn.example/x.png",
            "//openai.com@127.0.0.1:1/x.png",
            "//me:secret@upload.wikimedia.org/x.png",
            "//127.0.0.1\\@upload.wikimedia.org/",
            "///x.png",
            "/upload.wikimedia.org/x.png",
            "",
        ] {
            assert!(fault(unreachable).is_some(), "{unreachable}");
        }
        assert!(fault(&format!("//{}:1/x.png", u32::from(Ipv4Addr::LOCALHOST))).is_some());
    }

    #[test]
    fn public_hosts_are_left_alone() {
        for public in [
            "//upload.wikimedia.org/a.png",
            "//example.com/a.png",
            "//EXAMPLE.com.:443/a@b.png?u=http://localhost/",
            "//8.8.8.8/a.png",
            "//[2606:4700::1111]:443/a.png",
            "//[64:ff9b::8.8.8.8]/",
            "//[2a00:1450:4001:81b::200e]/",
            "//172.32.0.1/",
            "//1.1.1.1.nip.io/",
            "//localhost.example.com/",
            "//3d.com/",
            "//xn--80ak6aa92e.com/",
            "//例え.jp/a.png",
        ] {
            assert_eq!(fault(public), None, "{public}");
        }
        assert_eq!(fault(&format!("//{}/a.png", u32::from(Ipv4Addr::new(8, 8, 8, 8)))), None);
    }
}
