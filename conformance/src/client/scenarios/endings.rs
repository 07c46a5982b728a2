//! How batches end, and what is to be done then.

use super::{at, named, on, run, scenario};
use crate::case::Level;
use crate::client::mock::Staging;
use crate::client::scenario::{Items, Scenario, Work};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        seen: &["googleapis/python-genai#1909", "bespokelabsai/curator#289", "edubruell/tidyllm#37"],
        staging: named("happy-shuffled"),
        work: run(8),
        judged_by: &[
            on("K1"),
            on("K2"),
            on("K3"),
            on("K4"),
            on("K5"),
            on("K6"),
            on("K8"),
            on("K10"),
            on("K15"),
            on("K17"),
            on("K23"),
        ],
        ..scenario(
            "order/shuffled-output",
            "every line is answered; the output is in another order than the input",
        )
    },
    Scenario {
        staging: named("happy-shuffled"),
        work: Work::Run(Items { endpoint: "/v1/responses", ..Items::new(5) }),
        judged_by: &[
            on("K1"),
            on("K5"),
            on("K6"),
            at("K8", Level::Should),
            at("K15", Level::Should),
            on("K17"),
        ],
        ..scenario(
            "order/responses",
            "lines for the responses API, whose answers and whose usage have another shape",
        )
    },
    Scenario {
        seen: &["ProjectTech4DevAI/kaapi-backend#723"],
        staging: named("mixed-errors"),
        work: run(10),
        judged_by: &[
            on("K1"),
            on("K2"),
            on("K4"),
            on("K5"),
            on("K6"),
            on("K7"),
            on("K8"),
            on("K10"),
            on("K17"),
        ],
        ..scenario("errors/reads-error-file", "three lines fail and stand in the error file alone")
    },
    Scenario {
        seen: &["ProjectTech4DevAI/kaapi-backend#723", "openai/openai-cookbook#1564"],
        staging: named("all-failed"),
        judged_by: &[on("K1"), on("K3"), on("K4"), on("K6"), on("K7"), on("K10")],
        ..scenario("errors/all-failed-completed", "every line fails: completed, without an output file")
    },
    Scenario {
        seen: &["sgl-project/sglang#1415"],
        staging: named("mixed-errors:failures-in-output"),
        work: run(10),
        judged_by: &[on("K1"), on("K4"), on("K5"), on("K6"), on("K7"), on("K8")],
        ..scenario(
            "errors/status-in-line",
            "three lines fail and stand in the output file, with their status codes",
        )
    },
    Scenario {
        seen: &["tobert/kaibo#93"],
        staging: named("happy-shuffled:empty-error-id"),
        judged_by: &[at("K3", Level::Should), at("K6", Level::Should), at("K8", Level::Should)],
        ..scenario("ids/empty-string-file-id", "the id of the error file that there is not is an empty text")
    },
    Scenario {
        seen: &["bespokelabsai/curator#226"],
        staging: named("expired-partial"),
        work: run(10),
        judged_by: &[on("K1"), on("K2"), on("K4"), on("K5"), on("K6"), on("K7"), on("K8"), on("K10")],
        ..scenario("expired/partial", "the window ends with one line of ten answered; the others never ran")
    },
    Scenario {
        staging: named("expired-partial:nothing-done"),
        judged_by: &[on("K1"), on("K3"), on("K4"), on("K6"), on("K7")],
        ..scenario(
            "expired/nothing-done",
            "the window ends with no line answered: there is an error file only",
        )
    },
    Scenario {
        staging: named("expired-partial:no-error-file"),
        work: run(10),
        judged_by: &[on("K1"), on("K3"), on("K8"), on("K26")],
        ..scenario(
            "expired/no-error-file",
            "the window ends with one line of ten answered; nothing tells of the others",
        )
    },
    Scenario {
        seen: &["BerriAI/litellm#36048"],
        staging: named("cancel-partial"),
        work: Work::Cancel(Items::new(8)),
        judged_by: &[on("K1"), on("K2"), on("K4"), on("K5"), on("K6"), on("K7"), on("K8"), on("K10")],
        ..scenario(
            "cancelled/partial",
            "a cancelled batch is cancelling for a while, in which lines still end, and keeps what is answered",
        )
    },
    Scenario {
        staging: named("cancel-partial:foreign-cancel"),
        work: run(8),
        judged_by: &[on("K1"), on("K2"), on("K4"), on("K6"), on("K8")],
        ..scenario(
            "cancelled/by-somebody-else",
            "somebody else cancels the batch while the client waits for it",
        )
    },
    Scenario {
        seen: &["openai/openai-python#1643"],
        staging: named("rejected-at-validation"),
        judged_by: &[on("K1"), on("K3"), on("K10"), on("K14")],
        ..scenario("failed/validation", "validation refuses the input: failed, with errors that name lines")
    },
    Scenario {
        staging: named("rejected-at-validation:unknown-model"),
        judged_by: &[on("K1"), on("K14")],
        ..scenario(
            "failed/unknown-model",
            "validation does not know the model: failed, with an error for each line",
        )
    },
    Scenario {
        seen: &["bespokelabsai/curator#226"],
        staging: Staging { later: Some("happy-shuffled"), ..named("expired-partial") },
        work: Work::Run(Items { finish: true, ..Items::new(10) }),
        judged_by: &[
            on("K9"),
            at("K5", Level::Should),
            at("K6", Level::Should),
            at("K8", Level::Should),
            on("K10"),
        ],
        ..scenario(
            "resubmit/only-missing",
            "the window ends with one line of ten answered, and the task is to be finished: a second batch ends well",
        )
    },
    Scenario {
        staging: Staging { later: Some("happy-shuffled"), ..named("mixed-errors") },
        work: Work::Run(Items { finish: true, ..Items::new(10) }),
        judged_by: &[on("K9"), on("K22"), at("K8", Level::Should)],
        ..scenario(
            "resubmit/only-retryable",
            "one line fails for good and two for the moment, and the task is to be finished: a second batch ends well",
        )
    },
];
