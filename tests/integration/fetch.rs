//! Images behind addresses: a server of our own answers well, badly, slowly and maliciously, and a second one must never be asked.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat};
use tunelint::diagnostic::Diagnostic;
use tunelint::engine::{Engine, Input};
use tunelint::fetch::{Answer, Fetch, Limits, Unanswered, Web};
use tunelint::rules;
use tunelint::settings::Settings;
use tunelint::summary::Summary;
use tunelint::target::{Date, Target};

use crate::program::{code, json, tunelint, with};

fn png(picture: DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("encoded");
    bytes.into_inner()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A server that counts what it is asked. It answers until the test ends.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<HashMap<String, usize>>>,
    /// Connections, whether anything was asked or not.
    met: Arc<AtomicUsize>,
}

impl Server {
    fn new(serve: impl Fn(&str, usize, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, met, serve) = (Arc::<Mutex<HashMap<String, usize>>>::default(), Arc::<AtomicUsize>::default(), Arc::new(serve));
        let (counted, greeted) = (Arc::clone(&asked), Arc::clone(&met));
        thread::spawn(move || {
            for stream in listener.incoming() {
                greeted.fetch_add(1, Ordering::SeqCst);
                let (counted, serve) = (Arc::clone(&counted), Arc::clone(&serve));
                thread::spawn(move || {
                    let mut stream = stream?;
                    let mut lines = BufReader::new(stream.try_clone()?).lines();
                    let path =
                        lines.next().and_then(Result::ok).and_then(|line| Some(line.split(' ').nth(1)?.to_owned())).unwrap_or_default();
                    while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                    let time = {
                        let mut counted = counted.lock().expect("lock");
                        let count = counted.entry(path.clone()).or_default();
                        *count += 1;
                        *count
                    };
                    serve(&path, time, &mut stream)
                });
            }
        });
        Self { address, asked, met }
    }

    fn asked(&self, path: &str) -> usize {
        self.asked.lock().expect("lock").get(path).copied().unwrap_or_default()
    }

    fn web(&self, time: Duration) -> Web {
        Web::new(Limits { time, exempt: vec![self.address], ..Limits::default() })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A server of images and of nearly all that can go wrong with one. `inward` is where it tries to lead to.
fn images(inward: SocketAddr) -> Server {
    let good = png(DynamicImage::new_rgb8(64, 48));
    Server::new(move |path, time, stream| {
        let redirect = |to: &str| answer("302 Found", &format!("location: {to}\r\n"), b"");
        let port = inward.port();
        let whole = match path {
            "/good.png" => answer("200 OK", "content-type: image/png; charset=binary\r\n", &good),
            "/grey.png" => answer("200 OK", "content-type: image/png\r\n", &png(DynamicImage::new_luma8(64, 48))),
            "/store.png" => answer("200 OK", "content-type: application/octet-stream\r\n", &good),
            "/label.jpg" => answer("200 OK", "content-type: image/jpeg\r\n", &good),
            "/cut.png" => answer("200 OK", "content-type: image/png\r\n", &good[..good.len() / 2]),
            "/page" => answer("200 OK", "content-type: text/html\r\n", b"<!doctype html><title>Sign in</title>"),
            "/empty" => answer("200 OK", "", b""),
            "/forbidden" => answer("403 Forbidden", "", b""),
            "/own-status" => answer("799 As You Like", "", b""),
            "/escape" => answer("200 OK", "content-type: image/\x1b[31mred\x1b[0m\r\n", &good),
            "/flaky" if time == 1 => answer("503 Service Unavailable", "", b""),
            "/flaky" => answer("200 OK", "content-type: image/png\r\n", &good),
            "/busy" => answer("429 Too Many Requests", "", b""),
            "/there" => redirect("/good.png"),
            "/loop" => redirect("/loop"),
            "/inward/name" => redirect(&format!("http://localhost:{port}/")),
            "/inward/v4" => redirect(&format!("http://127.0.0.1:{port}/")),
            "/inward/number" => redirect(&format!("http://2130706433:{port}/")),
            "/inward/v6" => redirect(&format!("http://[::1]:{port}/")),
            "/inward/mapped" => redirect(&format!("http://[::ffff:127.0.0.1]:{port}/")),
            "/inward/any" => redirect(&format!("http://0.0.0.0:{port}/")),
            "/inward/cloud" => redirect("http://169.254.169.254/latest/meta-data/"),
            "/inward/home" => redirect("http://10.0.0.1/"),
            "/inward/file" => redirect("file:///etc/passwd"),
            "/inward/twice" => redirect("/inward/v4"),
            "/garbage" => b"\x00\x01\x02 not http at all\r\n\r\n".to_vec(),
            "/short" => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this".to_vec(),
            "/claims-much" => b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 50000000000\r\n\r\n".to_vec(),
            "/endless" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n")?;
                loop {
                    stream.write_all(b"10000\r\n")?;
                    stream.write_all(&[0; 0x10000])?;
                    stream.write_all(b"\r\n")?;
                }
            }
            "/endless-head" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
                loop {
                    stream.write_all(b"x-more: of the same\r\n")?;
                }
            }
            "/drip" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
                loop {
                    stream.write_all(b".")?;
                    thread::sleep(Duration::from_millis(50));
                }
            }
            "/silent" => {
                thread::sleep(Duration::from_secs(60));
                return Ok(());
            }
            "/hang-up" => return Ok(()),
            _ => answer("404 Not Found", "", b"not here"),
        };
        stream.write_all(&whole)
    })
}

