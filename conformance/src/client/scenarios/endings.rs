//! How batches end.

use crate::client::evidence::Staged;
use crate::client::mock::Staging;
use crate::client::scenario::{Course, Scenario, Work};

/// A scenario of the mock.
const fn named(name: &'static str) -> Staging {
    Staging { named: Some(name), toml: "", steps: true }
}

/// Items in, results out.
const fn run(items: usize) -> Work {
    Work::Run { items, finish: false, cleanup: false }
}

const NOTHING_STAGED: Staged = Staged { wait_ms: None, poll_ms: None };

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        id: "order/shuffled-output",
        title: "Every line is answered; the output is in another order than the input.",
        seen: &["googleapis/python-genai#1909", "bespokelabsai/curator#289", "edubruell/tidyllm#37"],
        staging: named("happy-shuffled"),
        staged: NOTHING_STAGED,
        work: run(8),
        judged_by: &[
            ("K1", None),
            ("K2", None),
            ("K3", None),
            ("K4", None),
            ("K5", None),
            ("K6", None),
            ("K8", None),
            ("K10", None),
        ],
        is_alone: false,
        course: Course::Once,
    },
    Scenario {
        id: "errors/reads-error-file",
        title: "Three lines fail and stand in the error file; one answer is cut for its length.",
        seen: &["ProjectTech4DevAI/kaapi-backend#723"],
        staging: named("mixed-errors"),
        staged: NOTHING_STAGED,
        work: run(10),
        judged_by: &[
            ("K1", None),
            ("K2", None),
            ("K4", None),
            ("K5", None),
            ("K6", None),
            ("K7", None),
            ("K8", None),
            ("K10", None),
        ],
        is_alone: false,
        course: Course::Once,
    },
    Scenario {
        id: "expired/partial",
        title: "The window ends with one line of ten answered; the others never ran.",
        seen: &["bespokelabsai/curator#226"],
        staging: named("expired-partial"),
        staged: NOTHING_STAGED,
        work: run(10),
        judged_by: &[
            ("K1", None),
            ("K2", None),
            ("K4", None),
            ("K5", None),
            ("K6", None),
            ("K7", None),
            ("K8", None),
            ("K10", None),
        ],
        is_alone: false,
        course: Course::Once,
    },
];
