//! A mock that is stopped and started again, with the same flags and with others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use batchmock::switches::{
    AbsentFileId, FailedLines, LineRequestId, MissingInput, ModelShown, PartialUsage, ResultOrder,
    ServerErrorText, Switches, UrlProblem,
};
use batchmock::{AnswerStyle, Builder, ClockMode, Limits, LineRules, MockServer, Pace, PaceDuration};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    Answer, CHAT, Client, Form, START, chat, chats, custom_ids, days, frozen, new_batch, seconds,
    slower_than_the_window, start,
};

/// Where a mock keeps its data, until the test ends.
struct Data(TempDir);

impl Data {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }

    async fn start(&self, builder: Builder) -> (MockServer, Client) {
        let server = builder.data_dir(self.path()).start().await.unwrap();
        let client = Client::new(&server);
        (server, client)
    }

    /// How many uploads are on the disk.
    fn n_blobs(&self) -> usize {
        std::fs::read_dir(self.path().join("blobs")).unwrap().count()
    }
}

/// All that can be seen of files and batches.
async fn look(client: &Client) -> Vec<(String, Answer)> {
    let mut seen = Vec::new();
    for list in ["files", "batches"] {
        let page = client.get(&format!("/{list}?limit=100")).await;
        for item in page.json()["data"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap();
            let mut paths = vec![format!("/{list}/{id}")];
            if list == "files" {
                paths.push(format!("/files/{id}/content"));
            }
            for path in paths {
                seen.push((path.clone(), without_headers(client.get(&path).await)));
            }
        }
        seen.push((list.to_owned(), without_headers(page)));
    }
    seen
}

/// Headers tell the number of the run.
fn without_headers(answer: Answer) -> Answer {
    Answer { headers: reqwest::header::HeaderMap::new(), ..answer }
}

#[track_caller]
fn assert_same(found: &[(String, Answer)], expected: &[(String, Answer)]) {
    for ((path, found), (_, expected)) in found.iter().zip(expected) {
        assert!(found == expected, "{path} is\n{found}\nand was\n{expected}");
    }
    assert_eq!(found.len(), expected.len());
}

/// Batches in every state and with every way to fail, in a world of its own.
async fn fill(server: &MockServer, client: &Client) {
    let lines =
        [chats(3), vec![chat("猫~500", "four"), chat("order-1", "five"), chat("f~timeout", "six")]].concat();
    client.batch(&lines).await;
    client.batch(&["{}", "no JSON"]).await;
    client.create("file-1111111111111111111111", CHAT).await;
    let mut new = new_batch(&client.upload_lines(&lines).await, CHAT);
    new["metadata"] = json!({"z": "1", "a": "2"});
    new["output_expires_after"] = json!({"anchor": "created_at", "seconds": 3_600});
    client.post("/batches", &new).await;
    let going = client.upload_lines(&lines).await;
    client.create(&going, CHAT).await;
    client.delete(&format!("/files/{going}")).await;
    let (cancelled, deleted) = (client.batch(&chats(2)).await, client.batch(&lines).await);
    let clock = server.clock();
    clock.advance(Duration::from_millis(2_500)).unwrap();
    client.cancel(&cancelled).await;
    clock.advance(seconds(10)).unwrap();
    if let Some(output) = client.retrieve(&deleted).await.json()["output_file_id"].as_str() {
        assert_eq!(client.delete(&format!("/files/{output}")).await.status, StatusCode::OK);
    }
    client.upload("evals", "größer.bin", [0, 159, 146, 150]).await;
    client.batch(&chats(4)).await;
    clock.advance(Duration::from_millis(1_500)).unwrap();
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    fill(&server, &client).await;
    assert_eq!(client.delete("/models/ft:gpt-4o-mini:acme::1").await.status, StatusCode::OK);
    let expected = look(&client).await;
    let now = server.clock().now();
    server.stop().await;

    let (server, client) = data.start(frozen()).await;
    assert_eq!(server.clock().now(), now);
    assert_same(&look(&client).await, &expected);
    let model = client.get("/models/ft:gpt-4o-mini:acme::1").await;
    assert_eq!(model.status, StatusCode::NOT_FOUND, "a deleted model stays deleted");

    // What is to come was decided before.
    server.clock().advance(days(2)).unwrap();
    let with_a_restart = look(&client).await;
    let (server, client) = start().await;
    fill(&server, &client).await;
    look(&client).await;
    server.clock().advance(days(2)).unwrap();
    assert_same(&with_a_restart, &look(&client).await);
}

