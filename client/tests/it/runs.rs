//! Runs against the mock, to every end a batch can take.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use batchmock::{ClockMode, MockServer};
use batchmock_client::run::{Limits, RunOptions, Summary};
use batchmock_client::types::BatchStatus;
use batchmock_client::{Client, Event, Fate, NewBatch, NewFile, Request};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{CHAT, Jumping, KEY, Listener, Reply, client_of, create, lines, stepping};

/// An input and where its output goes.
pub(crate) struct Work {
    _dir: TempDir,
    pub(crate) input: PathBuf,
    pub(crate) output: PathBuf,
}

impl Work {
    pub(crate) fn of(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (input, output) = (dir.path().join("in.jsonl"), dir.path().join("out.jsonl"));
        fs::write(&input, text).unwrap();
        Self { _dir: dir, input, output }
    }

    pub(crate) async fn run(&self, client: &Client) -> batchmock_client::Result<Summary> {
        client.run_file(&self.input, &self.output).await
    }

    pub(crate) fn journal(&self) -> PathBuf {
        batchmock_client::run::journal_of(&self.output)
    }

    /// What the output says of each request: its name, and its status or the code of its error.
    pub(crate) fn results(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.output).unwrap();
        assert!(text.ends_with('\n'));
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let of = |pointer: &str| line.pointer(pointer).filter(|value| !value.is_null()).cloned();
            let end = of("/response/status_code").or(of("/error/code")).unwrap();
            format!("{} {}", line["custom_id"].as_str().unwrap(), end.to_string().trim_matches('"'))
        };
        text.lines().map(line).collect()
    }
}

fn options(limits: Limits) -> RunOptions {
    RunOptions { limits, ..RunOptions::default() }
}

/// All batches of the account.
pub(crate) async fn batches(
    server: &MockServer,
) -> Vec<batchmock_client::Received<batchmock_client::types::Batch>> {
    client_of(server.base_url(), &Jumping::default()).batches().list().all().await.unwrap()
}

async fn end(server: &MockServer, id: &str, body: Value) {
    let url = format!("http://{}/_mock/v1/batches/{id}/ending", server.address());
    let answer = reqwest::Client::new().post(url).bearer_auth(KEY).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn a_list_comes_back_in_its_order() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let texts: Vec<_> = (0..20).map(|number| format!("question {number}")).collect();
    let requests = texts.iter().map(|text| Request::chat("gpt-4o-mini", text.as_str()));
    let (outcomes, summary) = client.run(requests).with_summary().await.unwrap();
    for (text, outcome) in texts.iter().zip(&outcomes) {
        let alone = client.run([Request::chat("gpt-4o-mini", text.as_str()).custom_id(outcome.custom_id())]);
        assert_eq!(outcome.text(), alone.await.unwrap()[0].text());
    }
    assert_eq!((outcomes.len(), summary.succeeded, summary.is_success()), (20, 20, true));
    let sum: u64 = outcomes.iter().map(|outcome| outcome.usage().unwrap().total_tokens).sum();
    assert_eq!(summary.usage["/v1/chat/completions"].total_tokens, sum);
    assert!(sum > 0);
}

#[tokio::test]
async fn nothing_in_is_nothing_out() {
    let listener = Listener::saying(vec![Reply::Drop]).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    assert_eq!(client.run([]).await.unwrap(), []);
    assert_eq!(listener.asked().len(), 0);
}

#[tokio::test]
async fn failures_are_told_and_only_what_may_pass_is_tried_again() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a", "b~400", "c~429", "d~500", "e"]));
    let summary = work.run(&client).await.unwrap();
    assert_eq!(work.results(), ["a 200", "b~400 400", "c~429 429", "d~500 500", "e 200"]);
    assert_eq!((summary.succeeded, summary.failed, summary.batches.len()), (2, 3, 2));
    assert_eq!(summary.batches[1].requests, 2);
    assert!(!work.journal().exists());
}

#[tokio::test]
async fn all_failed_is_no_crash() {
    let server = stepping().start().await.unwrap();
    let listener = Listener::before(&server, |_, _| Reply::Forward).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let outcomes = client
        .run(["a~400", "b~400"].map(|name| Request::chat("gpt-4o-mini", "x").custom_id(name)))
        .await
        .unwrap();
    let statuses: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let Fate::Failed { status, message, .. } = outcome.fate() else { panic!("it failed") };
            (*status, !message.is_empty())
        })
        .collect();
    assert_eq!(statuses, [(Some(400), true), (Some(400), true)]);
    assert_eq!(listener.asked().iter().filter(|asked| asked.line.ends_with("/content")).count(), 1);
    assert!(listener.asked().iter().all(|asked| !asked.line.contains("//")));
}

