//! Each form of report, read by somebody else's reader: whatever a server says, it says what was there and does nothing.

mod html;
mod junit;
mod markdown;
mod tap;

use batchmock_conformance::Verdict;
use batchmock_conformance::case::{Kind, Level};
use batchmock_conformance::exchange::{Exchange, REDACTED};
use batchmock_conformance::expect::Mismatch;
use batchmock_conformance::report::{self, Judged, Report, Source, SubjectKind};
use proptest::prelude::*;

/// Texts that would be markup, ends of markup, or orders to a terminal, if anybody let them.
const TRICKS: &[&str] = &[
    "</script><script>alert(1)</script>",
    "</style>",
    "</details></summary></pre></code></textarea></title>",
    "<!--",
    "-->",
    "]]>",
    "<![CDATA[",
    "&amp;",
    "&#60;",
    "\" onload=\"alert(1)",
    "' x='",
    "```",
    "````text\n```",
    "`",
    "``` ` ``",
    "|",
    "\\|",
    "\\",
    "\n| a | b |\n| - | - |\n",
    "\n\n# heading\n\n",
    "\n---\n",
    "\n===\n",
    "- item",
    "1. item",
    "> quote",
    "    code",
    "*bold* _em_ ~~gone~~",
    "[a](javascript:alert(1)) ![b](http://127.0.0.1/c)",
    "<http://127.0.0.1/>",
    "http://127.0.0.1/ www.example.com a@example.com",
    "\nok 99 - more\n",
    "\nBail out!\n",
    "# TODO # SKIP",
    "\n  ...\n",
    "\n  ---\n",
    ": ",
    "{}[],&*!|>'\"%@",
    "\u{0}",
    "\u{8}\u{b}\u{c}\u{1b}[2J\u{7f}",
    "\u{85}\u{9b}31m",
    "\u{202e}\u{2066}",
    "\u{2028}\u{2029}",
    "\u{feff}",
    "\u{fffe}\u{ffff}\u{1ffff}",
    "\r",
    "\r\n",
    "\t",
    "日本語 🙂",
];

/// Any text, with tricks in it more often than not.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(TRICKS).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[ -~]{0,12}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn verdict() -> impl Strategy<Value = Verdict> {
    proptest::sample::select(&Verdict::ALL[..])
}

fn level() -> impl Strategy<Value = Level> {
    proptest::sample::select(&[Level::Must, Level::Should, Level::May][..])
}

fn exchange() -> impl Strategy<Value = Exchange> {
    (text(), text(), text(), text(), text(), proptest::option::of(100..600_u16)).prop_map(
        |(path, request_body, name, value, body, status)| Exchange {
            method: "POST".to_owned(),
            path,
            request_headers: vec![
                ("authorization".to_owned(), REDACTED.to_owned()),
                (name.clone(), value.clone()),
            ],
            request_body,
            status,
            headers: vec![(name, value)],
            body,
        },
    )
}

/// A case whose every text is hostile. Its id says its number, so that no two are the same.
fn judged(number: usize) -> impl Strategy<Value = Judged> {
    let mismatch =
        (text(), proptest::collection::vec(text(), 1..3), text(), proptest::option::of(0..3_usize))
            .prop_map(|(what, expected, actual, exchange)| Mismatch { what, expected, actual, exchange });
    let texts = proptest::array::uniform5(text());
    let rest =
        (verdict(), level(), proptest::option::of(mismatch), proptest::collection::vec(exchange(), 0..3));
    (texts, rest, 0..100_000_u64).prop_map(
        move |(
            [id, title, requirement, source, reason],
            (verdict, level, mismatch, exchanges),
            milliseconds,
        )| Judged {
            id: format!("{id}/{number}"),
            title,
            level,
            requirement,
            evidence: vec![
                Source { fact: Some("F-001".to_owned()), kind: Kind::Observed, source },
                Source { fact: None, kind: Kind::Documented, source: reason.clone() },
            ],
            verdict,
            left_behind: vec![reason.clone()],
            reason,
            mismatch,
            milliseconds,
            exchanges,
        },
    )
}

fn report() -> impl Strategy<Value = Report> {
    let cases = (0..4_usize).prop_flat_map(|n| (0..n).map(judged).collect::<Vec<_>>());
    let kind = proptest::sample::select(&[SubjectKind::Server, SubjectKind::Client][..]);
    (cases, kind, level(), text(), proptest::option::of(text()), proptest::collection::vec(text(), 0..3))
        .prop_map(|(cases, kind, level, target, base_url, summary)| Report {
            suite: Report::suite(),
            kind,
            target,
            base_url,
            level,
            cases_in_suite: cases.len(),
            summary,
            cases,
        })
}

/// The same report with a harmless word in the place of each text: what it looks like must not depend on what is said.
fn harmless(report: &Report) -> Report {
    let word = |text: &mut String| *text = if text.is_empty() { String::new() } else { "word".to_owned() };
    let mut report = report.clone();
    let mut groups: Vec<String> = Vec::new();
    // Whether a name is the address stays, too.
    let is_named_so = report.base_url.as_ref() == Some(&report.target);
    word(&mut report.target);
    report.base_url =
        report.base_url.map(|_| if is_named_so { report.target.clone() } else { "elsewhere".to_owned() });
    report.summary.iter_mut().for_each(word);
    for case in &mut report.cases {
        // Which cases are of one group stays.
        let group = case.group().to_owned();
        let number = groups.iter().position(|known| *known == group).unwrap_or_else(|| {
            groups.push(group);
            groups.len() - 1
        });
        case.id = format!("group{number}/{}", case.id.rsplit('/').next().unwrap_or_default());
        [&mut case.title, &mut case.requirement, &mut case.reason].into_iter().for_each(word);
        case.left_behind
            .iter_mut()
            .chain(case.evidence.iter_mut().map(|source| &mut source.source))
            .for_each(word);
        if let Some(mismatch) = &mut case.mismatch {
            word(&mut mismatch.what);
            word(&mut mismatch.actual);
            mismatch.expected.iter_mut().for_each(word);
        }
        for exchange in &mut case.exchanges {
            let Exchange { path, request_body, body, headers, request_headers, .. } = exchange;
            [path, request_body, body].into_iter().for_each(word);
            for (name, value) in headers.iter_mut().chain(request_headers.iter_mut().skip(1)) {
                word(name);
                word(value);
            }
        }
    }
    report
}

/// As many as take a moment; thousands found nothing more.
fn cases() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn json_is_read_again(report in report()) {
        prop_assert_eq!(report::read(&report::json(&report)).unwrap(), Report { base_url: report.base_url.clone().filter(|url| !url.is_empty()), ..report });
    }

    #[test]
    fn text_gives_no_orders_to_a_terminal(report in report()) {
        let text = report::text(&report);
        prop_assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
    }
}

#[test]
fn the_documented_report_is_one() {
    let document = include_str!("../../../../docs/conformance.md");
    let example = document.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let report = report::read(example).unwrap();
    let [documented, written]: [serde_json::Value; 2] =
        [example, &report::json(&report)].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!(documented, written);
    let members = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&documented), members(&written), "in this order");
}