/// A server that nothing may be asked of.
fn within() -> Server {
    Server::new(|_, _, stream| stream.write_all(&answer("200 OK", "content-type: image/png\r\n", b"secret")))
}

const MOST: u64 = 1_000_000;

#[test]
fn every_answer_has_a_name() {
    let within = within();
    let server = images(within.address);
    let web = server.web(Duration::from_secs(20));
    let fetch = |path: &str| web.fetch(&server.url(path), MOST);
    let status = |code, reason| Err(Unanswered::Status { code, reason });
    let size = |answer: Result<Answer, Unanswered>| answer.map(|answer| (answer.media_type, answer.body.len() as u64 == answer.size));
    assert_eq!(size(fetch("/good.png")), Ok((Some("image/png".to_owned()), true)));
    assert_eq!(size(fetch("/there")), Ok((Some("image/png".to_owned()), true)), "a redirect is followed");
    assert_eq!(size(fetch("/empty")), Ok((None, true)));
    assert_eq!(fetch("/missing"), status(404, "Not Found"));
    assert_eq!(fetch("/forbidden"), status(403, "Forbidden"));
    assert_eq!(fetch("/own-status"), status(799, ""));
    assert_eq!(fetch("/loop"), Err(Unanswered::Redirects(5)));
    assert_eq!(size(fetch("/flaky")), Ok((Some("image/png".to_owned()), true)), "what may pass is tried once more");
    assert_eq!(fetch("/busy"), status(429, "Too Many Requests"));
    assert_eq!((server.asked("/flaky"), server.asked("/busy"), server.asked("/missing")), (2, 2, 1));
    for broken in ["/garbage", "/escape", "/short", "/hang-up", "/endless-head"] {
        assert!(matches!(fetch(broken), Err(Unanswered::Broken(_))), "{broken}: {:?}", fetch(broken));
    }
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that is free again");
    let alone = Web::new(Limits { exempt: vec![nobody], ..Limits::default() });
    assert!(matches!(alone.fetch(&format!("http://{nobody}/"), MOST), Err(Unanswered::Broken(_))));
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = plain.local_addr().expect("an address");
    thread::spawn(move || plain.incoming().flatten().try_for_each(|mut stream| stream.write_all(&answer("400 Bad Request", "", b""))));
    let alone = Web::new(Limits { exempt: vec![address], ..Limits::default() });
    let insecure = alone.fetch(&format!("https://{address}/a.png"), MOST);
    assert!(matches!(&insecure, Err(Unanswered::Broken(detail)) if detail.contains("the connection fails")), "{insecure:?}");
    assert_eq!(web.fetch("http://nothing.invalid/a.png", MOST), Err(Unanswered::UnknownHost));
    assert_eq!(web.fetch("http://例え.invalid/a.png", MOST), Err(Unanswered::ForeignHost));
    assert_eq!(web.fetch(&server.url("/a picture of Zoë.png"), MOST), status(404, "Not Found"));
    assert_eq!(server.asked("/a%20picture%20of%20Zo%C3%AB.png"), 1);
    assert_eq!(within.met.load(Ordering::SeqCst), 0);
}

