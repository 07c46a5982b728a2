//! The command.

use std::process::{Command, Output};

fn conformance(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_batchmock-conformance"))
        .args(args)
        // Which lengthens or shortens the lines of help.
        .env_remove("COLUMNS")
        .env_remove("OPENAI_API_KEY")
        .env_remove("OPENAI_OTHER_API_KEY")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn without_a_server_it_judges_one_of_its_own() {
    let run = conformance(&["run", "--only", "batches/cancel/*"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let text = stdout(&run);
    assert!(text.starts_with("batchmock 0.1.0\n\nbatches\n"), "{text}");
    assert!(text.contains("  ok   MUST   batches/cancel/after-completed\n"), "{text}");
    assert!(text.ends_with(" cases: 10 passed. Held to MUST: passed.\n"), "{text}");
}

#[test]
fn a_wrong_use_is_told_with_code_2() {
    for (args, expected) in [
        (
            &["run", "--only", "batches/cancel/after-complete"][..],
            "the nearest is `batches/cancel/after-completed`",
        ),
        (&["run", "--only", "auth/*", "--skip", "*"], "no case is left"),
        (
            &["run", "--report", "pdf"],
            "`pdf` is no form of report: there are `text`, `json`, `junit`, `tap`, `markdown`, `html`",
        ),
        (&["run", "--report", "text", "--report", "json"], "two reports cannot both go"),
        (&["run", "--without", "telepathy"], "there are `uploads`, `key-check`"),
        (
            &["run", "--base-url", "https://api.example.com/v1"],
            "is not this machine, and these cases run up to",
        ),
        (&["run", "--dry-run", "--price-in", "0.15"], "--price-out <PRICE>"),
        (&["run", "--dry-run", "--price-in", "free", "--price-out", "1"], "write a number such as 0.15"),
        (&["run", "--detach", "state.json"], "--base-url <URL>"),
        (&["resume", "/nowhere/state.json"], "/nowhere/state.json: "),
        (&["run", "--base-url", "no url"], "`no url` is no URL"),
        (&["explain", "batches/cancel/after-complete"], "the nearest is `batches/cancel/after-completed`"),
        (
            &["diff", "a", "b", "--as", "html"],
            "`html` is no form of a difference: there are `text`, `markdown`, `json`",
        ),
        (
            &["matrix", "a", "--as", "tap"],
            "`tap` is no form of a matrix: there are `text`, `markdown`, `html`",
        ),
        (&["report", "/nowhere/report.json"], "/nowhere/report.json cannot be read"),
        (&["report", "Cargo.toml"], "Cargo.toml: it is no report: "),
        (&["run", "--known-failing", "/nowhere/known.toml"], "/nowhere/known.toml cannot be read"),
    ] {
        let run = conformance(args);
        assert_eq!(run.status.code(), Some(2), "{args:?}");
        assert!(stderr(&run).contains(expected), "{args:?}: {}", stderr(&run));
    }
}

#[test]
fn a_server_that_is_not_there_leaves_the_run_incomplete() {
    // A port that was free a moment ago, and on which nothing listens.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let run = conformance(&["run", "--base-url", &base_url]);
    assert_eq!(run.status.code(), Some(3), "{}", stderr(&run));
    assert!(stderr(&run).contains(&format!("{base_url} cannot be reached: ")), "{}", stderr(&run));
}

#[test]
fn a_list_of_known_failures_that_is_out_of_date_fails() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("known.toml");
    std::fs::write(&file, "[[known]]\ncase = \"auth/no-key\"\nreason = \"a ticket\"\n").unwrap();
    let run = conformance(&["run", "--only", "auth/*", "--known-failing", file.to_str().unwrap()]);
    assert_eq!(run.status.code(), Some(1));
    assert!(stdout(&run).contains("it passes, but is listed as failing: a ticket"), "{}", stdout(&run));
}

#[test]
fn progress_is_told_line_by_line_where_there_is_no_terminal() {
    let run = conformance(&["run", "--only", "auth/*", "--jobs", "1", "--progress", "lines"]);
    assert_eq!(
        stderr(&run),
        "1/6 ok   MUST   auth/bearer-key\n\
         2/6 ok   MUST   auth/no-key\n\
         3/6 ok   MUST   auth/wrong-key\n\
         4/6 ok   SHOULD auth/wrong-key-masked\n\
         5/6 ok   MAY    auth/files-of-others\n\
         6/6 ok   MAY    auth/batches-of-others\n"
    );
    // A clock that is moved takes no time to speak of.
    assert_eq!(stderr(&conformance(&["run", "--only", "auth/*"])), "");
}

#[test]
fn a_report_can_go_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    let report = format!("json={}", file.display());
    let run = conformance(&["run", "--only", "auth/*", "--report", &report]);
    assert_eq!(run.status.code(), Some(0));
    assert_eq!(stdout(&run), "");
    assert!(stderr(&run).contains(" cases: 6 passed."), "{}", stderr(&run));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((&report["format"], &report["conclusion"]), (&1.into(), &"passed".into()));
    assert_eq!(report["cases"][0]["id"], "auth/bearer-key");
}

#[test]
fn a_report_is_told_once_more_in_any_form() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (json, page, small) = (file("report.json"), file("report.html"), file("small.json"));
    let run =
        conformance(&["run", "--only", "auth/*", "--report", &format!("json={json}"), "--report", "tap"]);
    let told = conformance(&["report", &json, "--as", "tap", "--as", &format!("html={page}")]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    assert!(stdout(&run).starts_with("TAP version 14\n"), "{}", stdout(&run));
    assert_eq!(stdout(&run), stdout(&told));
    assert!(std::fs::read_to_string(page).unwrap().starts_with("<!DOCTYPE html>"));
    let told = conformance(&["report", &json, "--without-exchanges", "--as", &format!("json={small}")]);
    assert!(stderr(&told).contains("cases: 6 passed."), "{}", stderr(&told));
    let [whole, small] = [json, small].map(|file| std::fs::read_to_string(file).unwrap());
    assert!(small.len() < whole.len() / 3, "{} of {}", small.len(), whole.len());
    assert!(!small.contains("x-request-id"));
}

#[test]
fn a_report_is_told_with_the_code_of_its_run() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    let file = file.to_str().unwrap();
    conformance(&["run", "--only", "auth/*", "--report", &format!("json={file}")]);
    let failed = std::fs::read_to_string(file).unwrap().replace("\"passed\"", "\"failed\"");
    std::fs::write(file, failed).unwrap();
    assert_eq!(conformance(&["report", file]).status.code(), Some(1));
}

