use batchmock_conformance::Verdict;
use batchmock_conformance::report::{self, Conclusion, Report};
use proptest::prelude::*;
use saphyr::{LoadableYamlNode as _, Yaml};

/// A test point, as TAP 14 has it.
#[derive(Debug)]
struct Point {
    is_ok: bool,
    number: usize,
    description: String,
    directive: Option<(String, String)>,
    diagnostics: Option<String>,
}

/// Reads TAP 14 line by line, and takes nothing that is not in its grammar.
fn parse(text: &str) -> Vec<Point> {
    let mut lines = text.lines().peekable();
    assert_eq!(lines.next(), Some("TAP version 14"));
    let mut plan = None;
    let mut points = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix("1..") {
            assert!(plan.is_none() && points.is_empty(), "one plan, and before the tests");
            let (number, reason) = rest.split_once(" # ").unwrap_or((rest, ""));
            plan = Some(number.parse::<usize>().unwrap());
            assert_eq!(plan == Some(0), reason.starts_with("SKIP "));
            continue;
        }
        let (is_ok, rest) = match line.strip_prefix("not ok ") {
            Some(rest) => (false, rest),
            None => (true, line.strip_prefix("ok ").unwrap_or_else(|| panic!("no line of TAP: {line:?}"))),
        };
        let (number, rest) = rest.split_once(" - ").unwrap();
        let (description, directive) = split_directive(rest);
        let mut diagnostics = None;
        if lines.next_if_eq(&"  ---").is_some() {
            let mut yaml = String::new();
            loop {
                match lines.next().unwrap() {
                    "  ..." => break,
                    line => yaml.extend([line.strip_prefix("  ").unwrap(), "\n"]),
                }
            }
            diagnostics = Some(yaml);
        }
        points.push(Point { is_ok, number: number.parse().unwrap(), description, directive, diagnostics });
    }
    assert_eq!(plan, Some(points.len()));
    points
}

/// At the first `#` after a space that no backslash takes away.
fn split_directive(text: &str) -> (String, Option<(String, String)>) {
    let mut description = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => description.extend(chars.next().map(|(_, c)| c)),
            '#' => {
                let (word, reason) = text[at + 1..].trim_start().split_once(' ').unwrap();
                return (description.trim_end().to_owned(), Some((word.to_owned(), reason.to_owned())));
            }
            c => description.push(c),
        }
    }
    (description, None)
}

fn check(report: &Report) {
    let text = report::tap(report);
    let points = parse(&text);
    for (at, (point, case)) in points.iter().zip(&report.cases).enumerate() {
        assert_eq!(point.number, at + 1);
        let last = case.id.rsplit('/').next().unwrap();
        assert!(point.description.ends_with(last), "{point:?}");
        assert!(matches!(
            point.directive.as_ref().map(|(word, _)| word.as_str()),
            None | Some("TODO" | "SKIP")
        ));
        assert_eq!(point.diagnostics.is_some(), case.verdict != Verdict::Passed);
        if let Some(yaml) = &point.diagnostics {
            let read = Yaml::load_from_str(yaml).unwrap();
            assert_eq!(read[0]["verdict"].as_str(), Some(case.verdict.to_string().as_str()));
            assert!(read[0]["requirement"].as_str().is_some());
            let expected = read[0].as_mapping_get("expected").and_then(|list| list.as_vec());
            assert_eq!(expected.map(Vec::len), case.mismatch.as_ref().map(|it| it.expected.len()));
        }
    }
    // A harness counts what is not ok and is no TODO.
    let fails = points
        .iter()
        .any(|point| !point.is_ok && point.directive.as_ref().is_none_or(|(word, _)| word != "TODO"));
    assert_eq!(fails, report.conclusion() != Conclusion::Passed, "{text}");
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn a_strict_parser_finds_what_was_written(report in super::report()) {
        check(&report);
    }
}