/// Flags that differ from the defaults wherever a batch could show it.
fn with_other_flags() -> Builder {
    frozen()
        .seed(1_000)
        .answers(AnswerStyle::Echo)
        .pace(Pace { validating_for: PaceDuration::seconds(7), ..slower_than_the_window() })
        .rules(LineRules::new(vec!["custom_id=*:429".parse().unwrap()]))
        .switches(Switches {
            model_shown: ModelShown::Before,
            result_order: ResultOrder::AsInput,
            absent_file_id: AbsentFileId::Empty,
            failed_lines: FailedLines::InOutputFile,
            partial_usage: PartialUsage::Summed,
            url_problem: UrlProblem::UrlMismatch,
            server_error_text: ServerErrorText::Retry,
            line_request_id: LineRequestId::Hex,
            ..Switches::default()
        })
}

#[tokio::test]
async fn other_flags_change_nothing_for_batches_that_exist() {
    for (first, second) in [(frozen(), with_other_flags()), (with_other_flags(), frozen())] {
        let (kept, undisturbed) = (Data::new(), first.clone());
        let (server, client) = kept.start(first).await;
        fill(&server, &client).await;
        server.stop().await;
        let (server, client) = kept.start(second).await;
        server.clock().advance(days(2)).unwrap();
        let found = look(&client).await;

        let server = undisturbed.start().await.unwrap();
        let client = Client::new(&server);
        fill(&server, &client).await;
        server.clock().advance(days(2)).unwrap();
        assert_same(&found, &look(&client).await);
    }
}

#[tokio::test]
async fn batches_that_come_new_follow_the_new_flags_also_with_files_from_before() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    let input = client.upload_lines(&chats(3)).await;
    server.stop().await;

    let rules = LineRules::new(vec!["custom_id=a-2:timeout".parse().unwrap()]);
    let flags = frozen().seed(99).answers(AnswerStyle::Echo).rules(rules).switches(Switches {
        result_order: ResultOrder::AsInput,
        missing_input: MissingInput::RefusesCreate,
        ..Switches::default()
    });
    let (server, client) = data.start(flags).await;
    let batch = client.create(&input, CHAT).await.id();
    server.clock().advance(seconds(4)).unwrap();
    let (output, error) = client.results(&batch).await;
    assert_eq!(
        (custom_ids(&output), custom_ids(&error)),
        (vec!["a-1".into(), "a-3".into()], vec!["a-2".into()])
    );
    assert!(output.contains("\"content\": \"question 1\""), "{output}");
    assert_eq!(client.create("file-none", CHAT).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn no_id_comes_twice() {
    let data = Data::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (server, client) = data.start(frozen()).await;
        let answers = [
            client.upload("batch", "a.jsonl", chats(1)[0].as_bytes()).await,
            client.get("/files").await,
            client.with_authorization(None).get("/files").await,
        ];
        let input = answers[0].id();
        ids.push(client.create(&input, CHAT).await.id());
        ids.push(input);
        ids.extend(answers.iter().map(|answer| answer.header("x-request-id").unwrap().to_owned()));
        let answer = client.post("/chat/completions", &crate::support::chat_body("hello")).await;
        ids.push(answer.id());
        server.stop().await;
    }
    let n = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), n);
}