#[test]
fn nothing_within_is_connected_to() {
    let within = within();
    let server = images(within.address);
    let web = server.web(Duration::from_secs(20));
    let port = within.address.port();
    let direct = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1", "[::ffff:7f00:1]"];
    for host in direct {
        let fetched = web.fetch(&format!("http://{host}:{port}/"), MOST);
        assert!(matches!(fetched, Err(Unanswered::Private { .. })), "{host}: {fetched:?}");
    }
    for path in ["name", "v4", "number", "v6", "mapped", "any", "cloud", "home", "twice"] {
        let fetched = web.fetch(&server.url(&format!("/inward/{path}")), MOST);
        assert!(matches!(fetched, Err(Unanswered::Private { .. })), "{path}: {fetched:?}");
        assert_eq!(server.asked(&format!("/inward/{path}")), 1);
    }
    let file = web.fetch(&server.url("/inward/file"), MOST);
    assert!(file.is_err(), "{file:?}");
    assert_eq!(within.met.load(Ordering::SeqCst), 0, "something within was connected to");
    // The test can fail: where it is let in, it does get there.
    let open = Web::new(Limits { exempt: vec![server.address, within.address], ..Limits::default() });
    assert_eq!(open.fetch(&server.url("/inward/v4"), MOST).map(|answer| answer.body), Ok(b"secret".to_vec()));
}

#[test]
fn size_and_time_have_caps() {
    let server = images(within().address);
    let web = server.web(Duration::from_secs(2));
    for (path, size) in [("/endless", MOST + 1), ("/claims-much", 50_000_000_000)] {
        let answer = web.fetch(&server.url(path), MOST).expect("an answer");
        assert_eq!(answer.size, size, "{path}");
        assert!(answer.body.len() as u64 <= MOST + 1);
    }
    for path in ["/drip", "/silent"] {
        let start = Instant::now();
        assert_eq!(web.fetch(&server.url(path), MOST), Err(Unanswered::TooSlow(Duration::from_secs(2))), "{path}");
        assert!(start.elapsed() < Duration::from_secs(10), "{path}: {:?}", start.elapsed());
    }
}

/// Public names, all of which lead to the server of the test.
#[derive(Debug)]
struct Renamed {
    web: Web,
    server: SocketAddr,
}

impl Fetch for Renamed {
    fn fetch(&self, url: &str, most: u64) -> Result<Answer, Unanswered> {
        self.web.fetch(&url.replace("images.example.com", &self.server.to_string()), most)
    }
}

