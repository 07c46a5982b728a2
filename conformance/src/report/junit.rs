//! JUnit XML, which CI systems read: a suite for each group of cases, a test for each case.
//!
//! It is red exactly if the run is: what fails and does not count, or is known, is skipped, with the reason.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Tests, TestCase, TestCaseStatus, TestSuite};

use crate::report::{Conclusion, Judged, Report, text, visible};
use crate::verdict::Verdict;

/// As JUnit XML.
#[expect(clippy::missing_panics_doc, reason = "it does not panic, as is said where it could")]
pub fn junit(report: &Report) -> String {
    let mut tests = Tests::new(visible::line(&report.target));
    let mut took = Duration::ZERO;
    for cases in report.groups() {
        let suite = suite(report, cases);
        took += suite.time.unwrap_or_default();
        tests.add_test_suite(suite);
    }
    tests.set_time(took);
    let text = tests.to_string().expect("only what is no UTF-8 cannot be written, and all of this is text");
    // Jenkins' schema has this number of each suite, and not of all: the first is theirs.
    text.replacen(&format!(" skipped=\"{}\"", tests.skipped), "", 1)
}

fn suite(report: &Report, cases: &[Judged]) -> TestSuite {
    let mut suite = TestSuite::new(visible::line(cases[0].group()));
    suite.add_property(("suite", visible::line(&report.suite).as_str()));
    suite.add_property(("target", visible::line(&report.target).as_str()));
    if let Some(base_url) = &report.base_url {
        suite.add_property(("base-url", visible::line(base_url).as_str()));
    }
    suite.add_property(("level", report.level.to_string().as_str()));
    suite.set_time(cases.iter().map(took).sum());
    suite.add_test_cases(cases.iter().map(|case| test(report, case)));
    suite
}

fn test(report: &Report, case: &Judged) -> TestCase {
    let mut status = match report.effect(case) {
        Conclusion::Passed if case.verdict == Verdict::Passed => TestCaseStatus::success(),
        Conclusion::Passed => TestCaseStatus::skipped(),
        Conclusion::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Conclusion::Incomplete | Conclusion::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if case.verdict != Verdict::Passed {
        status.set_type(case.verdict.to_string());
        status.set_message(visible::glance(&report.why(case)));
        status.set_description(text::judged(case));
    }
    let mut test = TestCase::new(visible::line(&case.id), status);
    test.set_classname(visible::line(&format!("{}.{}", report.target, case.group())));
    test.set_time(took(case));
    if !case.left_behind.is_empty() {
        test.set_system_out(visible::block(&format!("left behind: {}", case.left_behind.join(", "))));
    }
    test
}

fn took(case: &Judged) -> Duration {
    Duration::from_millis(case.milliseconds)
}