#[test]
fn two_reports_are_held_against_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (before, after, page) = (file("before.json"), file("after.json"), file("matrix.html"));
    conformance(&["run", "--only", "auth/*", "--report", &format!("json={before}")]);
    let worse = std::fs::read_to_string(&before).unwrap().replacen(
        "\"verdict\": \"passed\"",
        "\"verdict\": \"failed\"",
        1,
    );
    std::fs::write(&after, worse).unwrap();
    for (args, code, expected) in [
        (&["diff", &before, &before][..], 0, "nothing changed; 6 the same.\n"),
        (&["diff", &before, &after], 1, "1 worse; 5 the same.\n"),
        (&["diff", &after, &before], 1, "1 better; 5 the same.\n"),
        (&["diff", &after, &before, "--only-worse"], 0, "nothing changed; 5 the same.\n"),
        (&["matrix", &before, &after], 0, "5 of 6 cases pass everywhere.\n"),
        (&["matrix", &before, &after, "--as", &format!("html={page}")], 0, ""),
    ] {
        let told = conformance(args);
        assert_eq!(told.status.code(), Some(code), "{args:?}: {}", stderr(&told));
        assert!(stdout(&told).ends_with(expected), "{args:?}: {}", stdout(&told));
    }
    assert!(std::fs::read_to_string(page).unwrap().contains("batchmock 0.1.0 (2)"));
}

