//! Inputs that are checked here, and what the mock says of the same: nothing that it finds is news.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use batchmock::MockServer;
use batchmock_client::requests::Checks;
use batchmock_client::run::Limits;
use batchmock_client::types::BatchStatus;
use batchmock_client::{Client, NewBatch, NewFile};

use crate::runs::Work;
use crate::support::{CHAT, Jumping, client_of, stepping};

/// What both hold an input against here, so that inputs over the limits are small.
const LIMITS: Limits =
    Limits { requests: 20, bytes: 20_000, embeddings: 20, enqueued_tokens: None, batches: 1 };

/// What validation can find that no input here brings about, and why.
const NOT_TRIED: [(&str, &str); 3] = [
    ("model_not_found", "only the service knows which models there are"),
    ("token_limit_exceeded", "only the service knows what the account may still use"),
    ("empty_file", "such a file is refused when it is uploaded"),
];

fn line(custom_id: &str, url: &str, body: &str) -> String {
    format!(r#"{{"custom_id":"{custom_id}","method":"POST","url":"{url}","body":{body}}}"#)
}

fn chat(custom_id: &str) -> String {
    line(custom_id, CHAT, r#"{"model":"gpt-4o-mini","messages":[]}"#)
}

fn embedding(custom_id: &str, input: &str) -> String {
    line(custom_id, "/v1/embeddings", &format!(r#"{{"model":"text-embedding-3-small","input":{input}}}"#))
}

/// Inputs that no batch can be made of, each with what is wrong.
fn bad_inputs() -> Vec<(&'static str, String)> {
    let second = |line: String| format!("{}\n{line}\n", chat("first"));
    let body = |body: &str| second(line("second", CHAT, body));
    let of = |line: &str| second(line.to_owned());
    let many = |number: usize, line: &dyn Fn(usize) -> String| {
        (0..number).fold(String::new(), |all, at| all + &line(at) + "\n")
    };
    vec![
        ("nothing", String::new()),
        ("blank lines", "\n \n".to_owned()),
        ("a first line that is blank", format!("\n{}\n", chat("first"))),
        ("a first line that is no JSON", "custom_id,prompt\n".to_owned()),
        ("a byte order mark", format!("\u{feff}{}\n", chat("first"))),
        ("half a line", of(r#"{"custom_id":"second""#)),
        ("a list", of("[1]")),
        ("a text", of("\"second\"")),
        ("two objects in a line", second(format!("{} {}", chat("second"), chat("third")))),
        ("no custom_id", of(r#"{"method":"POST","url":"/v1/chat/completions","body":{}}"#)),
        ("no custom_id but null", of(r#"{"custom_id":null,"method":"POST"}"#)),
        ("a number as custom_id", of(r#"{"custom_id":2}"#)),
        ("a custom_id twice", second(chat("first"))),
        ("a custom_id twice, once escaped", second(chat("firs\\u0074"))),
        ("no method", of(r#"{"custom_id":"second","url":"/v1/chat/completions","body":{}}"#)),
        ("another method", of(r#"{"custom_id":"second","method":"GET","url":"/v1/embeddings","body":{}}"#)),
        ("a method in small letters", of(r#"{"custom_id":"second","method":"post","url":"/v1","body":{}}"#)),
        ("no url", of(r#"{"custom_id":"second","method":"POST","body":{}}"#)),
        ("a url that is no endpoint", second(line("second", "/v1/chat/completion", "{}"))),
        ("a whole address", second(line("second", "https://api.openai.com/v1/chat/completions", "{}"))),
        ("no endpoint in the first line", line("first", "/chat/completions", "{}")),
        ("another endpoint", second(embedding("second", "\"x\""))),
        ("another endpoint, and another", format!("{}\n{}", second(chat("2")), embedding("3", "\"x\""))),
        ("no body", of(r#"{"custom_id":"second","method":"POST","url":"/v1/chat/completions"}"#)),
        ("a text as body", body("\"hello\"")),
        ("a stream", body(r#"{"model":"gpt-4o-mini","messages":[],"stream":true}"#)),
        ("no model", body(r#"{"messages":[]}"#)),
        ("a number as model", body(r#"{"model":4,"messages":[]}"#)),
        ("no messages", body(r#"{"model":"gpt-4o-mini"}"#)),
        ("no messages but null", body(r#"{"model":"gpt-4o-mini","messages":null}"#)),
        ("another model", body(r#"{"model":"gpt-4o","messages":[]}"#)),
        ("no model elsewhere", line("first", "/v1/moderations", r#"{"input":"x"}"#)),
        ("more lines than a batch has", many(21, &|at| chat(&at.to_string()))),
        (
            "more texts than a batch has",
            many(3, &|at| embedding(&at.to_string(), r#"["a","b","c","d","e","f","g"]"#)),
        ),
        ("more texts in a line", embedding("first", &format!("[{}\"x\"]", "\"x\",".repeat(20)))),
        (
            "more bytes than a file has",
            many(3, &|at| embedding(&at.to_string(), &format!("\"{}\"", "x".repeat(7_000)))),
        ),
    ]
}

/// What the mock finds in an input: the codes, with the lines they are about; or that it does not even take the file.
async fn found_by_the_mock(client: &Client, input: &str) -> Vec<(String, Option<u64>)> {
    let file = match client.files().upload(NewFile::from_bytes("in.jsonl", input.to_owned())).await {
        Ok(file) => file,
        Err(error) => {
            assert!(error.status().is_some_and(|status| status < 500), "{error}");
            return vec![("refused".to_owned(), None)];
        }
    };
    // A batch for the endpoint of the first line that names one.
    let of_line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["url"].as_str()?.to_owned())
    };
    let endpoint = input.lines().find_map(of_line).filter(|url| url != "/chat/completions");
    let new = NewBatch::new(&file.id, endpoint.as_deref().unwrap_or(CHAT));
    let batch = client.batches().create(&new).await.unwrap();
    let ended = client.batches().wait(&batch.id).await.unwrap();
    let errors = ended.errors.clone().map(|errors| errors.data).unwrap_or_default();
    errors.into_iter().map(|error| (error.code, error.line)).collect()
}

async fn strict_mock() -> MockServer {
    let Limits { requests, bytes, embeddings, .. } = LIMITS;
    let limits = batchmock::Limits {
        batch_lines: requests,
        batch_file_bytes: bytes,
        batch_embedding_inputs: embeddings,
        ..batchmock::Limits::default()
    };
    stepping().limits(limits).start().await.unwrap()
}

#[tokio::test]
async fn nothing_that_the_service_finds_was_unknown_before() {
    let server = strict_mock().await;
    let client = client_of(server.base_url(), &Jumping::default());
    let checks = Checks { is_one_batch: true, limits: LIMITS, ..Checks::default() };
    let (mut told, mut codes) = (String::new(), BTreeSet::new());
    for (what, input) in bad_inputs() {
        let work = Work::of(&input);
        let error = checks.file(&work.input).expect_err(what);
        writeln!(told, "{what}:").unwrap();
        for problem in error.problems() {
            writeln!(told, "  {problem}").unwrap();
        }
        let found = found_by_the_mock(&client, &input).await;
        assert!(!found.is_empty(), "{what}: the mock finds nothing wrong with it");
        for (code, line) in found {
            let is_known =
                error.problems().iter().any(|problem| line.is_none_or(|line| problem.line == line));
            assert!(is_known, "{what}: {code} in line {line:?}, and here {:?}", error.problems());
            codes.insert(code);
        }
    }
    insta::assert_snapshot!(told);
    for code in codes_of_the_mock() {
        let is_tried = codes.contains(code) != NOT_TRIED.iter().any(|(not_tried, _)| *not_tried == code);
        assert!(is_tried, "{code} is to be tried here, or to have a reason why not");
    }
}

/// The codes that the mock's validation knows, from its source: one that is added there is to be thought of here.
fn codes_of_the_mock() -> impl Iterator<Item = &'static str> {
    let source = include_str!("../../../mock-server/src/input/problem.rs");
    let code = source.split_once("fn code(").unwrap().1.split_once("fn message(").unwrap().0;
    let is_code = |text: &&str| {
        text.contains('_') && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
    };
    // The other name of one of them, if a switch says so.
    code.split('"').skip(1).step_by(2).filter(is_code).filter(|code| *code != "url_mismatch")
}

#[tokio::test]
async fn what_is_in_order_here_is_in_order_there() {
    let server = strict_mock().await;
    let client = client_of(server.base_url(), &Jumping::default());
    let checks = Checks { is_one_batch: true, limits: LIMITS, ..Checks::default() };
    let tokens = format!("[{}1]", "1,".repeat(100));
    for input in [
        chat("only"),
        format!("{}\r\n\n{}\r\n", chat("a"), chat("b")),
        embedding("tokens are one text", &tokens),
        (0..20).fold(String::new(), |all, at| all + &chat(&at.to_string()) + "\n"),
        line("a", "/v1/responses", r#"{"model":"gpt-4o-mini","input":"x","stream":false}"#),
    ] {
        checks.file(Work::of(&input).input).unwrap();
        assert_eq!(found_by_the_mock(&client, &input).await, [], "{input}");
    }
}

#[tokio::test]
async fn a_run_takes_what_no_single_batch_does() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    for (what, input) in bad_inputs() {
        let beginnings =
            ["another endpoint", "another model", "more", "a byte order", "a first line that is blank"];
        let is_for_several = beginnings.iter().any(|beginning| what.starts_with(beginning));
        let work = Work::of(&input);
        match client.run_file(&work.input, &work.output).await {
            Ok(summary) => {
                let is_completed = summary.batches.iter().all(|batch| batch.status == BatchStatus::Completed);
                assert!(is_for_several && is_completed, "{what}: {summary:?}");
            }
            Err(error) => assert!(!is_for_several && error.is_input(), "{what}: {error}"),
        }
    }
}

#[test]
fn other_servers_have_other_endpoints() {
    let work = Work::of(&line("a", "/v1/rerank", r#"{"query":"x"}"#));
    let error = Checks::default().file(&work.input).unwrap_err();
    let told = r#"line 1, column 40: url is "/v1/rerank", which is no endpoint of the Batch API; is "/v1/responses" meant?"#;
    assert_eq!(error.problems()[0].to_string(), told);
    let checked = Checks { any_endpoint: true, ..Checks::default() }.file(&work.input).unwrap();
    assert_eq!(checked.groups().collect::<Vec<_>>(), [("/v1/rerank", "")]);
}

#[test]
fn as_many_problems_are_told_as_are_wanted() {
    let work = Work::of(&"[]\n".repeat(300));
    let number = |checks: Checks| checks.file(&work.input).unwrap_err().problems().len();
    assert_eq!(number(Checks::default()), 100);
    assert_eq!(number(Checks { max_problems: 7, ..Checks::default() }), 7);
    assert_eq!(number(Checks { max_problems: 1_000, ..Checks::default() }), 300);
}
