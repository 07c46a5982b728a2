//! What careful clients do beside their results: what they send, what they survive, and what they leave behind.

use std::time::Duration;

use super::{NOTHING_STAGED, at, on, run, scenario, toml};
use crate::case::Level;
use crate::client::evidence::Staged;
use crate::client::scenario::{Course, Items, Scenario, Work};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        work: Work::Run(Items { are_odd: true, ..Items::new(8) }),
        judged_by: &[on("K15"), on("K5"), on("K6"), on("K8")],
        ..scenario(
            "input/as-given",
            "prompts hold line separators, quotes, emoji, and what else careless code spoils",
        )
    },
    Scenario {
        work: run(50_001),
        judged_by: &[on("K27")],
        deadline: Duration::from_mins(2),
        ..scenario("input/limits", "there is one request more than a batch may have")
    },
    Scenario {
        work: Work::Collect(8, "in_progress"),
        judged_by: &[
            at("K1", Level::Should),
            at("K5", Level::Should),
            at("K6", Level::Should),
            at("K8", Level::Should),
            on("K13"),
        ],
        ..scenario(
            "collect/after-crash",
            "a batch is in progress that an earlier run has made; its id is all that is left",
        )
    },
    Scenario {
        course: Course::Restarted,
        judged_by: &[on("K13"), at("K10", Level::Should)],
        ..scenario("restart/killed-while-waiting", "the client is killed while it waits, and started again")
    },
    Scenario {
        staging: toml(
            "summary = 'Downloads are elsewhere'\n\
             [pace]\nvalidating_for = '1s'\nin_progress_for = '2s'\nfinalizing_for = '1s'\nprogress = 2\n\
             [[fault]]\noperation = 'file_content'\nstatus = 307\nbody = ''\nheaders = { location = '{elsewhere}' }",
        ),
        staged: Staged { redirects: true, ..NOTHING_STAGED },
        judged_by: &[on("K23")],
        ..scenario("secrets/redirect", "downloads are redirected to another host")
    },
    Scenario {
        work: Work::Webhooks,
        judged_by: &[on("K24")],
        ..scenario(
            "webhook/verify",
            "webhooks come that are right, repeated, late, and forged in several ways",
        )
    },
    Scenario {
        work: Work::Run(Items { cleanup: true, ..Items::new(5) }),
        judged_by: &[on("K18"), on("K25"), at("K8", Level::Should)],
        ..scenario("cleanup/files", "the task asks to delete all files in the end")
    },
    Scenario {
        work: Work::Files,
        judged_by: &[on("K32")],
        deadline: Duration::from_secs(30),
        ..scenario(
            "files/roundtrip",
            "files are sent there and back: with CRLF, without a last line end, with odd names",
        )
    },
];
