//! Recordings.

use std::collections::BTreeMap;
use std::path::PathBuf;

use batchmock::responder::canary;
use batchmock::{LineRules, MockServer, Recording, Unrecorded};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{content, find, run, run_at, started};
use crate::support::{
    CHAT, Client, SEED, chat, chat_body, frozen, line, results_of, seconds, slower_than_the_window,
};

/// Files in a directory of their own, which goes with it.
pub(super) struct Files(tempfile::TempDir);

impl Files {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Writes a file and gives its path.
    pub(super) fn add(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// What a server of another seed recorded of these lines: output and error file.
async fn recorded(lines: &[String]) -> (String, String) {
    let (server, client) = started(frozen().seed(SEED + 1)).await;
    let (_, output, error) = run(&server, &client, lines).await;
    (output, error)
}

/// What lines got, by their names: all of it but the ids that each run draws anew.
fn got(files: [&str; 2]) -> BTreeMap<String, String> {
    let lines = files.iter().flat_map(|file| results_of(file));
    lines
        .map(|line| {
            let response = &line["response"];
            let told = format!("{} {} {}", response["status_code"], response["body"], line["error"]);
            (line["custom_id"].as_str().unwrap().to_owned(), told)
        })
        .collect()
}

#[tokio::test]
async fn a_batch_gets_what_was_recorded() {
    let names = ["plain", "\"é\"", "refused~400", "slow~timeout", "broken~500", "no~refusal", "cut~length"];
    let lines = names.map(|name| chat(name, &format!("a question for {name}")));
    // Names that say how to end would come first.
    let harmless = |text: &str| text.replace('~', "-");
    let (output, error) = recorded(&lines).await;
    let (output, error) = (harmless(&output), harmless(&error));
    let files = Files::new();
    let recording = Recording::open([files.add("o.jsonl", &output), files.add("e.jsonl", &error)]).unwrap();
    assert_eq!((recording.len(), recording.problems()), (7, &[][..]));

    let (server, client) = started(frozen().recording(recording)).await;
    let id = client.batch(&lines.map(|line| harmless(&line))).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["request_counts"], json!({"total": 7, "completed": 4, "failed": 3}));
    let files = client.results(&id).await;
    assert_eq!(got([&files.0, &files.1]), got([&output, &error]));
    assert_eq!(*content(&find([&output, ""], "plain")), canary(SEED + 1, "plain", "a question for plain"));
    let sum = |name: &str| -> u64 {
        results_of(&output).iter().map(|line| line["response"]["body"]["usage"][name].as_u64().unwrap()).sum()
    };
    assert_eq!(batch["usage"]["input_tokens"], sum("prompt_tokens"));
    assert_eq!(batch["usage"]["output_tokens"], sum("completion_tokens"));
}

#[tokio::test]
async fn bodies_come_back_to_the_letter() {
    let body = r#"{"id": "own",  "n": 1.50, "big": 12345678901234567890123, "t": "\u00e9é", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}"#;
    let files = Files::new();
    let result =
        format!(r#"{{"custom_id": "a", "response": {{"status_code": 200, "body": {body}}}, "error": null}}"#);
    let recording = Recording::open([files.add("output.jsonl", &result)]).unwrap();
    let (server, client) = started(frozen().recording(recording)).await;
    let id = client.batch(&[chat("a", "hello")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let (output, _) = client.results(&id).await;
    assert!(output.contains(&format!("\"body\": {body}}}, \"error\": null}}\n")), "{output}");
    let usage = &client.retrieve(&id).await.json()["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn what_was_recorded_comes_after_names_and_rules_and_before_all_else() {
    let files = Files::new();
    let result = |custom_id| {
        json!({"custom_id": custom_id, "response": {"status_code": 200, "body": {"from": "recording"}}})
            .to_string()
    };
    let names = ["a", "b~429", "c", "bad"].map(result).join("\n");
    let recording = Recording::open([files.add("output.jsonl", &names)]).unwrap();
    let rules = LineRules::from_toml("[[line]]\ncustom_id = 'c'\nbody = { from = 'rule' }").unwrap();
    let (server, client) = started(frozen().recording(recording).rules(rules)).await;
    let bad = line("bad", CHAT, &json!({"model": "gpt-4o-mini", "messages": []}));
    let lines = [chat("a", "x"), chat("b~429", "x"), chat("c", "x"), bad, chat("unknown", "x")];
    let (counts, output, error) = run(&server, &client, &lines).await;
    assert_eq!(counts, json!({"total": 5, "completed": 3, "failed": 2}));
    let response = |custom_id| find([&output, &error], custom_id)["response"].clone();
    assert_eq!(response("a")["body"]["from"], "recording");
    assert_eq!(response("bad")["body"]["from"], "recording", "the service took it once");
    assert_eq!(response("b~429")["status_code"], 429);
    assert_eq!(response("c")["body"]["from"], "rule");
    let unknown = response("unknown");
    assert_eq!(
        (&unknown["status_code"], &unknown["body"]["error"]["code"]),
        (&json!(404), &json!("no_recording"))
    );
    assert_eq!(
        unknown["body"]["error"]["message"],
        "batchmock has no recorded answer for the line 'unknown'."
    );

    let answer = client.post("/chat/completions", &chat_body("hello")).await;
    assert_eq!(answer.status, 200, "a recording by name is not asked about calls");
}

#[tokio::test]
async fn what_was_not_recorded_may_be_answered() {
    let files = Files::new();
    let expired =
        r#"{"custom_id": "a", "response": null, "error": {"code": "batch_expired", "message": "Expired."}}"#;
    let recording = Recording::open([files.add("error.jsonl", expired)]).unwrap();
    let builder = frozen().recording(recording).unrecorded(Unrecorded::IsAnswered);
    let (server, client) = started(builder).await;
    let (counts, output, _) = run(&server, &client, &[chat("a", "x"), chat("b", "x")]).await;
    assert_eq!(counts["completed"], 2);
    for custom_id in ["a", "b"] {
        assert_eq!(*content(&find([&output, ""], custom_id)), canary(SEED, custom_id, "x"));
    }
}

#[tokio::test]
async fn with_an_input_a_request_gets_what_an_equal_one_got() {
    let input = [chat("one", "What is 1+1?"), chat("two~429", "What is 2+2?")];
    let (output, error) = recorded(&input).await;
    let files = Files::new();
    let recording = Recording::open([files.add("output.jsonl", &output), files.add("error.jsonl", &error)])
        .and_then(|recording| recording.with_input([files.add("input.jsonl", &input.join("\n"))]))
        .unwrap();
    let (server, client) = started(frozen().recording(recording)).await;

    let reordered = |custom_id: &str, prompt: &str| {
        let body =
            format!(r#"{{"messages": [{{"content": {prompt:?}, "role": "user"}}], "model":"gpt-4o-mini"}}"#);
        format!(
            r#"{{"body": {body}, "url": "/v1/chat/completions", "method": "POST", "custom_id": "{custom_id}"}}"#
        )
    };
    let lines =
        [reordered("x", "What is 1+1?"), reordered("y", "What is 2+2?"), reordered("one", "What is 3+3?")];
    let (counts, output, error) = run(&server, &client, &lines).await;
    assert_eq!(counts, json!({"total": 3, "completed": 1, "failed": 2}));
    let find = |custom_id| find([&output, &error], custom_id);
    assert_eq!(*content(&find("x")), canary(SEED + 1, "one", "What is 1+1?"));
    assert_eq!(find("y")["response"]["status_code"], 429);
    assert_eq!(find("one")["response"]["body"]["error"]["code"], "no_recording", "the name is not enough");

    let ask = |prompt: &'static str| {
        let client = client.clone();
        async move { client.post("/chat/completions", &chat_body(prompt)).await }
    };
    let answer = ask("What is 1+1?").await;
    assert_eq!(answer.json()["choices"][0]["message"]["content"], canary(SEED + 1, "one", "What is 1+1?"));
    assert_eq!(ask("What is 2+2?").await.status, 429);
    let missing = ask("What is 3+3?").await;
    assert_eq!(
        (missing.status.as_u16(), missing.message().as_str()),
        (404, "batchmock has no recorded answer for this call.")
    );
    let mut streaming = chat_body("What is 1+1?");
    streaming["stream"] = json!(true);
    assert_eq!(client.post("/chat/completions", &streaming).await.status, 404, "that is another request");
}

#[tokio::test]
async fn a_recording_that_is_gone_is_a_500_without_a_path() {
    let files = Files::new();
    let result = json!({"custom_id": "a", "response": {"status_code": 200, "body": {}}}).to_string();
    let path = files.add("output.jsonl", &result);
    let recording = Recording::open([&path]).unwrap();
    let (server, client) = started(frozen().recording(recording)).await;
    let id = client.batch(&[chat("a", "x")]).await;
    server.clock().advance(seconds(4)).unwrap();
    std::fs::remove_file(&path).unwrap();
    let output = client.retrieve(&id).await.json()["output_file_id"].as_str().unwrap().to_owned();
    let answer = client.content(&output).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("output.jsonl"), "{answer}");
    files.add("output.jsonl", &result);
    assert_eq!(client.content(&output).await.status, 200, "it is tried again");
}

#[tokio::test]
async fn lines_that_never_run_are_not_replayed() {
    let files = Files::new();
    let results: Vec<_> = (1..=4)
        .map(|n| {
            json!({"custom_id": format!("a-{n}"), "response": {"status_code": 200, "body": {}}}).to_string()
        })
        .collect();
    let recording = Recording::open([files.add("output.jsonl", &results.join("\n"))]).unwrap();
    let (server, client) = started(frozen().recording(recording).pace(slower_than_the_window())).await;
    let id = client.batch(&crate::support::chats(4)).await;
    server.clock().advance(crate::support::days(2)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "expired");
    let (output, error) = client.results(&id).await;
    assert_eq!(batch["request_counts"]["completed"].as_u64().unwrap(), output.lines().count() as u64);
    assert!(error.lines().count() > 0 && error.contains("batch_expired"));
}

#[tokio::test]
async fn other_endpoints_are_replayed_as_well() {
    let body = json!({"model": "text-embedding-3-small", "input": "hello", "dimensions": 3});
    let lines = [line("a", "/v1/embeddings", &body)];
    let (server, client) = started(frozen().seed(SEED + 1)).await;
    let (_, output, _) = run_at("/v1/embeddings", &server, &client, &lines).await;
    let files = Files::new();
    let recording = Recording::open([files.add("output.jsonl", &output)]).unwrap();
    let (server, client) = started(frozen().recording(recording)).await;
    let (_, again, _) = run_at("/v1/embeddings", &server, &client, &lines).await;
    let body = |file: &str| file[file.find("\"body\"").unwrap()..].to_owned();
    assert_eq!(body(&again), body(&output), "every digit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_the_lines_of_the_files(
        results in prop::collection::btree_map("[abc]-[0-3]", (0..5_u16, any::<bool>()), 0..8),
        lines in prop::collection::btree_set("[abc]-[0-3](~400)?", 1..8),
        is_answered: bool,
        by_request: bool,
    ) {
        let results: Vec<String> = results
            .iter()
            .map(|(name, (kind, _))| match kind {
                0 => json!({"custom_id": name, "response": null, "error": {"code": "batch_expired"}}),
                1 => json!({"custom_id": name, "response": null, "error": {"code": "request_timeout", "message": "x"}}),
                2 => json!({"custom_id": name, "response": {"status_code": 0, "body": {}}, "error": null}),
                3 => json!({"custom_id": name, "response": {"status_code": 503, "body": {"error": {}}}, "error": null}),
                _ => json!({"custom_id": name, "response": {"status_code": 200, "body": {"usage": {"prompt_tokens": 1}}}}),
            }.to_string())
            .collect();
        let files = Files::new();
        let path = files.add("results.jsonl", &(results.join("\n") + "\n{\"custom_id\": \"z\", \"response\": {\"status_code\": 200, \"body\": {}}}"));
        let mut recording = Recording::open([path]).unwrap();
        let lines: Vec<String> = lines.iter().map(|name| chat(name, "a question")).collect();
        if by_request {
            let input = lines.iter().chain([&chat("z", "z")]).cloned().collect::<Vec<_>>().join("\n");
            recording = recording.with_input([files.add("input.jsonl", &input)]).unwrap();
        }
        let unrecorded = if is_answered { Unrecorded::IsAnswered } else { Unrecorded::Fails };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (server, client): (MockServer, Client) =
                started(frozen().recording(recording).unrecorded(unrecorded)).await;
            let (counts, output, error) = run(&server, &client, &lines).await;
            prop_assert_eq!(counts["total"].as_u64().unwrap(), lines.len() as u64);
            prop_assert_eq!(counts["completed"].as_u64().unwrap(), output.lines().count() as u64);
            prop_assert_eq!(counts["failed"].as_u64().unwrap(), error.lines().count() as u64);
            let is_good = |line: &Value| line["response"]["status_code"] == 200;
            prop_assert!(results_of(&output).iter().all(is_good), "{}", output);
            prop_assert!(!results_of(&error).iter().any(is_good), "{}", error);
            Ok(())
        })?;
    }
}
