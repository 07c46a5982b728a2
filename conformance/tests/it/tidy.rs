//! Rules of this crate, held by a look at its sources.

use std::fs;
use std::path::Path;

/// How long a source file may be before it must be cut.
const MAX_LINES: usize = 600;

/// All sources below `src`: their names, such as `server/auth.rs`, and their texts.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// The lines of code that hold one of these, but for those of some files.
fn places(words: &[&str], but: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for (name, text) in sources() {
        if but.contains(&name.as_str()) {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            let is_code = !line.trim_start().starts_with("//");
            if is_code && words.iter().any(|word| line.contains(word)) {
                places.push(format!("{name}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    places
}

#[test]
fn two_modules_know_the_mock_and_none_the_client() {
    let knowing = ["own_mock.rs", "client/mock.rs"];
    assert_eq!(places(&["batchmock::", "use batchmock;", "extern crate"], &knowing), [""; 0]);
    assert_eq!(places(&["batchmock_client"], &[]), [""; 0]);
    assert!(!places(&["batchmock::"], &[]).is_empty(), "the words are looked for");
}

#[test]
fn one_module_reads_the_clock_and_waits() {
    let words = ["Instant::now", "SystemTime::now", "tokio::time", "thread::sleep"];
    assert_eq!(places(&words, &["time.rs"]), [""; 0]);
}

#[test]
fn only_the_command_line_prints() {
    let printing = places(&["println!", "eprintln!", "print!(", "io::stdout", "io::stderr"], &["cli/mod.rs"]);
    assert_eq!(printing, [""; 0]);
}

#[test]
fn no_source_is_too_long_to_be_read() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > MAX_LINES)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(long, [""; 0]);
}
