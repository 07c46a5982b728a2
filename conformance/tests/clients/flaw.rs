//! Ways in which clients are wrong: each has lost somebody money, or data.

use std::time::Duration;

/// A way in which a client is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    JoinsByPosition,
    NeverReadsTheErrorFile,
    StopsAtCancelling,
    WaitsForCompletedAlone,
    DropsPartialResults,
    TakesAnyLineForSuccess,
    AsksForFileNone,
    CreatesAgainUnseen,
    RetriesEarly,
    RetriesOnAndOn,
    RetriesNothing,
    ResubmitsWhatIsPaid,
    ShrugsAtALostAnswer,
    HidesTrouble,
    SplitsAtU2028,
    SwallowsErrors,
    CountsUsageTwice,
    LooksOnAndOn,
    SendsOneIdTwice,
    DeletesInputEarly,
    TakesUnknownStatusForTheEnd,
    ForgetsItsBatch,
    BelievesEveryWebhook,
    NeverGivesUp,
    SendsTooMuch,
    RetriesRefusals,
    LeavesFiles,
    LooksTooOften,
    TakesHalfAFile,
    InventsWhatIsMissing,
    ChangesLineEnds,
    TrimsPrompts,
    PutsItsKeyIntoUrls,
}

/// A client that is wrong in one way, and what finds that out.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) flaw: Flaw,
    /// What it is called on the command line and in reports.
    pub(crate) name: &'static str,
    /// The checks that fail, and no others do.
    pub(crate) caught_by: &'static [&'static str],
    /// How long it has for a scenario, where it would wait for as long as it may.
    pub(crate) deadline: Option<Duration>,
}

const fn broken(flaw: Flaw, name: &'static str, caught_by: &'static [&'static str]) -> Broken {
    Broken { flaw, name, caught_by, deadline: None }
}

pub(crate) const BROKEN: &[Broken] = &[
    broken(Flaw::JoinsByPosition, "joins-by-position", &["K5"]),
    broken(Flaw::NeverReadsTheErrorFile, "never-reads-the-error-file", &["K4"]),
    broken(Flaw::StopsAtCancelling, "stops-at-cancelling", &["K2"]),
    Broken {
        deadline: Some(Duration::from_secs(4)),
        ..broken(
            Flaw::WaitsForCompletedAlone,
            "waits-for-completed-alone",
            &["K1", "K4", "K6", "K8", "K9", "K14", "K26"],
        )
    },
    broken(Flaw::DropsPartialResults, "drops-partial-results", &["K4", "K8", "K9"]),
    broken(Flaw::TakesAnyLineForSuccess, "takes-any-line-for-success", &["K7"]),
    broken(Flaw::AsksForFileNone, "asks-for-file-none", &["K3"]),
    broken(Flaw::CreatesAgainUnseen, "creates-again-unseen", &["K10"]),
    broken(Flaw::RetriesEarly, "retries-early", &["K11"]),
    broken(Flaw::RetriesOnAndOn, "retries-on-and-on", &["K30"]),
    broken(Flaw::RetriesNothing, "retries-nothing", &["K12"]),
    broken(Flaw::ResubmitsWhatIsPaid, "resubmits-what-is-paid", &["K9"]),
    broken(Flaw::HidesTrouble, "hides-trouble", &["K21"]),
    broken(Flaw::ShrugsAtALostAnswer, "shrugs-at-a-lost-answer", &["K31"]),
    broken(Flaw::SplitsAtU2028, "splits-at-u2028", &["K16"]),
    broken(Flaw::SwallowsErrors, "swallows-errors", &["K14"]),
    broken(Flaw::CountsUsageTwice, "counts-usage-twice", &["K17"]),
    broken(Flaw::LooksOnAndOn, "looks-on-and-on", &["K1"]),
    broken(Flaw::SendsOneIdTwice, "sends-one-id-twice", &["K15"]),
    broken(Flaw::DeletesInputEarly, "deletes-input-early", &["K18"]),
    broken(Flaw::TakesUnknownStatusForTheEnd, "takes-unknown-status-for-the-end", &["K2", "K19"]),
    broken(Flaw::ForgetsItsBatch, "forgets-its-batch", &["K10", "K13"]),
    broken(Flaw::BelievesEveryWebhook, "believes-every-webhook", &["K24"]),
    broken(Flaw::NeverGivesUp, "never-gives-up", &["K29"]),
    broken(Flaw::SendsTooMuch, "sends-too-much", &["K27"]),
    broken(Flaw::RetriesRefusals, "retries-refusals", &["K22"]),
    broken(Flaw::LeavesFiles, "leaves-files", &["K25"]),
    broken(Flaw::LooksTooOften, "looks-too-often", &["K20"]),
    broken(Flaw::TakesHalfAFile, "takes-half-a-file", &["K12", "K28"]),
    broken(Flaw::InventsWhatIsMissing, "invents-what-is-missing", &["K26"]),
    broken(Flaw::ChangesLineEnds, "changes-line-ends", &["K32"]),
    broken(Flaw::TrimsPrompts, "trims-prompts", &["K15"]),
    broken(Flaw::PutsItsKeyIntoUrls, "puts-its-key-into-urls", &["K23"]),
];

/// The client of this name.
pub(crate) fn find(name: &str) -> Option<&'static Broken> {
    BROKEN.iter().find(|broken| broken.name == name)
}
