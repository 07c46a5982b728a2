//! What all pages have: the frame around their content, marks, and the filter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::report::{Conclusion, visible};
use crate::verdict::Verdict;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A whole page.
pub(super) fn page(title: &str, suite: &str, body: &Markup) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (visible::line(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                footer { (visible::line(suite)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// By what a policy knows a style or a script.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// Boxes for verdicts and a field for words. It does nothing without the script, which shows it.
pub(super) fn filter(counts: &[(Verdict, usize)], several: bool) -> Markup {
    html! {
        form.filter role="search" hidden {
            label.unseen for="words" { "Words that a case must have" }
            input #words type="search" placeholder="Filter by any words" autocomplete="off";
            fieldset {
                legend.unseen { "Verdicts that are shown" }
                @for (verdict, count) in counts.iter().copied() {
                    label.(class(verdict)) {
                        input type="checkbox" name="verdict" value=(class(verdict)) checked;
                        (verdict) " " span.soft { (count) }
                    }
                }
                @if several {
                    label { input type="checkbox" name="differing"; "only where they differ" }
                }
            }
            output for="words" aria-live="polite" {}
        }
    }
}

/// The name of a verdict in the style.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::KnownFailing => "known-failing",
        Verdict::Stale => "stale",
        Verdict::Unsupported => "unsupported",
        Verdict::NotExercised => "not-exercised",
        Verdict::Error => "error",
    }
}

/// The name of a conclusion in the style.
pub(super) fn class_of_conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Passed => "passed",
        Conclusion::Failed => "failed",
        Conclusion::Incomplete => "incomplete",
        Conclusion::Error => "error",
    }
}

/// A sign for a verdict, beside its name.
pub(super) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "✓",
        Verdict::Failed => "✗",
        Verdict::KnownFailing => "≈",
        Verdict::Stale => "!",
        Verdict::Unsupported => "–",
        Verdict::NotExercised => "○",
        Verdict::Error => "⚡",
    }
}
