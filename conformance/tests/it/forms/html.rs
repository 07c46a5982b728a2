use batchmock_conformance::report::{self, Matrix, Report};
use proptest::prelude::*;
use scraper::{Html, Node, Selector};

/// All elements and their attributes, but for those whose values are texts.
fn shape(page: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    assert_eq!(page.errors.len(), 0, "{:?}", page.errors);
    page.tree
        .nodes()
        .filter_map(|node| match node.value() {
            Node::Element(element) => {
                let texts = ["id", "href", "aria-label"];
                let attributes: Vec<_> = element
                    .attrs()
                    .map(
                        |(name, value)| {
                            if texts.contains(&name) { name.to_owned() } else { format!("{name}={value}") }
                        },
                    )
                    .collect();
                Some(format!("{} {}", element.name(), attributes.join(" ")))
            }
            Node::Comment(_) | Node::ProcessingInstruction(_) => Some("what is not for a page".to_owned()),
            Node::Text(_) | Node::Document | Node::Fragment | Node::Doctype(_) => None,
        })
        .collect()
}

/// Code between backticks is shown as such, where the text is one of ours: not a thing that the shape holds.
fn without_code(mut report: Report) -> Report {
    let strip = |text: &mut String| *text = text.replace('`', "'");
    report.summary.iter_mut().for_each(strip);
    for case in &mut report.cases {
        strip(&mut case.title);
        strip(&mut case.requirement);
        case.evidence.iter_mut().for_each(|source| strip(&mut source.source));
        // Whether a command can be told depends on the body.
        for exchange in &mut case.exchanges {
            exchange.request_body = exchange.request_body.replace(char::REPLACEMENT_CHARACTER, "");
        }
    }
    report
}

fn it_holds_together(page: &str) {
    let page = Html::parse_document(page);
    let style: String =
        page.select(&Selector::parse("style").unwrap()).flat_map(|style| style.text()).collect();
    let all = |selector: &str, attribute: &'static str| -> Vec<String> {
        let selector = Selector::parse(selector).unwrap();
        page.select(&selector).filter_map(|element| element.attr(attribute)).map(str::to_owned).collect()
    };
    for class in all("[class]", "class").iter().flat_map(|classes| classes.split_whitespace()) {
        assert!(style.contains(&format!(".{class}")), "the style knows no `{class}`");
    }
    let ids = all("[id]", "id");
    for link in all("a", "href") {
        assert!(link.strip_prefix('#').is_some_and(|id| ids.iter().any(|known| known == id)), "{link}");
    }
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "an id is there twice: {ids:?}");
    assert_eq!(all("[src], link, img, iframe", "src"), [""; 0], "nothing is asked for elsewhere");
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn what_a_server_says_changes_no_markup(report in super::report()) {
        let report = without_code(report);
        let page = report::html(&report);
        it_holds_together(&page);
        prop_assert_eq!(shape(&page), shape(&report::html(&super::harmless(&report))));
        let side_by_side = |report: &Report| {
            let reports = [report.clone(), report.clone()];
            Matrix::of(&reports).unwrap().html()
        };
        let page = side_by_side(&report);
        it_holds_together(&page);
        prop_assert_eq!(shape(&page), shape(&side_by_side(&super::harmless(&report))));
    }
}
