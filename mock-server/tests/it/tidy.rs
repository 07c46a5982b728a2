//! Rules of the repository, held by a look at its sources.

use std::fs;
use std::path::{Path, PathBuf};

/// How long a source file may be before it must be cut. Lists of test cases may be as long as they need be.
const MAX_LINES: usize = 600;

struct Source {
    /// Below the package, with `/` between: `src/sim/plan.rs`.
    name: String,
    text: String,
}

impl Source {
    /// The lines that are no comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The module a file is in, such as `sim`.
    fn is_in(&self, modules: &[&str]) -> bool {
        modules.iter().any(|module| self.name.starts_with(&format!("src/{module}/")))
    }
}

fn package() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn workspace() -> PathBuf {
    package().parent().expect("the package is in a workspace").to_owned()
}

/// All Rust sources of a package, below `src`.
fn sources(package: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut directories = vec![package.join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of sources can be read") {
            let path = entry.expect("a directory of sources can be read").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(package).expect("it was found there");
                found.push(Source {
                    name: name.to_string_lossy().replace('\\', "/"),
                    text: fs::read_to_string(&path).expect("sources are text"),
                });
            }
        }
    }
    assert!(found.len() > 5, "there are sources below {}", package.display());
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// All sources of all packages that are there.
fn all_sources() -> Vec<Source> {
    ["client", "mock-server"].into_iter().flat_map(|package| sources(&workspace().join(package))).collect()
}

/// The places where code holds one of the words, each a line `file:line: word`.
fn places(sources: &[Source], words: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for source in sources {
        for (number, line) in source.code() {
            for word in words.iter().filter(|word| holds(line, word)) {
                places.push(format!("{}:{number}: {word}", source.name));
            }
        }
    }
    places
}

/// Whether a line has a word, and not only as a part of a longer one.
fn holds(line: &str, word: &str) -> bool {
    let is_part = |neighbor: Option<char>| neighbor.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next())
    })
}

#[test]
fn the_simulation_knows_nothing_of_the_world() {
    let sim: Vec<_> = sources(&package()).into_iter().filter(|source| source.is_in(&["sim"])).collect();
    let forbidden = [
        "axum",
        "tokio",
        "serde_json",
        "crate::http",
        "crate::world",
        "crate::control",
        "std::fs",
        "SystemTime",
        "Instant",
    ];
    assert_eq!(places(&sim, &forbidden), [""; 0]);
}

#[test]
fn what_answers_knows_nothing_of_http() {
    let inner = [
        "world",
        "webhook",
        "store",
        "input",
        "answers",
        "fault",
        "responder",
        "scenario",
        "deviations",
        "arguments",
    ];
    let inner: Vec<_> = sources(&package()).into_iter().filter(|source| source.is_in(&inner)).collect();
    assert_eq!(places(&inner, &["crate::http", "crate::control", "crate::server", "axum"]), [""; 0]);
}

#[test]
fn one_place_reads_the_clock_of_the_system() {
    let others: Vec<_> = all_sources().into_iter().filter(|source| source.name != "src/clock.rs").collect();
    assert_eq!(places(&others, &["SystemTime", "Instant::now"]), [""; 0]);
}

#[test]
fn no_source_is_too_long_to_be_read() {
    let long: Vec<_> = all_sources()
        .iter()
        .filter(|source| !source.name.ends_with("/tests.rs"))
        .map(|source| (source.name.clone(), source.text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .collect();
    assert_eq!(long, []);
}

#[test]
fn lints_are_expected_not_allowed() {
    let all = all_sources();
    let of_allow: Vec<_> = all
        .iter()
        .flat_map(|source| source.code().map(move |(number, line)| (source, number, line)))
        .filter(|(_, _, line)| line.contains("#[allow(") || line.contains("#![allow("))
        .map(|(source, number, _)| format!("{}:{number}", source.name))
        .collect();
    assert_eq!(
        of_allow, [""; 0],
        "write #[expect(.., reason = \"..\")]: it tells when it is not needed any more"
    );
}

#[test]
fn facts_are_cited_by_three_digits() {
    let mut wrong = Vec::new();
    for source in all_sources() {
        for (at, line) in source.text.lines().enumerate() {
            for (found, _) in line.match_indices("F-") {
                let before = line[..found].chars().next_back();
                let rest = &line[found + 2..];
                let digits = rest.chars().take_while(char::is_ascii_digit).count();
                // Part of another word, such as UTF-8.
                if before.is_some_and(char::is_alphanumeric) || digits == 0 {
                    continue;
                }
                if digits != 3 {
                    wrong.push(format!("{}:{}: {line}", source.name, at + 1));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn the_changelog_has_an_entry_for_this_version() {
    let changelog = fs::read_to_string(workspace().join("CHANGELOG.md")).expect("there is a changelog");
    let version = env!("CARGO_PKG_VERSION");
    let is_entry = |line: &str| {
        let heading = line.strip_prefix("## ").unwrap_or_default().trim_start_matches('[');
        heading
            .strip_prefix(version)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '.'))
    };
    assert!(changelog.lines().any(is_entry), "no heading `## {version}`");
}
