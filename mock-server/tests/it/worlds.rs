//! Accounts, and what all routes have in common.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, CHAT, Client, Transcript, chats, frozen, seconds, start};

/// Every route, with an id that does not exist.
const ROUTES: [(&str, &str); 21] = [
    ("POST", "/files"),
    ("GET", "/files"),
    ("GET", "/files/file-abc"),
    ("DELETE", "/files/file-abc"),
    ("GET", "/files/file-abc/content"),
    ("POST", "/batches"),
    ("GET", "/batches"),
    ("GET", "/batches/batch_abc"),
    ("POST", "/batches/batch_abc/cancel"),
    ("POST", "/uploads"),
    ("POST", "/uploads/upload_abc/parts"),
    ("POST", "/uploads/upload_abc/complete"),
    ("POST", "/uploads/upload_abc/cancel"),
    ("GET", "/models"),
    ("GET", "/models/gpt-4o-mini"),
    ("DELETE", "/models/gpt-4o-mini"),
    ("POST", "/chat/completions"),
    ("POST", "/completions"),
    ("POST", "/embeddings"),
    ("POST", "/responses"),
    ("POST", "/moderations"),
];

async fn send(client: &Client, (method, path): (&str, &str)) -> Answer {
    client.send(method.parse().unwrap(), path, None, Vec::new()).await
}

fn ids_of(page: &Answer) -> Vec<Value> {
    page.json()["data"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}

// Keys

#[tokio::test]
async fn two_keys_never_see_each_other() {
    let (server, own) = start().await;
    let other = own.with_key("sk-other");
    let file = own.upload_lines(&chats(1)).await;
    let batch = own.create(&file, CHAT).await.id();

    for path in [format!("/files/{file}"), format!("/files/{file}/content")] {
        assert_eq!(other.get(&path).await.message(), format!("No such File object: {file}"));
    }
    assert_eq!(other.delete(&format!("/files/{file}")).await.status, StatusCode::NOT_FOUND);
    for answer in [other.retrieve(&batch).await, other.cancel(&batch).await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.message(), format!("No batch found with id '{batch}'."));
    }
    for list in ["/files", "/batches"] {
        assert_eq!(ids_of(&other.get(list).await), [Value::Null; 0]);
        assert_eq!(ids_of(&other.get(&format!("{list}?after={file}")).await), [Value::Null; 0]);
        assert_eq!(ids_of(&own.get(list).await).len(), 1);
    }

    let clock = server.clock_of("sk-other");
    let before = server.clock().now();
    clock.advance(Duration::from_hours(1)).unwrap();
    assert_eq!(clock.now().since(before), Duration::from_hours(1));
    assert_eq!(server.clock().now(), before);
    assert_eq!(own.retrieve(&batch).await.json()["status"], "validating");
}

#[tokio::test]
async fn two_keys_draw_different_ids() {
    let (_server, client) = start().await;
    let (a, b) = (client.with_key("sk-a"), client.with_key("sk-b"));
    let (file_a, file_b) = (a.upload_lines(&chats(1)).await, b.upload_lines(&chats(1)).await);
    assert_ne!(file_a, file_b);
    let (a, b) = (a.create(&file_a, CHAT).await, b.create(&file_b, CHAT).await);
    assert_ne!(a.id(), b.id());
    assert_ne!(a.header("openai-organization"), b.header("openai-organization"));
    assert_ne!(a.header("openai-project"), b.header("openai-project"));
}

#[tokio::test]
async fn the_password_of_basic_authentication_is_a_key() {
    let (_server, client) = start().await;
    let file = client.with_key("sk-any").upload_lines(&chats(1)).await;
    // ":sk-any" and "user:sk-any".
    for authorization in ["Basic OnNrLWFueQ==", "basic dXNlcjpzay1hbnk="] {
        let answer = client.with_authorization(Some(authorization)).get("/files").await;
        assert_eq!(ids_of(&answer), [json!(file)]);
    }
}

