//! The certification as a whole: clients that do nothing pass nothing, and what the command says.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use batchmock_conformance::case::Level;
use batchmock_conformance::client::attach::Attached;
use batchmock_conformance::client::certify::{self, Settings};
use batchmock_conformance::client::choice::Choice;
use batchmock_conformance::client::drive::{Driver, Exec, Stdio};
use batchmock_conformance::client::report;
use batchmock_conformance::report::{Conclusion, Report};
use batchmock_conformance::{Verdict, report as reports};

/// What a shell says, as a client.
fn shell(script: &str) -> Driver {
    let command: Vec<OsString> = ["sh", "-c", script].map(OsString::from).into();
    Driver::Exec(Exec::new(&command, Path::new("/")).unwrap())
}

/// What is found of a client, of which no scenario takes long.
async fn found(client: Driver, only: &[&str], skip: &[&str]) -> Report {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let choice = Choice::new(&texts(only), &texts(skip)).unwrap();
    let rooms = tempfile::tempdir().unwrap();
    let played = certify::all(&Arc::new(client), &choice, &settings(), rooms.path(), |_| ()).await;
    report::report("a client", Level::Must, &played)
}

fn passed(report: &Report) -> Vec<&str> {
    let passed = report.cases.iter().filter(|case| case.verdict == Verdict::Passed);
    passed.map(|case| case.id.as_str()).collect()
}

/// A client that makes up an outcome for each key.
fn making_up(outcome: &str, text: &str) -> String {
    format!(
        r#"awk -F'"' '/"key"/ {{ key = $4 }} /"(prompt|text|body)"/ {{ printf "{{\"key\":\"%s\",\"outcome\":\"{outcome}\",\"text\":\"%s\"}}\n", key, {text} }}' "$CERT_TASK" > "$CERT_RESULT""#
    )
}

async fn passes_nothing(script: &str, only: &[&str]) {
    // The largest task takes its time to be written, and tells nothing more of who does not look at it.
    let report = found(shell(script), only, &["input/limits"]).await;
    assert_eq!(passed(&report), [""; 0], "{script}");
    assert_ne!(report.conclusion(), Conclusion::Passed, "{script}");
    assert_ne!(report.conclusion(), Conclusion::Error, "{script}: {}", reports::text(&report));
}

#[tokio::test]
async fn who_does_nothing_passes_nothing() {
    passes_nothing("true", &[]).await;
}

#[tokio::test]
async fn who_makes_everything_up_passes_nothing() {
    passes_nothing(&making_up("ok", "\"amber-auk-00000000\""), &[]).await;
}

/// One scenario of each kind of task, and some in which little is asked.
const FEW: [&str; 9] = [
    "order/shuffled-output",
    "errors/all-failed-completed",
    "cancelled/partial",
    "failed/validation",
    "retry/not-on-400",
    "poll/own-deadline",
    "collect/after-crash",
    "webhook/verify",
    "files/roundtrip",
];

#[tokio::test]
async fn who_ends_at_once_in_whatever_way_passes_nothing() {
    for script in
        ["exit 1", "kill -ABRT $$", ": > \"$CERT_RESULT\"", "echo nonsense > \"$CERT_RESULT\"; exit 3"]
    {
        passes_nothing(script, &FEW).await;
    }
}

#[tokio::test]
async fn who_copies_or_guesses_passes_nothing() {
    passes_nothing(&making_up("ok", "$4"), &FEW).await;
    passes_nothing(&making_up("missing", "\"\""), &FEW).await;
    passes_nothing(&making_up("refused", "\"\""), &FEW).await;
}

#[tokio::test]
async fn who_hangs_passes_nothing_and_is_ended_with_all_that_it_has_started() {
    let left = tempfile::tempdir().unwrap();
    let pids = left.path().join("pids");
    let script = format!("sleep 600 & echo $! >> {}; wait", pids.display());
    let report = found(shell(&script), &["order/*"], &[]).await;
    assert_eq!(passed(&report), [""; 0]);
    for pid in std::fs::read_to_string(&pids).unwrap().lines() {
        // What is no more, or is only waited for, has no command line.
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!command.starts_with(b"sleep"), "{pid} goes on");
    }
}

#[tokio::test]
async fn who_does_not_know_a_verb_is_not_blamed_for_it() {
    let report = found(shell("exit 127"), &FEW, &[]).await;
    assert!(report.cases.iter().all(|case| case.verdict == Verdict::Unsupported));
}

#[tokio::test]
async fn a_command_that_there_is_not_is_no_verdict() {
    let command = [OsString::from("batchmock-no-such-command")];
    let report =
        found(Driver::Exec(Exec::new(&command, Path::new("/")).unwrap()), &["order/responses"], &[]).await;
    assert_eq!(report.conclusion(), Conclusion::Error);
    assert!(
        report.cases[0].reason.starts_with("`batchmock-no-such-command`: "),
        "{}",
        report.cases[0].reason
    );
}

