//! The headers of the edge and of inference, and the older front before chat completions.

use serde_json::json;

use crate::support::{Answer, CHAT, Client, chat_body, chats, frozen, start};

const OLD_FRONT_JSON: &str = "{\n    \"error\": {\n        \"message\": \"";

async fn files_and_batches() -> Vec<(&'static str, Answer)> {
    let (_server, client) = start().await;
    let upload = client.upload("batch", "requests.jsonl", chats(1).concat()).await;
    let create = client.create(&upload.id(), CHAT).await;
    let batch = create.id();
    vec![
        ("files", client.content(&upload.id()).await),
        ("files", upload),
        ("files", client.get("/files").await),
        ("files", client.get("/files/none").await),
        ("batches", client.retrieve(&batch).await),
        ("batches", create),
        ("batches", client.cancel(&batch).await),
        ("batches", client.retrieve("batch_1").await),
    ]
}

/// As the front answers that stands before chat completions.
fn assert_of_the_old_front(answer: &Answer) {
    assert!(answer.text().starts_with(OLD_FRONT_JSON), "{answer}");
    assert!(answer.text().ends_with("\n    }\n}\n"), "{answer}");
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("vary"), Some("Origin"));
    assert_eq!(answer.header("openai-version"), None);
}

#[tokio::test]
async fn f_006_a_401_on_chat_completions_comes_from_the_older_front() {
    let server = frozen().keys(["sk-right"]).start().await.unwrap();
    let client = Client::new(&server);
    for stranger in [client.with_key("sk-wrong"), client.with_authorization(None)] {
        let answer = stranger.post("/chat/completions", &chat_body("hello")).await;
        assert_eq!(answer.status, 401);
        assert_of_the_old_front(&answer);
        assert_eq!(answer.header("www-authenticate"), None);
    }
}

#[tokio::test]
async fn f_007_answers_of_files_and_batches_have_the_headers_of_the_edge() {
    for (_, answer) in files_and_batches().await {
        let transport = answer.header("strict-transport-security");
        assert_eq!(transport, Some("max-age=31536000; includeSubDomains; preload"));
        assert_eq!(answer.header("x-openai-proxy-wasm"), Some("v0.1"));
        assert_eq!(answer.header("server"), Some("cloudflare"));
        assert_eq!(answer.header("cf-cache-status"), Some("DYNAMIC"));
        let (ray, airport) = answer.header("cf-ray").unwrap().split_once('-').unwrap();
        assert!(ray.len() == 16 && ray.bytes().all(|digit| digit.is_ascii_hexdigit()), "{ray}");
        assert!(airport.len() == 3 && airport.bytes().all(|letter| letter.is_ascii_uppercase()), "{airport}");
        // It would send a client away from the mock, and so is left out on purpose.
        assert_eq!(answer.header("alt-svc"), None);
    }
}

#[tokio::test]
async fn f_008_pages_may_read_the_ray_of_files_and_the_request_id_of_batches() {
    for (route, answer) in files_and_batches().await {
        let mut exposed: Vec<_> = answer
            .headers
            .get_all("access-control-expose-headers")
            .iter()
            .flat_map(|value| value.to_str().unwrap().split(','))
            .map(str::trim)
            .collect();
        exposed.sort_unstable();
        let expected: &[&str] = if route == "files" { &["CF-Ray"] } else { &["CF-Ray", "X-Request-ID"] };
        assert_eq!(exposed, expected, "{route}");
    }
}

#[tokio::test]
async fn f_009_answers_of_inference_tell_rate_limits() {
    let (_server, client) = start().await;
    let embedding = json!({"model": "text-embedding-3-small", "input": "hello"});
    for answer in [
        client.post("/chat/completions", &chat_body("hello")).await,
        client.post("/embeddings", &embedding).await,
    ] {
        assert_eq!(answer.status, 200);
        for kind in ["requests", "tokens"] {
            let header = |what: &str| {
                let name = format!("x-ratelimit-{what}-{kind}");
                answer.header(&name).unwrap_or_else(|| panic!("no {name}"))
            };
            let number = |what: &str| header(what).parse::<u64>().unwrap();
            assert!(number("remaining") <= number("limit"));
            let reset = header("reset");
            let digits = reset.strip_suffix("ms").or_else(|| reset.strip_suffix('s')).unwrap();
            assert!(digits.parse::<f64>().is_ok(), "{reset}");
        }
    }
}

#[tokio::test]
async fn f_024_bad_json_on_chat_completions_is_answered_by_the_older_front() {
    let (_server, client) = start().await;
    let answer = client
        .send(reqwest::Method::POST, "/chat/completions", Some("application/json"), b"{\"model\":".to_vec())
        .await;
    assert_eq!(answer.status, 400);
    assert_of_the_old_front(&answer);
}
