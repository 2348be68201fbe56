use super::unsupported_url_scheme::scheme;
use crate::context::{Context, Image};
use crate::diagnostic::quoted;
use crate::edit::{Applicability, Fix};
use crate::json::quote;
use crate::rule::{Effect, Evidence, Rule, Severity};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) static RULE: Rule = Rule {
    code: "I006",
    name: "unreachable-url",
    severity: Severity::Warning,
    effect: Effect::SkipsImage,
    evidence: Evidence::Documented,
    provider_message: None,
    opt_in: false,
    fix: Some(Applicability::Safe),
    since: "0.1.0",
    docs: include_str!("unreachable_url.md"),
};

/// Domains that no public name server knows (RFC 6761, 6762, 8375, and `internal` as set aside by ICANN).
const LOCAL: [&str; 7] = ["localhost", "local", "internal", "home.arpa", "test", "example", "invalid"];

pub(crate) fn check(image: &Image<'_>, cx: &mut Context<'_>) {
    let url = image.part.text.trim();
    let allowed = &cx.settings.target.images.schemes.value;
    let is_web = |scheme: &&str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let is_taken = |scheme: &&str| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(scheme));
    let Some(scheme) = scheme(url).filter(is_web).filter(is_taken) else { return };
    let fault = fault(url.get(scheme.len() + 1..).unwrap_or_default());
    let trimmed = fault.is_none().then(|| Fix::safe("remove the white space", [image.part.url.replaced(quote(url))]));
    let fault = fault.or((url.len() != image.part.text.len()).then(|| "white space stands around the address".to_owned()));
    if let Some(fault) = fault {
        cx.report(image.part.url, format!("{fault}: {} cannot fetch the image", cx.target()))
            .help("give an address that anyone can open without signing in, or embed the image as a data URL")
            .fix(trimmed);
    }
}

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

fn kind(address: IpAddr) -> Option<&'static str> {
    let v4 = match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(v6) => match v6.to_ipv4() {
            Some(v4) => v4,
            None if v6.is_unique_local() => return Some("an address of a private network"),
            None if v6.is_unicast_link_local() => return Some("a link-local address"),
            None if v6.is_multicast() || v6.segments().starts_with(&[0x2001, 0xdb8]) => return Some("a reserved address"),
            None => return None,
        },
    };
    match v4.octets() {
        [127 | 0, ..] => Some("the fetching machine itself"),
        [169, 254, ..] => Some("a link-local address"),
        [100, 64..=127, ..] => Some("an address of a private network"),
        _ if v4.is_private() => Some("an address of a private network"),
        [224..=255, ..] | [198, 18 | 19, ..] => Some("a reserved address"),
        _ if v4.is_documentation() => Some("a reserved address"),
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
