use batchmock_conformance::report::{self, Diff, Matrix, Report};
use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// What is there but for the texts: headings, tables with their cells, blocks of code, raw HTML.
fn shape(text: &str) -> Vec<String> {
    let mut shape: Vec<String> = Vec::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(_) => {}
            // Its fence is as long as it must be.
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                shape.push(format!("code {language}"));
            }
            Event::Html(html) | Event::InlineHtml(html) => shape.push(tags(&html)),
            other @ (Event::Start(_)
            | Event::End(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_)) => shape.push(format!("{other:?}")),
        }
    }
    // In which order texts and the lines that only they break come says nothing.
    shape.retain(|event| !event.is_empty());
    shape
}

/// The tags of a piece of HTML, without what is between them.
fn tags(html: &str) -> String {
    let tags: Vec<_> = html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default()).collect();
    tags.join(" ")
}

/// Code between backticks is shown as such, where the text is one of ours: not a thing that the shape holds.
fn without_code(mut report: Report) -> Report {
    let strip = |text: &mut String| *text = text.replace('`', "'");
    report.summary.iter_mut().for_each(strip);
    for case in &mut report.cases {
        strip(&mut case.title);
        strip(&mut case.requirement);
        case.evidence.iter_mut().for_each(|source| strip(&mut source.source));
    }
    report
}

/// What is blank makes no paragraph.
fn without_blanks(mut report: Report) -> Report {
    let fill = |text: &mut String| *text = format!("x{}", text.trim());
    fill(&mut report.target);
    report.summary.iter_mut().for_each(fill);
    for case in &mut report.cases {
        [&mut case.title, &mut case.requirement, &mut case.reason].into_iter().for_each(fill);
        case.evidence.iter_mut().for_each(|source| fill(&mut source.source));
        case.left_behind.iter_mut().for_each(fill);
        if let Some(mismatch) = &mut case.mismatch {
            fill(&mut mismatch.what);
        }
        // Whether a command can be told depends on the body.
        for exchange in &mut case.exchanges {
            exchange.request_body = exchange.request_body.replace(char::REPLACEMENT_CHARACTER, "");
        }
    }
    report
}

proptest! {
    #![proptest_config(super::cases())]

    #[test]
    fn what_a_server_says_changes_no_markup(report in super::report()) {
        let report = without_blanks(without_code(report));
        let harmless = super::harmless(&report);
        let (told, expected) = (report::markdown(&report), report::markdown(&harmless));
        prop_assert_eq!(shape(&told), shape(&expected), "{}", told);
        let side_by_side = |report: &Report| Matrix::of(&[report.clone(), report.clone()]).unwrap().markdown(true);
        prop_assert_eq!(shape(&side_by_side(&report)), shape(&side_by_side(&harmless)));
        let changed = |report: &Report| {
            let nothing = Report { cases: Vec::new(), ..report.clone() };
            Diff::of(&nothing, report).unwrap().markdown()
        };
        prop_assert_eq!(shape(&changed(&report)), shape(&changed(&harmless)));
    }
}