#[tokio::test]
async fn what_the_service_refuses_is_told_line_by_line() {
    let server = stepping().start().await.unwrap();
    let key = server.scenario_key("rejected-at-validation", "test").unwrap();
    let client = Client::builder().base_url(server.base_url()).api_key(key).time(Jumping::default());
    let client = client.build().unwrap();
    let work = Work::of(&("\n\n".to_owned() + &lines(&["a", "b"])));
    let summary = work.run(&client).await.unwrap();
    assert_eq!(work.results(), ["a invalid_json_line", "b batch_failed"]);
    assert_eq!((summary.failed, summary.batches[0].status.clone()), (2, BatchStatus::Failed));
    // As it stands in the input, in which blank lines count.
    assert_eq!(summary.batches[0].errors[0].line, Some(3));
    assert_eq!(summary.batches.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_sent() {
    let listener = Listener::saying(vec![Reply::Drop]).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let work = Work::of(&(lines(&["a", "a"]) + "[]\n{\"custom_id\": 7}\n\n{\n" + &lines(&["a"])));
    let error = work.run(&client).await.unwrap_err();
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r#"
    line 2, column 14: custom_id "a" is that of line 1 already
    line 3, column 1: the line is no JSON object; it should begin with '{'
    line 4, column 15: custom_id is 7; it should be a text, such as "request-1"
    line 6, column 1: the line is not JSON: EOF while parsing an object
    line 7, column 14: custom_id "a" is that of line 1 already
    "#);
    assert_eq!(listener.asked().len(), 0);
    assert!(!work.journal().exists());
}

#[tokio::test]
async fn what_an_expired_batch_has_done_is_kept_and_the_rest_is_done_again() {
    let server = MockServer::builder().seed(7).clock(ClockMode::Frozen).start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a", "b", "c", "d"]));
    let running = work.run(&client);
    let ending = async {
        // The first batch expires half-way; the second is let go on.
        let id = loop {
            match batches(&server).await.first() {
                Some(batch) => break batch.id.clone(),
                None => tokio::task::yield_now().await,
            }
        };
        server.clock_of(KEY).advance(Duration::from_secs(2)).unwrap();
        end(&server, &id, json!({"status": "expired"})).await;
        server.clock_of(KEY).set_mode(ClockMode::Stepping);
    };
    let (summary, ()) = tokio::join!(running, ending);
    let summary = summary.unwrap();
    assert_eq!(work.results(), ["a 200", "b 200", "c 200", "d 200"]);
    let ends: Vec<_> = summary.batches.iter().map(|batch| (batch.status.as_str(), batch.requests)).collect();
    assert!(ends[0] == ("expired", 4) && ends[1].0 == "completed" && ends[1].1 < 4, "{ends:?}");
}

#[tokio::test]
async fn what_a_cancelled_batch_has_done_is_kept_and_the_rest_is_left() {
    let server = MockServer::builder().seed(7).clock(ClockMode::Frozen).start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a~429", "b~429", "c", "d", "e", "f"]));
    let running = work.run(&client);
    let ending = async {
        let id = loop {
            match batches(&server).await.first() {
                Some(batch) => break batch.id.clone(),
                None => tokio::task::yield_now().await,
            }
        };
        server.clock_of(KEY).advance(Duration::from_millis(2_600)).unwrap();
        end(&server, &id, json!({"status": "cancelled"})).await;
    };
    let (summary, ()) = tokio::join!(running, ending);
    let summary = summary.unwrap();
    // What failed in a way that may pass is not tried again either.
    assert_eq!((summary.succeeded + summary.failed + summary.cancelled, summary.batches.len()), (6, 1));
    assert!(summary.failed > 0);
    assert!(summary.succeeded > 0 && summary.cancelled > 0);
    let cancelled = work.results().iter().filter(|line| line.ends_with("batch_cancelled")).count();
    assert_eq!(cancelled, summary.cancelled);
}

#[tokio::test]
async fn a_large_input_is_divided_and_comes_back_as_one() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let mut text = lines(&["a", "b", "c", "d", "e"]);
    for name in ["x", "y"] {
        text += &(Request::embedding("text-embedding-3-small", name).custom_id(name).to_line() + "\n");
    }
    text += &(Request::chat("gpt-4.1", "z").custom_id("z").to_line());
    let work = Work::of(&text);
    let limits = Limits { requests: 2, ..Limits::default() };
    let summary = client.run_file(&work.input, &work.output).options(options(limits)).await.unwrap();
    assert_eq!(work.results(), ["a", "b", "c", "d", "e", "x", "y", "z"].map(|name| format!("{name} 200")));
    assert_eq!(summary.batches.len(), 5);
    let endpoints: Vec<_> = summary.usage.keys().cloned().collect();
    assert_eq!(endpoints, ["/v1/chat/completions", "/v1/embeddings"]);
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let (server, time) = (stepping().start().await.unwrap(), Jumping::default());
    let client = client_of(server.base_url(), &time);
    let work = Work::of(&lines(&["a"]));
    // Refused twice, as far as the client sees; then let through.
    let full =
        json!({"code": "token_limit_exceeded", "message": "Enqueued token limit reached for gpt-4o-mini."});
    let listener = Listener::before(&server, move |asked, before| {
        let failed = json!({
            "id": format!("batch_{before}"), "status": "failed", "created_at": 1,
            "errors": {"object": "list", "data": [full]},
        });
        match asked.line.as_str() {
            "POST /v1/batches" if before < 2 => Reply::json(&failed.to_string()),
            line if line.starts_with("GET /v1/batches/batch_0") || line.ends_with("batch_1") => {
                Reply::json(&failed.to_string())
            }
            _ => Reply::Forward,
        }
    })
    .await;
    drop(client);
    let client = client_of(listener.base_url(), &time);
    let summary = work.run(&client).await.unwrap();
    assert_eq!((work.results(), summary.batches.len()), (vec!["a 200".to_owned()], 1));
    assert_eq!((listener.count("POST /v1/files"), listener.count("POST /v1/batches")), (1, 3));
    let long: Vec<_> = time.waits().into_iter().filter(|wait| *wait >= Duration::from_secs(59)).collect();
    assert_eq!(long, [Duration::from_mins(1), Duration::from_mins(2)]);
}

#[tokio::test]
async fn a_queue_that_stays_full_is_not_waited_for_for_ever() {
    let server = stepping().start().await.unwrap();
    let body = r#"{"error":{"message":"Enqueued token limit reached for gpt-4o-mini.","code":"token_limit_exceeded"}}"#;
    let listener = Listener::before(&server, move |asked, _| match asked.line.as_str() {
        "POST /v1/batches" => Reply::status("400 Bad Request", "", body),
        _ => Reply::Forward,
    })
    .await;
    let time = Jumping::default();
    let work = Work::of(&lines(&["a"]));
    let error = work.run(&client_of(listener.base_url(), &time)).await.unwrap_err();
    assert!(error.is_deadline(), "{error}");
    let waited: Duration = time.waits().iter().sum();
    assert!((30 * 60 - 30..30 * 60 + 30).contains(&(waited.as_secs() / 60)), "{waited:?}");
    assert!(listener.count("POST /v1/batches") < 130);
}

#[tokio::test]
async fn a_batch_that_is_over_the_limit_by_itself_is_divided() {
    let server = stepping().start().await.unwrap();
    let full = json!({
        "id": "batch_0", "status": "failed", "created_at": 1,
        "errors": {"object": "list", "data": [{
            "code": "token_limit_exceeded",
            "message": "Enqueued token limit reached for gpt-4o-mini in organization org-1. Limit: 100 enqueued tokens.",
        }]},
    });
    let listener = Listener::before(&server, move |asked, before| match asked.line.as_str() {
        "POST /v1/batches" if before == 0 => Reply::json(&full.to_string()),
        "GET /v1/batches/batch_0" => Reply::json(&full.to_string()),
        _ => Reply::Forward,
    })
    .await;
    let time = Jumping::default();
    let work = Work::of(&lines(&["a", "b", "c", "d"]));
    let mut most = 0;
    let client = client_of(listener.base_url(), &time);
    let run = client.run_file(&work.input, &work.output).on_progress(|progress| {
        most = most.max(progress.running);
        ControlFlow::Continue(())
    });
    let summary = run.await.unwrap();
    assert_eq!(work.results(), ["a 200", "b 200", "c 200", "d 200"]);
    // Two at a time are below the limit, and both batches together are not.
    let sizes: Vec<_> = summary.batches.iter().map(|batch| batch.requests).collect();
    assert_eq!((sizes, most, listener.count("POST /v1/batches")), (vec![2, 2], 1, 3));
}

#[tokio::test]
async fn a_batch_that_fails_for_want_of_its_input_is_created_again() {
    let server = stepping().start().await.unwrap();
    let lost = json!({
        "id": "batch_0", "status": "failed", "created_at": 1,
        "errors": {"object": "list", "data": [{
            "code": "invalid_request", "param": "file_id", "line": null,
            "message": "Cannot find file file-1, or organization org-1 does not have access to it.",
        }]},
    });
    let listener = Listener::before(&server, move |asked, before| match asked.line.as_str() {
        "POST /v1/batches" if before == 0 => Reply::json(&lost.to_string()),
        "GET /v1/batches/batch_0" => Reply::json(&lost.to_string()),
        _ => Reply::Forward,
    })
    .await;
    let work = Work::of(&lines(&["a"]));
    let summary = work.run(&client_of(listener.base_url(), &Jumping::default())).await.unwrap();
    assert_eq!((work.results(), summary.batches.len()), (vec!["a 200".to_owned()], 1));
    assert_eq!((listener.count("POST /v1/files"), listener.count("POST /v1/batches")), (1, 2));
}

#[tokio::test]
async fn tokens_that_wait_or_run_keep_the_limit() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a", "b", "c", "d"]));
    let limits = Limits { requests: 1, enqueued_tokens: Some(100), ..Limits::default() };
    let mut most = 0;
    let run = client.run_file(&work.input, &work.output).options(options(limits)).on_progress(|progress| {
        most = most.max(progress.running);
        ControlFlow::Continue(())
    });
    let summary = run.await.unwrap();
    // A line of these is taken to be about 45 tokens.
    assert_eq!((most, summary.batches.len(), summary.succeeded), (2, 4, 4));
}