/// What a shell says, as an adapter that says hello, and then does this with each run, whose number is `$seq`.
fn adapter(on_run: &str) -> Driver {
    let script = format!(
        r#"read -r hello; echo '{{"hello":{{"name":"shell","version":"1","verbs":["run-batch"]}}}}'
           while read -r run; do seq=$(echo "$run" | sed -n 's/.*"seq":\([0-9]*\).*/\1/p'); {on_run}; done"#
    );
    let command: Vec<OsString> = ["sh", "-c", &script].map(OsString::from).into();
    Driver::Stdio(Stdio::new(&command, Path::new("/")).unwrap())
}

fn settings() -> Settings {
    Settings {
        seed: 1,
        deadline: Some(Duration::from_millis(200)),
        poll_hint: Duration::from_millis(1),
        reveal: false,
        jobs: 8,
    }
}

/// The value of a line of an `env` file.
fn value<'e>(env: &'e str, name: &str) -> &'e str {
    env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

#[tokio::test]
async fn a_program_that_is_pointed_at_a_scenario_is_judged_by_what_it_asks() {
    let only = ["order/shuffled-output", "expired/partial"].map(str::to_owned);
    let choice = Choice::new(&only, &[]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("01")).unwrap();
    std::fs::write(directory.path().join("01/result.ndjson"), "of another run").unwrap();
    let attached = Attached::set_up(&choice, &settings(), directory.path()).await.unwrap();
    let table = attached.table();
    assert_eq!(table.lines().count(), 2);
    assert!(!table.contains("order") && !table.contains("expired"), "{table}");
    let env = std::fs::read_to_string(directory.path().join("01/env")).unwrap();
    let (base_url, key) = (value(&env, "OPENAI_BASE_URL"), value(&env, "OPENAI_API_KEY"));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    // It asks something of its own, and looks once.
    let body = serde_json::json!({
        "model": "gpt-4o-mini", "messages": [{"role": "user", "content": "something else"}],
    });
    let line = serde_json::json!({"custom_id": "own-1", "method": "POST", "url": "/v1/chat/completions", "body": body});
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b\r\nContent-Disposition: \
         form-data; name=\"file\"; filename=\"own.jsonl\"\r\n\r\n{line}\r\n--b--\r\n"
    );
    let upload = http.post(format!("{base_url}/files")).bearer_auth(key);
    let upload = upload.header("content-type", "multipart/form-data; boundary=b").body(form);
    let file: serde_json::Value = upload.send().await.unwrap().json().await.unwrap();
    let new = serde_json::json!({
        "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h",
    });
    let mut batch: serde_json::Value = http
        .post(format!("{base_url}/batches"))
        .bearer_auth(key)
        .json(&new)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    while batch["status"] != "completed" {
        let id = batch["id"].as_str().unwrap();
        batch = http
            .get(format!("{base_url}/batches/{id}"))
            .bearer_auth(key)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
    }
    let played = attached.judged(async {}).await;
    let report = report::report("attached", Level::Must, &played);
    let verdict = |id: &str| report.cases.iter().find(|case| case.id == id).unwrap().verdict;
    for (id, expected) in [
        ("order/shuffled-output/K1", Verdict::Passed),
        ("order/shuffled-output/K3", Verdict::Passed),
        ("order/shuffled-output/K4", Verdict::Failed),
        ("order/shuffled-output/K6", Verdict::NotExercised),
        ("order/shuffled-output/K10", Verdict::Passed),
        ("order/shuffled-output/K15", Verdict::Passed),
        ("expired/partial/K1", Verdict::NotExercised),
    ] {
        assert_eq!(verdict(id), expected, "{id}: {}", reports::text(&report));
    }
}

