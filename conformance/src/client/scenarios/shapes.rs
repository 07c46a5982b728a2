//! Result files that are hard to read, and answers that will be one day.

use std::time::Duration;

use super::{at, named, on, run, scenario, toml};
use crate::case::Level;
use crate::client::scenario::Scenario;

/// A batch that ends well, whose files deviate.
macro_rules! shape {
    ($($more:literal),+ $(,)?) => {
        toml(concat!(
            "summary = 'Result files deviate'\n",
            "[pace]\nvalidating_for = '1s'\nin_progress_for = '2s'\nfinalizing_for = '1s'\nprogress = 2\n",
            $($more, "\n"),+
        ))
    };
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        staging: shape!("[[fault]]\noperation = 'file_content'\ndribble = { bytes = 97, every = '2ms' }"),
        judged_by: &[on("K16")],
        ..scenario("download/slow-dribble", "the output comes in small pieces, which end anywhere")
    },
    Scenario {
        staging: shape!("[[result]]\ndeviation = 'crlf'"),
        judged_by: &[on("K16")],
        ..scenario("download/crlf", "lines of the output end with CR and LF")
    },
    Scenario {
        staging: shape!("[switches]\nresult-text = 'raw'\n[[result]]\ndeviation = 'line-separators'"),
        judged_by: &[on("K16")],
        ..scenario("download/u2028", "answers hold U+2028, U+2029 and U+0085 as they are, which end no line")
    },
    Scenario {
        staging: shape!("[[result]]\nnth = 2\ndeviation = 'long'\nbytes = 10_000_000"),
        judged_by: &[on("K16")],
        deadline: Duration::from_secs(40),
        ..scenario("download/10mb-line", "a line of the output has ten megabytes")
    },
    Scenario {
        staging: shape!(
            "[[line]]\ncustom_id = '*'\nnth = 2\ntext = ''",
            "[[result]]\nnth = 3\ndeviation = 'blank-line'",
            "[[result]]\ndeviation = 'no-final-newline'",
        ),
        judged_by: &[on("K16")],
        ..scenario(
            "download/no-final-newline",
            "the output has a blank line, an empty answer, and no line end at its end",
        )
    },
    Scenario {
        work: run(8),
        staging: named("stuck-and-nasty"),
        judged_by: &[at("K2", Level::Should), at("K16", Level::Should), on("K26")],
        deadline: Duration::from_secs(40),
        ..scenario(
            "download/all-at-once",
            "hours in every state, then an output with everything that makes one hard to read",
        )
    },
    Scenario {
        staging: shape!("[[result]]\nnth = 2\ndeviation = 'duplicated'"),
        judged_by: &[at("K6", Level::Should), at("K5", Level::Should), at("K17", Level::May)],
        ..scenario("lines/duplicate", "a line of the output stands in it twice")
    },
    Scenario {
        staging: shape!("[[result]]\nnth = 2\ndeviation = 'dropped'"),
        judged_by: &[at("K6", Level::Should), at("K8", Level::Should), on("K26")],
        ..scenario("lines/missing", "a line of the output is not there, and no other tells of its request")
    },
    Scenario {
        staging: shape!("[[result]]\nnth = 2\ndeviation = 'renamed'"),
        judged_by: &[at("K6", Level::Should), at("K8", Level::Should), on("K26")],
        ..scenario("lines/unknown-custom-id", "a line of the output has a custom_id that nobody has sent")
    },
    Scenario {
        staging: shape!(
            "[[result]]\nnth = 2\ndeviation = 'cut'",
            "[[result]]\nnth = 4\ndeviation = 'not-json'"
        ),
        judged_by: &[at("K6", Level::Should), at("K8", Level::Should), on("K26")],
        ..scenario("lines/unreadable", "two lines of the output are no JSON")
    },
    Scenario {
        staging: named("future"),
        judged_by: &[on("K19"), at("K2", Level::Should)],
        ..scenario(
            "forward/unknown-status",
            "a status that nobody knows comes before `completed`, and fields that nobody knows",
        )
    },
];
