//! Runs that are left, and gone on with when time has passed.
//!
//! The server is a batchmock whose clock the test moves; the suite takes it for any other.

use std::path::Path;
use std::process::{Command, Output};

use batchmock::{ClockMode, MockServer};
use serde_json::{Value, json};

const KEY: &str = "sk-own-and-secret";

async fn mock() -> MockServer {
    let builder = MockServer::builder().clock(ClockMode::Frozen).keys([KEY]);
    builder.scenario("expired-partial").start().await.unwrap()
}

async fn advance(mock: &MockServer, by: &str) {
    let url = format!("{}/_mock/v1/clock/advance", mock.base_url().trim_end_matches("/v1"));
    let post = reqwest::Client::new().post(url).header("authorization", format!("Bearer {KEY}"));
    let body = json!({ "by": by }).to_string();
    let answer = post.header("content-type", "application/json").body(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

/// Runs the command while the server goes on.
async fn conformance(args: &[&str], key: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_batchmock-conformance"));
    command.args(args).env("OPENAI_API_KEY", key).env_remove("OPENAI_OTHER_API_KEY");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn verdicts(report: &Path) -> Vec<(String, String)> {
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let cases = report["cases"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    cases.map(|case| (text(&case["id"]), text(&case["verdict"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_a_day_is_begun_left_and_ended() {
    let mock = mock().await;
    let directory = tempfile::tempdir().unwrap();
    let (state, report) = (directory.path().join("state.json"), directory.path().join("report.json"));
    let json = format!("json={}", report.display());
    let only = ["--only", "auth/bearer-key", "--only", "batches/expiry/*", "--only", "*/expired-is-gone"];
    let run = ["run", "--no-control", "--wait", "0s", "--base-url", &mock.base_url(), "--report", &json];
    let run = [&run[..], &only, &["--detach", state.to_str().unwrap()]].concat();
    let begun = conformance(&run, KEY).await;
    assert_eq!(begun.status.code(), Some(3), "{}", String::from_utf8_lossy(&begun.stderr));
    assert!(String::from_utf8_lossy(&begun.stderr).contains("goes on with them"));
    let waits = |id: &str| {
        let verdict = if id == "auth/bearer-key" { "passed" } else { "not-exercised" };
        (id.to_owned(), verdict.to_owned())
    };
    let ids = [
        "auth/bearer-key",
        "files/upload/expired-is-gone",
        "batches/expiry/times",
        "batches/expiry/partial-results",
        "batches/expiry/the-rest",
        "batches/expiry/counts",
    ];
    assert_eq!(verdicts(&report), ids.map(waits));
    let kept = std::fs::read_to_string(&state).unwrap();
    assert!(kept.contains("/batches") && !kept.contains(KEY), "a key is in the file, or nothing at all");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let resume = ["resume", state.to_str().unwrap(), "--report", &json];
    advance(&mock, "59m").await;
    assert_eq!(conformance(&resume, KEY).await.status.code(), Some(3));
    assert_eq!(verdicts(&report), ids.map(waits), "nothing has changed yet");

    advance(&mock, "2m").await;
    assert_eq!(conformance(&resume, KEY).await.status.code(), Some(3));
    let passed = |id: &str| (id.to_owned(), "passed".to_owned());
    assert_eq!(verdicts(&report)[..2], [passed(ids[0]), passed(ids[1])], "the file has expired");
    assert_eq!(verdicts(&report)[2..], ids[2..].iter().map(|id| waits(id)).collect::<Vec<_>>());

    advance(&mock, "25h").await;
    let ended = conformance(&resume, KEY).await;
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(verdicts(&report), ids.map(passed));
    drop(mock);
    let again = conformance(&resume, KEY).await;
    assert_eq!(again.status.code(), Some(0), "what is over stays so");
    assert_eq!(verdicts(&report), ids.map(passed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_not_gone_on_with_by_others() {
    let mock = mock().await;
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state.json");
    let file = state.to_str().unwrap();
    let run = ["run", "--no-control", "--wait", "0s", "--base-url", &mock.base_url()];
    let run = [&run[..], &["--only", "batches/expiry/times", "--detach", file]].concat();
    assert_eq!(conformance(&run, KEY).await.status.code(), Some(3));

    let stderr = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let mut keyless = Command::new(env!("CARGO_BIN_EXE_batchmock-conformance"));
    keyless.args(["resume", file]).env_remove("OPENAI_API_KEY");
    let keyless = tokio::task::spawn_blocking(move || keyless.output().unwrap()).await.unwrap();
    assert_eq!(keyless.status.code(), Some(2));
    assert!(stderr(&keyless).contains("say --api-key"), "{}", stderr(&keyless));

    let good = std::fs::read_to_string(&state).unwrap();
    for (change, expected) in [
        (
            good.replace("batchmock-conformance 0.1.0", "batchmock-conformance 0.0.9"),
            "was written by batchmock-conformance 0.0.9",
        ),
        (
            good.replace("batches/expiry/times", "batches/expiry/other"),
            "there is no case `batches/expiry/other`",
        ),
        (good[..good.len() / 2].to_owned(), "is no state of a run that was left"),
    ] {
        std::fs::write(&state, change).unwrap();
        let resumed = conformance(&["resume", file], KEY).await;
        assert_eq!(resumed.status.code(), Some(2), "{expected}");
        assert!(stderr(&resumed).contains(expected), "{}", stderr(&resumed));
    }

    std::fs::write(&state, good.replace("POST /batches", "POST /other")).unwrap();
    let resumed = conformance(&["resume", file], KEY).await;
    assert_eq!(resumed.status.code(), Some(4), "the case asks something else than before");
    let text = String::from_utf8_lossy(&resumed.stdout).into_owned();
    assert!(text.contains("it now comes to POST /batches"), "{text}");

    let begun = serde_json::from_str::<Value>(&good).unwrap()["waiting"][0]["begun_at"].clone();
    std::fs::write(&state, good.replace(&begun.to_string(), "1")).unwrap();
    let resumed = conformance(&["resume", file], KEY).await;
    let text = String::from_utf8_lossy(&resumed.stdout).into_owned();
    assert!(
        text.contains("the batch did not become expired in time"),
        "a case has a day, and no more: {text}"
    );

    let nowhere = [&run[..run.len() - 1], &["/nowhere/state.json"]].concat();
    let nowhere = conformance(&nowhere, KEY).await;
    assert_eq!(nowhere.status.code(), Some(2), "nothing is begun that could not be written down");
    assert!(stderr(&nowhere).contains("/nowhere/state.json"), "{}", stderr(&nowhere));
}