#[tokio::test]
async fn no_route_answers_without_a_key() {
    let (_server, client) = start().await;
    for authorization in [None, Some("Bearer "), Some("Basic !"), Some("sk-any"), Some("Digest x")] {
        let stranger = client.with_authorization(authorization);
        for route in ROUTES {
            let answer = send(&stranger, route).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{route:?}");
            // The two forms of F-006.
            if route.1 == "/chat/completions" {
                assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
                assert_eq!(answer.header("vary"), Some("Origin"));
                assert_eq!(answer.header("www-authenticate"), None);
                assert_eq!(answer.header("openai-version"), None);
                continue;
            }
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"OpenAI API\""));
            assert_eq!(answer.header("openai-version"), Some("2020-10-01"));
        }
    }
    let stranger = client.with_authorization(None);
    let mut transcript = Transcript::default();
    for path in ["/files", "/batches", "/models"] {
        transcript.add(path, &stranger.get(path).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_server_can_be_told_which_keys_there_are() {
    let server = frozen().keys(["sk-one", "sk-two"]).start().await.unwrap();
    assert_eq!(server.api_key(), "sk-one");
    let client = Client::new(&server);
    let file = client.upload_lines(&chats(1)).await;
    assert_eq!(ids_of(&client.get("/files").await), [json!(file)]);
    assert_eq!(ids_of(&client.with_key("sk-two").get("/files").await), [Value::Null; 0]);
    let wrong = client.with_key("sk-three-is-none-of-them");
    for route in ROUTES {
        let answer = send(&wrong, route).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{route:?}");
        assert!(answer.message().starts_with("Incorrect API key provided: sk-three************them. "));
        assert_eq!(answer.header("openai-organization"), None);
    }
    // The password of basic authentication.
    let answer = client.with_authorization(Some("Basic OnNrLXRocmVl")).get("/files").await;
    assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
}

// Routes

#[tokio::test]
async fn a_body_that_says_it_is_no_json_is_not_read() {
    let (_server, client) = start().await;
    let body = || json!({"input_file_id": "file-abc"}).to_string().into_bytes();
    let mut transcript = Transcript::default();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        transcript
            .add(content_type, &client.send(Method::POST, "/batches", Some(content_type), body()).await);
    }
    insta::assert_snapshot!(transcript);
    let missing = "Missing required parameter: 'endpoint'.";
    for content_type in [None, Some("application/json"), Some("Application/JSON; charset=utf-8")] {
        let answer = client.send(Method::POST, "/batches", content_type, body()).await;
        assert_eq!(answer.message(), missing, "{content_type:?}");
    }
    // Where there is nothing to read, its type does not matter.
    let answer = client.send(Method::POST, "/batches", Some("text/plain"), Vec::new()).await;
    assert_eq!(answer.message(), "Missing required parameter: 'input_file_id'.");
}

#[tokio::test]
async fn what_is_no_url_is_told_so() {
    let (_server, client) = start().await;
    let stranger = client.with_authorization(None);
    let mut transcript = Transcript::default();
    for route in [
        ("POST", "/chat/not-found"),
        ("GET", ""),
        ("GET", "/files/"),
        ("GET", "/files/a/b/c?purpose=batch"),
        ("PATCH", "/batches/batch_1/pause"),
        ("GET", "/../secret"),
    ] {
        let answer = send(&client, route).await;
        assert_eq!(send(&stranger, route).await.to_string(), answer.to_string(), "with a key or without");
        transcript.add(&format!("{} {}", route.0, route.1), &answer);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_route_has_its_methods_and_no_others() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for route in [
        ("PUT", "/files"),
        ("POST", "/files/file-abc"),
        ("DELETE", "/files/file-abc/content"),
        ("DELETE", "/batches"),
        ("POST", "/batches/batch_1"),
        ("GET", "/batches/batch_1/cancel"),
        ("POST", "/models"),
        ("GET", "/chat/completions"),
    ] {
        let answer = send(&client, route).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{route:?}");
        let allowed = answer.header("allow").unwrap_or_else(|| panic!("{route:?}: no header `allow`"));
        transcript.add(&format!("{} {} (only {allowed})", route.0, route.1), &answer);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn every_answer_has_the_headers_of_the_api() {
    let (server, client) = start().await;
    let file = client.upload_lines(&chats(1)).await;
    let batch = client.create(&file, CHAT).await.id();
    server.clock().advance(seconds(1)).unwrap();
    let mut request_ids = std::collections::HashSet::new();
    let mut accounts = std::collections::HashSet::new();
    let (content, retrieved) = (format!("/files/{file}/content"), format!("/batches/{batch}"));
    let found = [("GET", content.as_str()), ("GET", &retrieved)];
    let wrong = [("GET", "/nowhere"), ("PUT", "/files"), ("GET", "/batches?limit=101")];
    for route in ROUTES.into_iter().chain(found).chain(wrong) {
        let answer = send(&client, route).await;
        // F-007.
        assert_eq!(answer.header("openai-version"), Some("2020-10-01"), "{route:?}");
        assert!(answer.header("openai-processing-ms").unwrap().parse::<u32>().is_ok());
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        // But for the models, which name nobody.
        let account = ["openai-organization", "openai-project"].map(|name| answer.header(name));
        assert_eq!(account.contains(&None), route.1.starts_with("/models"), "{route:?}");
        accounts.extend(account.into_iter().flatten().map(str::to_owned));
        // F-010.
        let id = answer.header("x-request-id").unwrap().strip_prefix("req_").unwrap().to_owned();
        assert!(id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        assert!(request_ids.insert(id), "{route:?}: a request id came twice");
        // F-009.
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
        // The clock of the world, not that of the wall.
        assert_eq!(answer.header("date"), Some("Thu, 01 Jan 2026 00:00:01 GMT"), "{route:?}");
    }
    assert_eq!(accounts.len(), 2);
}

#[tokio::test]
async fn answers_without_an_account_have_a_request_id_all_the_same() {
    let (_server, client) = start().await;
    let stranger = client.with_authorization(None);
    let mut request_ids = std::collections::HashSet::new();
    for route in [("GET", "/files"), ("GET", "/batches"), ("GET", "/nowhere")] {
        let answer = send(&stranger, route).await;
        assert!(answer.header("x-request-id").unwrap().starts_with("req_"), "{route:?}");
        assert!(request_ids.insert(answer.header("x-request-id").unwrap().to_owned()));
        assert_eq!(answer.header("openai-organization"), None);
    }
}

#[tokio::test]
async fn the_headers_of_each_route_are_what_they_are() {
    let (server, client) = start().await;
    let file = client.upload("batch", "requests.jsonl", chats(1).concat()).await;
    let batch = client.create(&file.id(), CHAT).await;
    let content = client.content(&file.id()).await;
    server.clock().advance(seconds(4)).unwrap();
    let missing = client.get("/files/none").await;
    let refused = client.retrieve("none").await;
    let said = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]});
    let chat = client.post("/chat/completions", &said).await;
    let no_chat = client.send(Method::POST, "/chat/completions", None, b"{".to_vec()).await;
    let input = |model: &str| json!({"model": model, "input": "hello"});
    let response = client.post("/responses", &input("gpt-4o-mini")).await;
    let moderation = client.post("/moderations", &input("omni-moderation-latest")).await;
    let model = client.get("/models/gpt-4o-mini").await;
    let answers = [
        ("upload", file),
        ("content", content),
        ("a file that is not there", missing),
        ("create", batch),
        ("no id of a batch", refused),
        ("chat", chat),
        ("no JSON for a chat", no_chat),
        ("response", response),
        ("moderation", moderation),
        ("model", model),
    ];
    let shown = answers.map(|(title, answer)| format!("── {title}\n{}", answer.header_lines()));
    insta::assert_snapshot!(shown.concat());
}

#[tokio::test]
async fn pages_of_browsers_may_read_files_as_they_may_those_of_the_service() {
    let (_server, client) = start().await;
    for (path, origin) in
        [("/files", Some("*")), ("/files/none", Some("*")), ("/batches", None), ("/models", None)]
    {
        let answer = client.get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), origin, "F-008: {path}");
    }
}

#[tokio::test]
async fn a_head_of_an_answer_can_be_had_alone() {
    let (_server, client) = start().await;
    let file = client.upload_lines(&chats(1)).await;
    let answer = client.send(Method::HEAD, &format!("/files/{file}/content"), None, Vec::new()).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn errors_have_the_envelope_of_their_route() {
    let (_server, client) = start().await;
    let files = client.get("/files/none").await.json();
    assert_eq!(files.as_object().unwrap().keys().collect::<Vec<_>>(), ["error", "detail"], "F-022");
    assert_eq!(files["detail"]["message"], files["error"]["message"]);
    let batches = client.retrieve("batch_1").await.json();
    assert_eq!(batches.as_object().unwrap().keys().collect::<Vec<_>>(), ["error"]);
    for envelope in [files, batches] {
        let keys: Vec<_> = envelope["error"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["message", "type", "param", "code"], "F-021");
    }
}
