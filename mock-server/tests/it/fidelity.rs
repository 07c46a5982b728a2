//! `docs/fidelity.md`, `docs/trouble.md` and the tests say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A row of the document.
struct Row {
    number: usize,
    fact: String,
    level: String,
    tests: Vec<String>,
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All rows of tables with the columns Fact, Behavior, Level, Source, Test and Switch.
fn rows() -> Vec<Row> {
    let document = read("../docs/fidelity.md");
    let rows = document.lines().enumerate().filter_map(|(at, line)| {
        let cells: Vec<_> = line.trim().strip_prefix("| ")?.split(" | ").collect();
        let [fact, _behavior, level, _source, test, _switch] = cells.as_slice() else { return None };
        let is_row = *fact != "Fact" && !fact.starts_with("---");
        is_row.then(|| Row {
            number: at + 1,
            fact: (*fact).to_owned(),
            level: (*level).to_owned(),
            tests: quoted(test),
        })
    });
    rows.collect()
}

/// Whether there is a test with this path.
fn exists(test: &str) -> bool {
    let Some((module, function)) = test.rsplit_once("::") else { return false };
    let file = module.replace("::", "/");
    let places = ["tests/it", "src"].map(|root| {
        let file = file.strip_suffix("/tests").map_or(file.clone(), |parent| format!("{parent}/tests"));
        format!("{}/{root}/{file}.rs", env!("CARGO_MANIFEST_DIR"))
    });
    let is_there = |text: String| text.contains(&format!("fn {function}("));
    places.iter().any(|place| fs::read_to_string(place).is_ok_and(is_there))
}

#[test]
fn every_row_has_a_level_and_a_living_test() {
    let rows = rows();
    assert!(rows.len() > 150, "the tables are read: {} rows", rows.len());
    for Row { number, level, tests, .. } in &rows {
        assert!(
            ["documented", "observed", "assumed"].iter().any(|known| level.starts_with(known)),
            "line {number}: `{level}` is no level"
        );
        for test in tests {
            assert!(exists(test), "line {number}: there is no test {test}");
        }
    }
}

#[test]
fn every_trouble_has_a_living_test() {
    let document = read("../docs/trouble.md");
    let tests: Vec<_> = quoted(&document).into_iter().filter(|name| name.contains("::")).collect();
    assert!(tests.len() > 20, "the table is read: {} tests", tests.len());
    for test in tests {
        let is_there = exists(&format!("trouble::{test}")) || exists(&test);
        assert!(is_there, "docs/trouble.md: there is no test {test}");
    }
}

#[test]
fn every_test_of_a_fact_has_a_row() {
    let named: BTreeSet<_> = rows().into_iter().flat_map(|row| row.tests).collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/facts");
    let mut missing = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let Some(module) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "rs") || module == "mod" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let tests = text.lines().filter_map(|line| {
            let name = line.trim_start_matches("async ").strip_prefix("fn ")?.split('(').next()?;
            name.starts_with("f_").then(|| format!("facts::{module}::{name}"))
        });
        missing.extend(tests.filter(|test| !named.contains(test)));
    }
    assert_eq!(missing, [""; 0], "tests of facts that docs/fidelity.md does not name");
}

#[test]
fn every_fact_that_the_sources_cite_has_a_row() {
    let facts: BTreeSet<_> = rows().into_iter().map(|row| row.fact).collect();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut unknown = BTreeSet::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                unknown
                    .extend(cited(&fs::read_to_string(&path).unwrap()).filter(|fact| !facts.contains(fact)));
            }
        }
    }
    assert_eq!(unknown, BTreeSet::new());
}

/// The facts that a text cites, such as F-124.
fn cited(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("F-").filter_map(|(at, _)| {
        let digits: String = text[at + 2..].chars().take_while(char::is_ascii_digit).collect();
        (digits.len() == 3).then(|| format!("F-{digits}"))
    })
}
