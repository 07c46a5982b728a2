//! Errors that are answered.

use batchmock::{FaultCount, MockServer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{one, plan, with};
use crate::support::{Answer, CHAT, Client, Transcript, chats, frozen};

const PRESETS: [&str; 8] = [
    "rate_limit_requests",
    "rate_limit_tokens",
    "insufficient_quota",
    "server_error",
    "server_error_retry",
    "overloaded",
    "bad_gateway",
    "gateway_timeout",
];

fn n_fired(server: &MockServer) -> Vec<u32> {
    server.faults().counts().iter().map(|FaultCount { n_fired, .. }| *n_fired).collect()
}

#[tokio::test]
async fn each_error_with_a_name_is_answered_once() {
    let (server, client) = with("{ operation = 'unknown', delay = '0s' }").await;
    let mut transcript = Transcript::default();
    for preset in PRESETS {
        let text = format!("{{ operation = 'list_batches', nth = 1, error = '{preset}' }}");
        server.faults().replace(&one(&text)).unwrap();
        transcript.add(preset, &client.get("/batches").await);
        assert_eq!(client.get("/batches").await.status, 200, "{preset} is over");
        assert_eq!(n_fired(&server), [1]);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn an_error_has_the_form_and_the_headers_of_its_route() {
    let (_server, client) = with("{ error = 'server_error' }").await;
    let mut transcript = Transcript::default();
    for path in ["/files", "/batches"] {
        transcript.add(path, &client.get(path).await);
    }
    transcript.add("/embeddings", &client.post("/embeddings", &json!({})).await);
    insta::assert_snapshot!(transcript);
    let answer = client.get("/files").await;
    for name in ["x-request-id", "openai-version", "openai-processing-ms", "cf-ray", "openai-organization"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_page_of_the_edge_has_nothing_of_the_api() {
    let (_server, client) = with("{ operation = 'retrieve_batch', error = 'bad_gateway' }").await;
    let answer = client.retrieve("batch_1").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (502, Some("text/html")));
    assert_eq!(answer.header("server"), Some("cloudflare"));
    assert!(answer.header("cf-ray").is_some());
    for name in ["x-request-id", "openai-version", "openai-processing-ms", "openai-organization"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
}

#[tokio::test]
async fn a_client_is_told_when_to_try_again_in_each_way() {
    let (server, client) = with("{ operation = 'unknown', delay = '0s' }").await;
    let ask = async |more: &str| -> Answer {
        server.faults().replace(&one(&format!("{{ error = 'rate_limit_requests'{more} }}"))).unwrap();
        client.get("/batches").await
    };
    let absent = ask("").await;
    assert_eq!((absent.header("retry-after"), absent.header("retry-after-ms")), (None, None));
    assert_eq!(absent.header("x-should-retry"), None);
    assert!(absent.message().contains("Please try again in 120ms."), "{absent}");

    let seconds = ask(", retry_after = 2").await;
    assert_eq!(seconds.header("retry-after"), Some("2"));
    assert!(seconds.message().contains("Please try again in 2s."), "{seconds}");
    let millis = ask(", retry_after_ms = 1500").await;
    assert_eq!((millis.header("retry-after"), millis.header("retry-after-ms")), (None, Some("1500")));
    assert!(millis.message().contains("Please try again in 1.5s."), "{millis}");
    // A date of the wall, and not of the world, whose clock stands still in 2026-01.
    let date = ask(", retry_after_date = '876000h'").await;
    let told = date.header("retry-after").unwrap();
    let year: u32 = told.split(' ').nth(3).unwrap().parse().unwrap();
    assert!(told.ends_with(" GMT") && year > 2120, "{told}");
    assert_eq!(ask(", retry_after_text = 'soon'").await.header("retry-after"), Some("soon"));
    assert_eq!(ask(", should_retry = false").await.header("x-should-retry"), Some("false"));
    assert_eq!(ask(", should_retry = true").await.header("x-should-retry"), Some("true"));
}

#[tokio::test]
async fn an_error_of_ones_own_says_what_it_is_told_to() {
    let plan = plan(
        r#"
        [[fault]]
        nth = 1
        status = 429
        error = { message = "Too many batches.", code = "batches_an_hour" }

        [[fault]]
        nth = 2
        status = 418
        body = { detail = ["short", "stout"] }
        headers = { x-own = "yes", content-type = "application/problem+json", x-request-id = "mine" }

        [[fault]]
        nth = 3
        status = 520
        body = "<h1>What?</h1>"

        [[fault]]
        nth = 4
        status = 200
        body = '{"object": "list"'

        [[fault]]
        nth = 5
        status = 503

        [[fault]]
        nth = 6
        status = 404
        "#,
    );
    let server = frozen().faults(plan).start().await.unwrap();
    let client = Client::new(&server);
    let mut transcript = Transcript::default();
    for title in ["error", "body", "page", "cut JSON", "503", "404", "over"] {
        let answer = client.get("/batches").await;
        let content_type = answer.header("content-type").unwrap();
        transcript.add(&format!("{title}, {content_type}"), &answer);
        if title == "body" {
            assert_eq!((answer.header("x-own"), answer.header("x-request-id")), (Some("yes"), Some("mine")));
        }
    }
    insta::assert_snapshot!(transcript);
    assert_eq!(n_fired(&server), [1; 6]);
}

#[tokio::test]
async fn an_error_leaves_no_trace_unless_the_request_is_carried_out() {
    let (server, client) = with("{ operation = 'create_batch', nth = 1, error = 'server_error' }").await;
    let input = client.upload_lines(&chats(1)).await;
    let n_batches =
        async || client.get("/batches").await.json()["data"].as_array().expect("there is a list").len();
    assert_eq!(client.create(&input, CHAT).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(n_batches().await, 0);
    let rule = "{ operation = 'create_batch', first = 1, error = 'bad_gateway', carried_out = true }";
    server.faults().add(&one(rule)).unwrap();
    assert_eq!(client.create(&input, CHAT).await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(n_batches().await, 1);
    assert_eq!(client.create(&input, CHAT).await.status, StatusCode::OK);
    assert_eq!(n_batches().await, 2);
}

#[tokio::test]
async fn an_upload_is_heard_out_before_it_is_refused() {
    let (_server, client) = with("{ operation = 'upload_file', first = 1, error = 'overloaded' }").await;
    let line = format!("{}\n", chats(1)[0]);
    let large = line.repeat(4 * 1024 * 1024 / line.len());
    assert_eq!(client.upload("batch", "a.jsonl", &large).await.status, 503);
    assert_eq!(client.upload("batch", "a.jsonl", &large).await.status, 200);
}

#[tokio::test]
async fn counts_are_those_of_each_world_and_each_operation() {
    let (server, client) =
        with("{ operation = ['list_*', 'retrieve_model'], nth = 2, error = 'overloaded' }").await;
    let other = client.with_key("sk-other");
    assert_eq!(client.get("/files").await.status, 200);
    assert_eq!(other.get("/files").await.status, 200);
    assert_eq!(client.get("/models/gpt-4o").await.status, 503, "it is the second that is right for the rule");
    assert_eq!(client.get("/batches").await.status, 200);
    assert_eq!(other.get("/batches").await.status, 503);
    assert_eq!(n_fired(&server), [1]);
    // Who has no world has no faults.
    assert_eq!(client.with_authorization(None).get("/files").await.status, 401);
}

#[tokio::test]
async fn dice_fall_the_same_for_the_same_seed() {
    let thrown = async |seed| {
        let rule = one("{ probability = 0.5, error = 'overloaded' }");
        let server = frozen().seed(seed).faults(rule).start().await.unwrap();
        let client = Client::new(&server);
        let mut statuses = Vec::new();
        for _ in 0..32 {
            statuses.push(client.get("/batches").await.status.as_u16());
        }
        statuses
    };
    let first = thrown(1).await;
    assert!(first.contains(&200) && first.contains(&503), "{first:?}");
    assert_eq!(first, thrown(1).await);
    assert_ne!(first, thrown(2).await);
}