#[tokio::test]
async fn worlds_stay_apart_and_their_keys_are_not_kept() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    let keys = ["sk-a-very-secret-key-4711", "hush"];
    let mut files = Vec::new();
    for key in keys {
        let answer = client.with_key(key).upload("evals", key.get(..2).unwrap(), "x").await;
        files.push(answer.id());
    }
    server.clock_of(keys[0]).advance(days(1)).unwrap();
    server.stop().await;

    let (server, client) = data.start(frozen()).await;
    for (key, file) in keys.iter().zip(&files) {
        let page = client.with_key(key).get("/files").await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), 1, "{key}");
        assert_eq!(page["data"][0]["id"], file.as_str());
    }
    assert_eq!(server.clock_of(keys[0]).now(), START + days(1));
    assert_eq!(server.clock_of(keys[1]).now(), START);
    server.stop().await;
    for path in files_below(&data.path()) {
        let bytes = std::fs::read(&path).unwrap();
        for key in keys {
            let is_there = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!is_there, "{} holds a key", path.display());
        }
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    assert!(!found.is_empty());
    found
}

#[tokio::test]
async fn a_clock_keeps_its_mode_whatever_is_said_when_the_mock_is_started() {
    let data = Data::new();
    let (server, _) = data.start(frozen()).await;
    server.clock().advance(days(1)).unwrap();
    server.clock_of("sk-running").set_mode(ClockMode::Scaled(60_000.0));
    let before = server.clock_of("sk-running").now();
    server.stop().await;

    let (server, _) = data.start(MockServer::builder().clock(ClockMode::Real)).await;
    assert_eq!(server.clock().now(), START + days(1));
    let after = server.clock_of("sk-running").now();
    assert!(after >= before, "a clock goes on while the mock is down, and never back");
    assert_ne!(server.clock_of("sk-new").now(), START, "what comes new follows the new flags");
}

#[tokio::test]
async fn on_a_stepping_clock_a_first_look_is_one_only_once() {
    let data = Data::new();
    let stepping = || frozen().clock(ClockMode::Stepping);
    let (server, client) = data.start(stepping()).await;
    let batch = client.batch(&chats(2)).await;
    assert_eq!(client.retrieve(&batch).await.json()["status"], "validating");
    server.stop().await;
    let (server, client) = data.start(stepping()).await;
    assert_eq!(client.retrieve(&batch).await.json()["status"], "in_progress");
    server.stop().await;
    let (_server, client) = data.start(stepping()).await;
    assert_eq!(client.retrieve(&batch).await.json()["request_counts"]["completed"], 1);
}

#[tokio::test]
async fn a_reset_world_is_empty_after_a_restart_and_takes_nothing_of_the_disk() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    fill(&server, &client).await;
    assert!(data.n_blobs() > 3);
    reset(&server, &client).await;
    server.stop().await;
    assert_eq!(data.n_blobs(), 0);

    let (server, client) = data.start(frozen()).await;
    assert_eq!(server.clock().now(), START);
    for list in ["/files", "/batches"] {
        assert_eq!(client.get(list).await.json()["data"], json!([]));
    }
    fill(&server, &client).await;
}

