use batchmock_conformance::Verdict;
use batchmock_conformance::report::{self, Conclusion, Report};
use proptest::prelude::*;
use roxmltree::{Document, Node};

fn children<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn number(node: Node<'_, '_>, name: &str) -> usize {
    node.attribute(name).unwrap().parse().unwrap()
}

/// Reads a report with another reader than what has written it, and holds its numbers to its tests.
fn check(report: &Report) {
    let text = report::junit(report);
    let document = Document::parse(&text).unwrap();
    let root = document.root_element();
    let tests: Vec<_> = children(root, "testsuite").flat_map(|suite| children(suite, "testcase")).collect();
    assert_eq!(tests.len(), report.cases.len());
    let with = |name: &'static str| tests.iter().filter(|test| children(**test, name).count() == 1).count();
    let (failures, errors, skipped) = (with("failure"), with("error"), with("skipped"));
    assert_eq!(number(root, "tests"), report.cases.len());
    assert_eq!((number(root, "failures"), number(root, "errors")), (failures, errors));
    assert_eq!(root.attribute("skipped"), None, "the schema of Jenkins does not have it");
    assert_eq!(children(root, "testsuite").map(|suite| number(suite, "skipped")).sum::<usize>(), skipped);
    // It is red exactly if the run is.
    assert_eq!(failures + errors > 0, report.conclusion() != Conclusion::Passed);
    let passed = report.count(Verdict::Passed);
    assert_eq!(tests.len() - failures - errors - skipped, passed, "only what passed is green");
    for (test, case) in tests.iter().zip(&report.cases) {
        assert!(test.attribute("name").unwrap().ends_with(case.id.rsplit('/').next().unwrap()));
        assert!(test.attribute("classname").is_some());
        let told: Vec<_> = test.children().filter(Node::is_element).collect();
        if case.verdict != Verdict::Passed {
            assert_eq!(told[0].attribute("type"), Some(case.verdict.to_string().as_str()));
            assert!(told[0].text().unwrap().contains("requirement:"));
        }
    }
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn another_reader_finds_what_was_written(report in super::report()) {
        check(&report);
    }
}
