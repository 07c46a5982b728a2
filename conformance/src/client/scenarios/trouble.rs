//! Requests that go wrong on their way.

use std::time::Duration;

use super::{NOTHING_STAGED, at, on, run, scenario, toml};
use crate::case::Level;
use crate::client::evidence::Staged;
use crate::client::mock::{Clock, Staging};
use crate::client::scenario::{Course, Hint, Scenario};

/// Clients are told to wait so long.
const fn wait(millis: u64) -> Staged {
    Staged { wait_ms: Some(millis), ..NOTHING_STAGED }
}

/// How batches live where requests are the trouble.
macro_rules! trouble {
    ($($fault:literal),+ $(,)?) => {
        toml(concat!(
            "summary = 'Requests go wrong'\n",
            "[pace]\nvalidating_for = '1s'\nin_progress_for = '2s'\nfinalizing_for = '1s'\nprogress = 2\n",
            $("[[fault]]\n", $fault, "\n"),+
        ))
    };
}

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        staging: trouble!(
            "operation = 'upload_file'\nfirst = 2\nerror = 'rate_limit_requests'\nretry_after_ms = 300"
        ),
        staged: wait(300),
        judged_by: &[on("K11"), on("K12"), on("K10")],
        ..scenario("retry/429-on-upload", "the upload is refused twice with a 429 that says how long to wait")
    },
    Scenario {
        staging: trouble!(
            "operation = 'create_batch'\nfirst = 2\nerror = 'rate_limit_requests'\nretry_after_ms = 300"
        ),
        staged: wait(300),
        judged_by: &[on("K11"), on("K12"), on("K10")],
        ..scenario(
            "retry/429-on-create",
            "the creation is refused twice with a 429 that says how long to wait",
        )
    },
    Scenario {
        staging: trouble!(
            "operation = 'retrieve_batch'\nfirst = 2\nerror = 'rate_limit_requests'\nretry_after_ms = 300"
        ),
        staged: wait(300),
        judged_by: &[on("K11"), on("K12"), on("K10")],
        ..scenario("retry/429-on-poll", "looks are refused twice with a 429 that says how long to wait")
    },
    Scenario {
        staging: trouble!(
            "operation = 'file_content'\nfirst = 2\nerror = 'rate_limit_requests'\nretry_after_ms = 300"
        ),
        staged: wait(300),
        judged_by: &[on("K11"), on("K12")],
        ..scenario(
            "retry/429-on-download",
            "the download is refused twice with a 429 that says how long to wait",
        )
    },
    Scenario {
        staging: trouble!("operation = 'create_batch'\nfirst = 1\nerror = 'overloaded'\nretry_after = 2"),
        staged: wait(2000),
        judged_by: &[on("K11"), on("K12")],
        is_alone: true,
        ..scenario("retry/after-seconds", "the creation is refused with a 503 and `retry-after: 2`")
    },
    Scenario {
        // A date has whole seconds, so of three as many as one can be gone when it is read.
        staging: trouble!(
            "operation = 'create_batch'\nfirst = 1\nerror = 'overloaded'\nretry_after_date = '3s'"
        ),
        staged: wait(2000),
        judged_by: &[at("K11", Level::Should), at("K12", Level::Should)],
        is_alone: true,
        ..scenario("retry/after-date", "the creation is refused with a 503 and `retry-after` as a date")
    },
    Scenario {
        staging: trouble!("operation = 'create_batch'\nfirst = 2\nerror = 'overloaded'"),
        staged: wait(100),
        judged_by: &[at("K11", Level::Should), at("K12", Level::Should)],
        ..scenario(
            "retry/after-absent",
            "the creation is refused twice with a 503 that does not say how long to wait",
        )
    },
    Scenario {
        staging: trouble!(
            "operation = 'create_batch'\nfirst = 2\nerror = 'overloaded'\nretry_after_text = 'soon'"
        ),
        staged: wait(100),
        judged_by: &[at("K11", Level::Should), at("K12", Level::Should)],
        ..scenario("retry/after-garbage", "the creation is refused twice with a 503 and `retry-after: soon`")
    },
    Scenario {
        staging: trouble!("operation = 'create_batch'\nstatus = 400"),
        judged_by: &[on("K22"), on("K21")],
        ..scenario("retry/not-on-400", "the creation is refused with a 400, each time")
    },
    Scenario {
        staging: trouble!("operation = 'upload_file'\nstatus = 401"),
        judged_by: &[on("K22"), on("K21")],
        ..scenario("retry/not-on-401", "the upload is refused with a 401, each time")
    },
    Scenario {
        staging: trouble!("operation = 'create_batch'\nerror = 'insufficient_quota'"),
        judged_by: &[on("K22"), on("K21")],
        ..scenario(
            "retry/not-on-insufficient-quota",
            "the creation is refused with a 429 that means an empty account",
        )
    },
    Scenario {
        staging: trouble!("operation = 'create_batch'\nerror = 'overloaded'\nretry_after_ms = 20"),
        judged_by: &[on("K21"), on("K30")],
        deadline: Duration::from_secs(40),
        ..scenario("retry/bounded", "the creation is refused with a 503 for ever")
    },
    Scenario {
        seen: &["Multivac-Labs/ralph-starter#140"],
        staging: trouble!(
            "operation = 'retrieve_batch'\nnth = 2\nerror = 'server_error'",
            "operation = 'retrieve_batch'\nnth = 4\nconnection = 'reset_before_headers'",
            "operation = 'retrieve_batch'\nnth = 6\nerror = 'bad_gateway'",
        ),
        judged_by: &[on("K2"), on("K10"), on("K12")],
        ..scenario(
            "retry/poll-survives-5xx",
            "looks meet a 500, a reset, and a page of the edge, one at a time",
        )
    },
    Scenario {
        seen: &["tensorzero/tensorzero#1198"],
        staging: trouble!("operation = 'retrieve_batch'\nafter = 2\nvanished = true"),
        judged_by: &[on("K21"), on("K30")],
        deadline: Duration::from_secs(40),
        ..scenario("batch/vanishes", "after two looks the batch is gone, for ever")
    },
    Scenario {
        staging: trouble!(
            "operation = 'retrieve_batch'\nnth = 1\nvanished = true",
            "operation = 'retrieve_batch'\nnth = 4\nvanished = true",
        ),
        judged_by: &[on("K10"), at("K12", Level::May)],
        ..scenario(
            "batch/not-seen-at-times",
            "the batch cannot be found by the first look, and by the fourth",
        )
    },
    Scenario {
        staging: trouble!("operation = 'retrieve_batch'\nnth = 4\nstale_by = '2s'"),
        judged_by: &[at("K1", Level::Should), at("K2", Level::Should), at("K12", Level::Should)],
        ..scenario("poll/stale-read", "a look shows the batch as it was a while ago")
    },
    Scenario {
        staging: Staging {
            clock: Clock::Frozen,
            ..toml("summary = 'Nothing ever happens'\n[pace]\nvalidating_for = '1h'")
        },
        work: run(3),
        judged_by: &[on("K29")],
        deadline: Duration::from_secs(10),
        ..scenario("poll/own-deadline", "the batch goes on for longer than the client has")
    },
    Scenario {
        staged: Staged { poll_ms: Some(2000), ..NOTHING_STAGED },
        work: run(3),
        judged_by: &[on("K20")],
        course: Course::EndedAfter(3),
        hint: Hint::None,
        deadline: Duration::from_secs(30),
        ..scenario("poll/not-aggressive", "a batch that takes its time, and nobody says how often to look")
    },
    Scenario {
        staged: Staged { poll_ms: Some(250), ..NOTHING_STAGED },
        work: run(3),
        judged_by: &[at("K20", Level::May)],
        hint: Hint::Millis(250),
        ..scenario("poll/honors-hint", "the client is told to look every quarter of a second")
    },
    Scenario {
        staging: trouble!("operation = 'create_batch'\nfirst = 2\nunseen_input = 'refuses_create'"),
        // Nothing says in advance that such a 400 passes, so who does not try again does no wrong.
        judged_by: &[at("K10", Level::May), at("K12", Level::May)],
        ..scenario(
            "create/input-not-seen-yet",
            "the input that was just sent cannot be found by the first two creates",
        )
    },
    Scenario {
        seen: &["comfyanonymous/ComfyUI#16204", "QwenLM/qwen-code#11874"],
        staging: trouble!("operation = 'create_batch'\nnth = 1\nconnection = 'lost_acknowledgement'"),
        judged_by: &[at("K10", Level::Should), on("K31")],
        ..scenario("create/lost-ack", "the batch is created, and the answer is lost")
    },
    Scenario {
        staging: trouble!("operation = 'upload_file'\nnth = 1\nconnection = 'lost_acknowledgement'"),
        judged_by: &[on("K10"), at("K12", Level::Should)],
        ..scenario("upload/lost-ack", "the file is there, and the answer is lost")
    },
    Scenario {
        staging: trouble!("operation = 'file_content'\nnth = 1\nconnection = 'cut_body'"),
        judged_by: &[on("K28"), at("K12", Level::Should)],
        ..scenario(
            "download/truncated",
            "the first download ends in the middle, before its length is reached",
        )
    },
];