#[tokio::test]
async fn adapters_that_do_nothing_pass_nothing() {
    let scenarios = ["order/shuffled-output", "order/responses", "expired/*", "restart/*"];
    for (on_run, why) in [
        (r#"echo "{\"result\":{\"seq\":$seq,\"complete\":true}}""#, "exit code 0"),
        (r#"echo "{\"result\":{\"seq\":$seq,\"complete\":false,\"lines\":[]}}""#, "exit code 1"),
        (r#"echo "{\"errored\":{\"seq\":$seq,\"message\":\"boom\"}}""#, "it crashed: boom"),
        ("exit 1", "it crashed: the adapter ended without an answer"),
        ("echo nonsense", "it crashed: a line of the adapter is no JSON"),
        (r#"echo "{\"result\":{\"seq\":0,\"complete\":true}}""#, "it crashed: an answer to run 0, but run"),
        ("sleep 600", "it was still running when its time was over"),
    ] {
        let report = found(adapter(on_run), &scenarios, &[]).await;
        assert_eq!(passed(&report), [""; 0], "{on_run}");
        assert!(
            report.cases.iter().any(|case| case.reason.contains(why)),
            "{why}: {}",
            reports::text(&report)
        );
    }
}

#[tokio::test]
async fn an_adapter_is_asked_only_what_it_knows() {
    let report = found(adapter("exit 1"), &["cancelled/partial", "files/*"], &[]).await;
    assert!(
        report.cases.iter().all(|case| case.verdict == Verdict::Unsupported),
        "{}",
        reports::text(&report)
    );
}

#[tokio::test]
async fn an_adapter_that_says_no_hello_is_no_verdict() {
    for (script, why) in [
        ("exit 3", "the adapter ended without an answer"),
        ("echo '{}'", "it answers the hello with {}"),
        ("echo '{\"hello\":{\"name\":\"a\"}}'", "its hello has no list `verbs`"),
        ("echo no module >&2", "it says: no module"),
    ] {
        let command: Vec<OsString> = ["sh", "-c", script].map(OsString::from).into();
        let driver = Driver::Stdio(Stdio::new(&command, Path::new("/")).unwrap());
        let report = found(driver, &["order/responses"], &[]).await;
        assert_eq!(report.conclusion(), Conclusion::Error);
        assert!(report.cases[0].reason.contains(why), "{why}: {}", report.cases[0].reason);
    }
}

#[tokio::test]
async fn clients_are_told_what_they_need_and_no_name() {
    let seen = tempfile::tempdir().unwrap();
    let script =
        format!("env > {0}/env; pwd >> {0}/env; cat \"$CERT_TASK\" >> {0}/env", seen.path().display());
    found(shell(&script), &["expired/nothing-done"], &[]).await;
    let told = std::fs::read_to_string(seen.path().join("env")).unwrap();
    for name in [
        "OPENAI_BASE_URL=http://127.0.0.1:",
        "OPENAI_API_KEY=sk-cert-",
        "CERT_PROTOCOL=1",
        "CERT_TASK=/",
        "CERT_RESULT=/",
        "CERT_STATE=/",
        "CERT_DEADLINE_MS=200",
        "CERT_POLL_HINT_MS=1",
    ] {
        assert!(told.contains(name), "{name}: {told}");
    }
    for word in ["expired", "nothing-done", "CERT_SCENARIO"] {
        assert!(!told.contains(word), "{word}: {told}");
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_batchmock-conformance"))
        .arg("certify")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_lists_scenarios_prints_schemas_and_says_what_is_wrong() {
    let (code, listed, _) = run(&["list", "--only", "expired/*"]);
    assert_eq!(code, Some(0));
    insta::assert_snapshot!(listed);
    let (code, schema, _) = run(&["schema", "task"]);
    assert_eq!((code, schema.contains("run-then-cancel")), (Some(0), true));
    let (code, _, complaint) = run(&["exec", "--only", "expired/partail", "--", "true"]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("the nearest is `expired/partial`"), "{complaint}");
}

#[test]
fn a_certificate_is_written_signed_and_verified() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    // The key of the first test vector of RFC 8032.
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
               -----END PRIVATE KEY-----\n";
    std::fs::write(path("key.pem"), key).unwrap();
    let (certificate, badge, key) = (path("certificate.json"), path("badge.svg"), path("key.pem"));
    let exec = [
        "exec",
        "--only",
        "order/responses",
        "--certificate",
        &certificate,
        "--sign-with",
        &key,
        "--badge",
        &badge,
    ];
    let (code, report, complaint) = run(&[&exec[..], &["--", "true"]].concat());
    assert_eq!(code, Some(3), "{report}{complaint}");
    let (code, told, complaint) = run(&["verify", &certificate]);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(told.starts_with("true\nA selection, which certifies nothing: 6 of "), "{told}");
    assert!(std::fs::read_to_string(&badge).unwrap().starts_with("<svg"));
    std::fs::write(
        &certificate,
        std::fs::read_to_string(&certificate).unwrap().replace("A selection", "All"),
    )
    .unwrap();
    let (code, _, complaint) = run(&["verify", &certificate]);
    assert_eq!(code, Some(1));
    assert!(complaint.contains("it was changed after it was signed"), "{complaint}");
}

#[test]
fn a_client_that_does_nothing_is_reported_as_such() {
    let (code, report, _) =
        run(&["exec", "--only", "expired/partial", "--name", "nothing 1.0", "--", "true"]);
    assert_eq!(code, Some(3), "{report}");
    insta::assert_snapshot!(report);
}