async fn reset(server: &MockServer, client: &Client) {
    let url = format!("http://{}/_mock/v1/reset", server.address());
    let answer = reqwest::Client::new().post(url).bearer_auth(server.api_key()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(client.get("/files").await.json()["data"], json!([]));
}

#[tokio::test]
async fn bytes_that_nothing_needs_any_more_go_from_the_disk() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    let expiring = Form::new()
        .field("purpose", "evals")
        .field("expires_after[anchor]", "created_at")
        .field("expires_after[seconds]", "3600")
        .file("a.bin", "x");
    assert_eq!(client.upload_form(&expiring).await.status, StatusCode::OK);
    let deleted = client.upload("evals", "b.bin", "x").await.id();
    let refused = client.upload("batch", "prose.jsonl", "prose").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let input = client.upload_lines(&chats(2)).await;
    let batch = client.create(&input, CHAT).await.id();
    server.clock().advance(days(1)).unwrap();
    for file in [&deleted, &input] {
        assert_eq!(client.delete(&format!("/files/{file}")).await.status, StatusCode::OK);
    }
    server.stop().await;
    assert_eq!(data.n_blobs(), 1, "a batch needs its input as long as its results are there");

    // What was left when the mock was killed goes when it is started again.
    std::fs::write(data.path().join("blobs").join("0-4711"), "left").unwrap();
    std::fs::create_dir(data.path().join("scratch-0")).unwrap();
    let (server, client) = data.start(frozen()).await;
    assert_eq!(custom_ids(&client.results(&batch).await.0).len(), 2);
    while data.n_blobs() > 1 || data.path().join("scratch-0").exists() {
        tokio::task::yield_now().await;
    }
    server.stop().await;
    // Connections may still hold on to it for a moment.
    while data.path().join("scratch-1").exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_input_goes_with_the_last_result_that_is_written_from_it() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    let batches = [
        client.batch(&[chat("a", "b"), chat("c~429", "d")]).await,
        client.batch(&chats(2)).await,
        client.batch(&["{}"]).await,
    ];
    server.clock().advance(days(1)).unwrap();
    // Nobody has looked at the results of the first; those of the second expire.
    let expiring = client.retrieve(&batches[1]).await.json();
    let page = client.get("/files").await.json();
    let ids = page["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap());
    for id in ids.filter(|id| expiring["output_file_id"] != *id) {
        assert_eq!(client.delete(&format!("/files/{id}")).await.status, StatusCode::OK);
    }
    server.clock().advance(days(29)).unwrap();
    let shown = client.get("/batches").await;
    assert_ne!(shown.json()["data"][2]["usage"]["output_tokens"], 0, "{shown}");
    server.stop().await;
    assert_eq!(data.n_blobs(), 1);

    let (server, client) = data.start(frozen()).await;
    assert_eq!(without_headers(client.get("/batches").await), without_headers(shown.clone()));
    server.clock().advance(days(1)).unwrap();
    assert_eq!(client.get("/files").await.json()["data"], json!([]));
    server.stop().await;
    assert_eq!(data.n_blobs(), 0);

    let (server, client) = data.start(frozen()).await;
    assert_eq!(without_headers(client.get("/batches").await), without_headers(shown));
    let reset = client.send(Method::POST, "/../_mock/v1/reset", None, Vec::new()).await;
    assert_eq!(reset.status, StatusCode::OK);
    server.stop().await;
}

#[tokio::test]
async fn what_is_stored_counts_after_a_restart() {
    let data = Data::new();
    let limited = || frozen().limits(Limits { world_bytes: 1_000, world_lines: 3, ..Limits::default() });
    let (server, client) = data.start(limited()).await;
    let file = client.upload("vision", "a", [b'a'; 900]).await.id();
    server.stop().await;
    let (server, client) = data.start(limited()).await;
    assert_eq!(client.upload("vision", "b", [b'b'; 101]).await.status, StatusCode::BAD_REQUEST);
    client.delete(&format!("/files/{file}")).await;
    let input = client.upload_lines(&chats(1)).await;
    client.create(&input, CHAT).await;
    server.stop().await;
    let (server, client) = data.start(limited()).await;
    // Lines of the input are not read again before somebody asks for them.
    assert_eq!(client.upload("batch", "b", "{}\n{}").await.status, StatusCode::OK);
    assert_eq!(client.create(&input, CHAT).await.status, StatusCode::SERVICE_UNAVAILABLE);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    let new = json!({"purpose": "evals", "filename": "a.bin", "bytes": 10, "mime_type": "text/plain"});
    let upload = client.post("/uploads", &new).await.id();
    let given_up = client.post("/uploads", &new).await.id();
    assert_ne!(upload, given_up);
    let add = async |client: &Client, upload: &str, bytes: &str| {
        let form =
            Form::new().part("Content-Disposition: form-data; name=\"data\"; filename=\"blob\"", bytes);
        let path = format!("/uploads/{upload}/parts");
        client.send(Method::POST, &path, Some(&Form::content_type()), form.body()).await.id()
    };
    let first = add(&client, &upload, "first").await;
    add(&client, &given_up, "never").await;
    server.stop().await;
    assert_eq!(data.n_blobs(), 2);

    let (server, client) = data.start(frozen()).await;
    let second = add(&client, &upload, "after").await;
    let complete = json!({"part_ids": [second, first]});
    let completed = client.post(&format!("/uploads/{upload}/complete"), &complete).await;
    assert_eq!(completed.status, StatusCode::OK, "{completed}");
    let cancelled = client.post(&format!("/uploads/{given_up}/cancel"), &json!({})).await;
    assert_eq!(cancelled.json()["status"], "cancelled");
    server.stop().await;
    assert_eq!(data.n_blobs(), 1, "parts go when nobody needs them any more");

    let (server, client) = data.start(frozen()).await;
    let file = completed.json()["file"]["id"].as_str().unwrap().to_owned();
    assert_eq!(client.content(&file).await.text(), "afterfirst");
    let again = client.post(&format!("/uploads/{upload}/complete"), &complete).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again}");
    assert_eq!(client.delete(&format!("/files/{file}")).await.status, StatusCode::OK);
    server.stop().await;
    let (server, client) = data.start(frozen()).await;
    let cancel = client.post(&format!("/uploads/{upload}/cancel"), &json!({})).await;
    assert_eq!(cancel.message(), again.message(), "it stays completed, also without its file");
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_read_again_before_somebody_asks_for_it() {
    let data = Data::new();
    let (server, client) = data.start(frozen()).await;
    let batch = client.batch(&chats(2)).await;
    server.clock().advance(seconds(3)).unwrap();
    server.stop().await;
    for entry in std::fs::read_dir(data.path().join("blobs")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let (server, client) = data.start(frozen()).await;
    let file = client.get("/files").await.json()["data"][0].clone();
    assert_eq!(file["bytes"].as_u64().unwrap(), chats(2).join("\n").len() as u64 + 1);
    assert_eq!(client.retrieve(&batch).await.json()["status"], "finalizing");
    server.clock().advance(seconds(1)).unwrap();
    // Now the input is wanted, and not there: that is told, and no path with it.
    let answer = client.get(&format!("/files/{}/content", file["id"].as_str().unwrap())).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.message().contains('/'), "{answer}");
    let batch = client.retrieve(&batch).await.json();
    assert_eq!(
        (&batch["status"], &batch["errors"]["data"][0]["code"]),
        (&json!("completed"), &json!("server_error"))
    );
    assert!(!batch["errors"].to_string().contains('/'), "{batch}");
}

#[tokio::test]
async fn a_directory_belongs_to_one_server_at_a_time() {
    let data = Data::new();
    let (server, _) = data.start(frozen()).await;
    let error = frozen().data_dir(data.path()).start().await.unwrap_err();
    assert!(error.to_string().contains("is in use by another batchmock"), "{error}");
    assert!(error.downcast::<batchmock::DataDirError>().is_ok());
    server.stop().await;
    drop(data.start(frozen()).await);
}

#[tokio::test]
async fn a_server_that_was_closed_says_so_to_whoever_changes_something() {
    let data = Data::new();
    let dir = batchmock::DataDir::open(data.path()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = batchmock::Config { data_dir: Some(dir.clone()), ..batchmock::Config::default() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move {
        let _ = stopped.await;
    };
    let serving =
        tokio::spawn(batchmock::serve(listener, config.clone(), Vec::new(), stopped, Duration::ZERO));
    let ask = |method: Method| {
        let request = reqwest::Client::new().request(method, format!("http://{address}/v1/files"));
        request.bearer_auth("sk-any").send()
    };
    assert_eq!(ask(Method::GET).await.unwrap().status(), 200);
    let error = batchmock::serve(
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
        config,
        Vec::new(),
        std::future::ready(()),
        Duration::ZERO,
    );
    assert_eq!(error.await.unwrap_err().to_string(), "another server of this process has the data directory");
    dir.close();
    let answer = reqwest::Client::new()
        .get(format!("http://{address}/v1/files"))
        .bearer_auth("sk-other")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 500);
    drop(stop);
    serving.await.unwrap().unwrap();
}