#[tokio::test]
async fn an_input_that_is_not_found_yet_is_tried_again_for_a_while() {
    let server = stepping().start().await.unwrap();
    let refusal = r#"{"error":{"message":"Cannot find file file-1, or project proj_1 does not have access to it.",
        "type":"invalid_request_error","param":"file_id","code":null}}"#;
    for (times, succeeds) in [(2, true), (99, false)] {
        let listener = Listener::before(&server, move |asked, before| match asked.line.as_str() {
            "POST /v1/batches" if before < times => Reply::status("400 Bad Request", "", refusal),
            _ => Reply::Forward,
        })
        .await;
        let client = client_of(listener.base_url(), &Jumping::default());
        let work = Work::of(&lines(&["a"]));
        match work.run(&client).await {
            Ok(_) => assert!(succeeds && work.results() == ["a 200"]),
            Err(error) => assert!(!succeeds && error.to_string().contains("Cannot find file"), "{error}"),
        }
        let expected = if succeeds { 3 } else { 5 };
        assert_eq!((listener.count("POST /v1/files"), listener.count("POST /v1/batches")), (1, expected));
    }
}

#[tokio::test]
async fn results_that_break_off_are_fetched_again() {
    let server = stepping().start().await.unwrap();
    let listener = Listener::before(&server, |asked, before| match asked.line.ends_with("/content") {
        true if before == 0 => Reply::Half,
        true if before == 1 => Reply::Bytes(b"HTTP/1.1 200 OK\r\n\r\n{\"custom_id\":\"a\",\"resp".to_vec()),
        _ => Reply::Forward,
    })
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a", "b"]));
    work.run(&client).await.unwrap();
    assert_eq!(work.results(), ["a 200", "b 200"]);
}