fn line(url: &str) -> String {
    let image = format!(r#"{{"type": "image_url", "image_url": {{"url": "{url}", "detail": "low"}}}}"#);
    let question = format!(r#"{{"role": "user", "content": [{{"type": "text", "text": "What?"}}, {image}]}}"#);
    format!("{{\"messages\": [{question}, {{\"role\": \"assistant\", \"content\": \"A square.\"}}]}}\n")
}

fn check(server: &Server, threads: usize, lines: &str) -> (Vec<Diagnostic>, Summary) {
    let renamed = Renamed { web: server.web(Duration::from_secs(5)), server: server.address };
    let engine = Engine::new(threads).expect("schemas compile").with_fetch(Box::new(renamed));
    let target = Target::builtin("openai").expect("built in");
    let settings = Settings::new(target, &rules::all(), Date::from_unix(1_795_400_000));
    let (mut found, mut summary) = (Vec::new(), Summary::default());
    let input = Input::from_bytes("train.jsonl", lines.as_bytes().to_vec()).expect("readable");
    engine
        .check(input, &settings, &mut summary, &mut |diagnostic: &Diagnostic| {
            found.push(diagnostic.clone());
            Ok(())
        })
        .expect("checked");
    (found, summary)
}

#[test]
fn what_is_fetched_is_judged_as_what_is_embedded() {
    let server = images(within().address);
    for (path, expected) in [
        ("good.png", None),
        ("there", None),
        ("store.png", None),
        ("grey.png", Some("unsupported-color-mode")),
        ("label.jpg", Some("media-type-mismatch")),
        ("cut.png", Some("truncated-image")),
        ("page", Some("undecodable-image")),
        ("empty", Some("empty-image")),
        ("missing", Some("unanswered-url")),
        ("own-status", Some("unanswered-url")),
        ("inward/cloud", Some("unanswered-url")),
        ("claims-much", Some("too-large-image")),
        ("endless", Some("too-large-image")),
    ] {
        let (found, summary) = check(&server, 1, &line(&format!("http://images.example.com/{path}")));
        let of_image: Vec<_> = found.iter().filter(|found| found.location.line.is_some()).collect();
        let names: Vec<_> = of_image.iter().map(|found| found.rule.name).collect();
        assert_eq!(names, expected.into_iter().collect::<Vec<_>>(), "{path}: {:?}", of_image.iter().map(|found| &found.message));
        for found in of_image {
            let location = found.location.line.as_ref().expect("a line");
            assert_eq!(location.pointer, "/messages/0/content/1/image_url/url", "{path}");
            assert!(!found.message.contains('\x1b'), "{path}: {:?}", found.message);
        }
        assert_eq!(summary.files[0].examples, 1);
    }
}

/// Azure wants files that begin with it.
#[test]
fn the_first_line_is_asked_for_behind_a_byte_order_mark() {
    let server = images(within().address);
    let (found, summary) = check(&server, 1, &format!("\u{feff}{}", line("http://images.example.com/missing")));
    assert!(found.iter().any(|found| found.rule.name == "unanswered-url"), "{found:?}");
    assert_eq!((server.asked("/missing"), summary.files[0].examples), (1, 1));
}

#[test]
fn each_address_is_asked_once_and_its_tokens_are_counted() {
    let server = images(within().address);
    let lines: String =
        (0..6000).map(|n| line(&format!("http://images.example.com/{}", if n % 2 == 0 { "good.png" } else { "missing" }))).collect();
    let mut told = Vec::new();
    for threads in [1, 2, 4] {
        let before = (server.asked("/good.png"), server.asked("/missing"));
        let (found, summary) = check(&server, threads, &lines);
        assert_eq!((server.asked("/good.png"), server.asked("/missing")), (before.0 + 1, before.1 + 1), "{threads} threads");
        let unanswered: Vec<u64> = found
            .iter()
            .filter(|found| found.rule.name == "unanswered-url")
            .filter_map(|found| Some(found.location.line.as_ref()?.line))
            .collect();
        assert!(unanswered.iter().copied().eq((1..=3000).map(|n| 2 * n)), "{threads} threads");
        let images = &summary.files[0].images;
        assert_eq!((images.count, images.unique, images.unmeasured), (6000, 2, 3000));
        assert_eq!(summary.files[0].tokens.image, 3000 * 85, "an image of low detail has 85 tokens, one that is not there none");
        told.push(found.len());
    }
    told.dedup();
    assert_eq!(told.len(), 1);
}

#[test]
fn the_program_asks_only_when_told_and_never_within() {
    let within = within();
    let url = within.url("/a.png");
    let folder = with(&[
        ("within.jsonl", line(&url).as_bytes()),
        ("nowhere.jsonl", line("http://nothing.tunelint.invalid/a.png").as_bytes()),
        ("tunelint.toml", b"fetch-images = true\n"),
    ]);
    for flags in [&["--isolated"][..], &["--isolated", "--fetch-images"]] {
        for command in ["check", "report", "show"] {
            let place = if command == "show" { "within.jsonl:1" } else { "within.jsonl" };
            let output = tunelint(folder.path(), &[&[command, place], flags].concat());
            assert!(matches!(code(&output), 0 | 1), "{command} {flags:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let output = tunelint(folder.path(), &[&["check", "within.jsonl", "--output-format", "json"], flags].concat());
        let codes: Vec<_> = json(&output)["findings"].as_array().expect("findings").iter().map(|found| found["code"].clone()).collect();
        assert!(codes.contains(&"I006".into()) && !codes.contains(&"I030".into()), "{codes:?}");
    }
    assert_eq!(within.met.load(Ordering::SeqCst), 0);
    let output = tunelint(folder.path(), &["check", "nowhere.jsonl"]);
    assert_eq!(code(&output), 2, "no file may open connections");
}