#[test]
fn cases_are_listed_and_explained() {
    let list = stdout(&conformance(&["list", "--only", "auth/*"]));
    assert_eq!(list.lines().count(), 6, "{list}");
    assert!(list.starts_with("MUST   auth/bearer-key "), "{list}");
    insta::assert_snapshot!(stdout(&conformance(&["explain", "batches/cancel/after-completed"])));
}

#[test]
fn cases_are_listed_for_programs() {
    let read =
        |args: &[&str]| -> serde_json::Value { serde_json::from_str(&stdout(&conformance(args))).unwrap() };
    let list = read(&["list", "--only", "batches/cancel/*", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 10);
    let one = read(&["explain", "batches/cancel/after-completed", "--json"]);
    assert!(list.as_array().unwrap().contains(&one[0]));
    assert_eq!((&one[0]["level"], &one[0]["takes"]), (&"must".into(), &"minutes".into()));
    let evidence = &one[0]["evidence"][0];
    assert_eq!((&evidence["fact"], &evidence["kind"]), (&"F-262".into(), &"observed".into()));
    assert!(evidence["behavior"][0].as_str().unwrap().contains("409"));
}

#[test]
fn help_says_what_there_is() {
    for command in ["run", "report", "diff", "matrix", "list", "explain"] {
        insta::assert_snapshot!(format!("help_of_{command}"), stdout(&conformance(&[command, "--help"])));
    }
    insta::assert_snapshot!("help", stdout(&conformance(&["--help"])));
}

#[test]
fn what_is_known_is_traced_to_cases() {
    let table = stdout(&conformance(&["trace"]));
    assert!(table.contains("| F-262 | `batches/cancel/after-completed`, "), "{table}");
    assert!(table.contains("| F-456 | – of 2023, and over |"), "{table}");
}

#[test]
fn a_dry_run_sends_nothing() {
    let run = conformance(&[
        "run",
        "--dry-run",
        "--base-url",
        "https://api.example.com/v1",
        "--only",
        "results/a*",
        "--only",
        "endpoints/videos",
        "--only",
        "auth/files-of-others",
        "--api-key",
        "sk-one",
    ]);
    assert_eq!(run.status.code(), Some(0));
    let text = stdout(&run);
    insta::assert_snapshot!(text);
}

#[test]
fn what_a_budget_has_no_room_for_is_not_exercised() {
    let only = ["--only", "results/all-*", "--only", "auth/no-key"];
    for budget in [["--max-lines", "3"], ["--max-tokens", "200"]] {
        let run = conformance(&[&["run", "--jobs", "1"][..], &only, &budget].concat());
        assert_eq!(run.status.code(), Some(3), "{budget:?}");
        let text = stdout(&run);
        assert!(text.contains("  ok   MUST   results/all-succeed\n"), "{text}");
        assert!(text.contains("  MISS MUST   results/all-fail\n"), "{text}");
        assert!(text.contains("  ok   MUST   auth/no-key\n"), "what costs nothing goes on: {text}");
        let why = if budget[0] == "--max-lines" { "it may need 2 lines" } else { "it may need 128 tokens" };
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn requests_that_would_be_sent_have_a_price() {
    let prices = ["--price-in", "10", "--price-out", "100"];
    let run = conformance(&[&["run", "--dry-run", "--only", "results/all-fail"][..], &prices].concat());
    assert!(
        stdout(&run).contains("2 lines with 80 tokens in and 32 out, 0.004000 at most"),
        "{}",
        stdout(&run)
    );
}

#[test]
fn a_walk_tells_what_it_met() {
    let run = conformance(&["walk", "--seed", "3", "--walks", "3", "--steps", "20"]);
    assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
    let told = stdout(&run);
    assert!(told.starts_with("3 walks of up to 20 steps from seed 3, "), "{told}");
    let run = conformance(&["walk", "--base-url", "https://api.example.com/v1"]);
    assert_eq!(run.status.code(), Some(2), "{}", stderr(&run));
    assert!(stderr(&run).contains("api.example.com is not this machine"), "{}", stderr(&run));
}