#[tokio::test]
async fn nasty_results_are_read_as_they_are_meant() {
    let server = stepping().start().await.unwrap();
    let content = concat!(
        "{\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":{\"t\":\"\u{2028}\u{85}\"}},\"error\":null}\r\n",
        "\n{\"custom_id\":\"b\",\"response\":{\"status_code\":200,\"bo\n",
        "{\"custom_id\":\"stranger\",\"response\":{\"status_code\":200,\"body\":{}},\"error\":null}\n",
        "{\"custom_id\":\"d\",\"response\":{\"status_code\":500,\"body\":{}},\"error\":null}\n",
        "{\"custom_id\":\"é\",\"response\":{\"status_code\":200,\"body\":{}}}\n",
        "{\"custom_id\":\"d\",\"response\":{\"status_code\":200,\"body\":{}},\"error\":null}",
    );
    let listener = Listener::before(&server, move |asked, _| {
        if asked.line.ends_with("/content") { Reply::status("200 OK", "", content) } else { Reply::Forward }
    })
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a", "b", "c", "d", "é"]));
    let once = RunOptions { max_attempts: 1, ..RunOptions::default() };
    let summary = client.run_file(&work.input, &work.output).options(once).await.unwrap();
    assert_eq!(work.results(), ["a 200", "b missing", "c missing", "d 200", "é 200"]);
    let oddities = &summary.oddities;
    assert_eq!((oddities.n_unreadable, oddities.duplicates, oddities.strangers), (1, 1, 1));
    assert_eq!((summary.missing, summary.succeeded), (2, 3));
}

#[tokio::test]
async fn an_output_that_is_there_is_not_paid_for_again() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a"]));
    work.run(&client).await.unwrap();
    assert!(work.run(&client).await.unwrap_err().to_string().contains("is there already"));
    assert_eq!(batches(&server).await.len(), 1);
}

