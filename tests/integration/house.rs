//! Laws of the house that the compiler does not know. Each failure says what to do.

use std::path::{Path, PathBuf};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The modules of the library stand in an order, and each uses only those above it: arrows point one way.
#[test]
fn modules_use_only_those_above_them() {
    let library = std::fs::read_to_string(format!("{SOURCE}/lib.rs")).expect("lib.rs");
    let order: Vec<&str> = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 10, "the modules are listed in src/lib.rs, one line each");
    for (place, module) in order.iter().enumerate() {
        let mut own = files(&Path::new(SOURCE).join(module));
        own.extend(Some(Path::new(SOURCE).join(format!("{module}.rs"))).filter(|path| path.exists()));
        for path in own {
            let code = std::fs::read_to_string(&path).expect("readable");
            // Tests may look around.
            let is_test = ["laws.rs", "pages.rs", "samples.rs"].iter().any(|name| path.ends_with(name));
            let code = if is_test { "" } else { code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default() };
            for used in code
                .match_indices("crate::")
                .map(|(at, _)| code[at + 7..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
            {
                if let Some(below) = order.iter().position(|name| *name == used) {
                    assert!(
                        below <= place,
                        "{}: `{module}` uses `{used}`, which stands below it in src/lib.rs: move one of them",
                        path.display()
                    );
                }
            }
        }
    }
}

/// A file begins with what it is for; a rule begins with its data, its page says the rest.
#[test]
fn files_say_what_they_are_for() {
    for path in files(Path::new(SOURCE)) {
        let code = std::fs::read_to_string(&path).expect("readable");
        let is_rule = code.contains("pub(crate) static RULE: Rule");
        assert!(is_rule || code.starts_with("//! "), "{}: begin with `//!` and what this file is for", path.display());
    }
}

/// One file opens connections, and one function of the program lets it.
#[test]
fn only_a_flag_opens_connections() {
    let (mut open, mut letting) = (Vec::new(), Vec::new());
    for path in files(Path::new(SOURCE)) {
        let code = std::fs::read_to_string(&path).expect("readable");
        let name = path.strip_prefix(SOURCE).expect("within").to_string_lossy().into_owned();
        if ["ureq", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "ToSocketAddrs"].iter().any(|word| code.contains(word)) {
            open.push(name.clone());
        }
        if code.contains("Web::new") {
            letting.push(name);
        }
    }
    assert_eq!(open, ["fetch/mod.rs"], "what opens connections stands in src/fetch alone, which refuses what is not public");
    assert_eq!(letting, ["bin/tunelint/commands/check.rs"], "connections are opened only where `--fetch-images` says so");
    let check = std::fs::read_to_string(format!("{SOURCE}/bin/tunelint/commands/check.rs")).expect("readable");
    assert!(check.contains("if judging.fetch_images { engine.with_fetch(Box::new(Web::new("), "`--fetch-images` alone turns it on");
}