#[tokio::test]
async fn files_are_deleted_only_if_that_is_wanted() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let wanted = RunOptions { delete_files: true, ..RunOptions::default() };
    let work = Work::of(&lines(&["a", "b~400"]));
    client.run_file(&work.input, &work.output).options(wanted).await.unwrap();
    assert_eq!(client.files().list().all().await.unwrap().len(), 0);
    Work::of(&lines(&["a"])).run(&client).await.unwrap();
    assert_eq!(client.files().list().all().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_of_others_is_waited_for_and_finished() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let names = ["a", "b~429", "c"];
    for (attempts, n_batches) in [(1, 1), (2, 2)] {
        let server = stepping().start().await.unwrap();
        let client = client_of(server.base_url(), &Jumping::default());
        let id = create(&client, &names).await;
        let work = Work::of(&lines(&names));
        let options = RunOptions { max_attempts: attempts, ..RunOptions::default() };
        let run = || client.run_file(&work.input, &work.output).adopt(&id).options(options.clone());
        let stopped = run().on_progress(|progress| {
            let is_it = matches!(progress.event, Event::Looked { .. });
            if is_it { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(stopped.await.unwrap_err().is_stopped());
        // Its journal is not taken for that of another.
        let other = client.run_file(&work.input, &work.output).adopt("batch_other").await.unwrap_err();
        assert!(other.is_journal() && other.to_string().contains("without batch_other"), "{other}");
        let summary = run().await.unwrap();
        assert_eq!(work.results(), ["a 200", "b~429 429", "c 200"]);
        assert_eq!((summary.batches.len(), batches(&server).await.len()), (n_batches, n_batches));
    }
    // One that was refused stays refused: there is nothing to create it from.
    let file = NewFile::from_bytes("in.jsonl", lines(&["a", "a"]));
    let file = client.files().upload(file).await.unwrap();
    let id = client.batches().create(&NewBatch::new(&file.id, CHAT)).await.unwrap().id.clone();
    let work = Work::of(&lines(&["a"]));
    let summary = client.run_file(&work.input, &work.output).adopt(id).await.unwrap();
    assert_eq!((summary.failed, batches(&server).await.len()), (1, 1));
}

#[tokio::test]
async fn both_files_of_a_batch_can_be_read_at_once() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let id = create(&client, &["a", "b~400"]).await;
    let batch = client.batches().wait(&id).await.unwrap();
    let outcomes = client.outcomes(&batch).await.unwrap();
    let told: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap())
        .map(|outcome| (outcome.custom_id().to_owned(), outcome.is_success()))
        .collect();
    assert_eq!(told, [("a".to_owned(), true), ("b~400".to_owned(), false)]);
}

#[tokio::test]
async fn metadata_goes_with_every_batch() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let metadata = vec![("job".to_owned(), "nightly".to_owned())];
    let options = RunOptions { metadata, ..RunOptions::default() };
    client.run([Request::chat("gpt-4o-mini", "x")]).options(options).await.unwrap();
    let batch = &batches(&server).await[0];
    let metadata = batch.metadata.as_ref().unwrap();
    assert_eq!(metadata["job"], "nightly");
    assert!(metadata.contains_key(batchmock_client::TAG_KEY));
}
