//! Transport, keys and headers.

use batchmock::Switches;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Answer, CHAT, Client, chat, chats, frozen, new_batch, start};

const NO_KEY: &str = "You didn't provide an API key. You need to provide your API key in an Authorization header \
                      using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with \
                      blank username) if you're accessing the API from your browser and are prompted for a \
                      username and password. You can obtain an API key from \
                      https://platform.openai.com/account/api-keys.";

/// Answers of every route of files and batches: successes first, then refusals.
async fn answers() -> Vec<(&'static str, Answer)> {
    let (_server, client) = start().await;
    let upload = client.upload("batch", "requests.jsonl", chats(1).concat()).await;
    let file = format!("/files/{}", upload.id());
    let create = client.create(&upload.id(), CHAT).await;
    let batch = create.id();
    vec![
        ("create", create),
        ("retrieve batch", client.retrieve(&batch).await),
        ("list batches", client.get("/batches").await),
        ("cancel", client.cancel(&batch).await),
        ("upload", upload),
        ("retrieve file", client.get(&file).await),
        ("list files", client.get("/files").await),
        ("content", client.get(&format!("{file}/content")).await),
        ("delete", client.delete(&file).await),
        ("no such file", client.get(&file).await),
        ("no such batch", client.retrieve("batch_1").await),
    ]
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[tokio::test]
async fn f_001_requests_go_below_v1_with_a_bearer_key() {
    let (server, client) = start().await;
    assert_eq!(server.base_url(), format!("http://{}/v1", server.address()));
    assert_eq!(client.with_authorization(Some("Bearer sk-any")).get("/batches").await.status, StatusCode::OK);
    assert_eq!(client.with_authorization(Some("sk-any")).get("/batches").await.status, 401);
}

#[tokio::test]
async fn f_002_the_headers_of_the_sdks_are_accepted() {
    let plain = start().await;
    let dressed = start().await;
    let sdk = dressed.1.with_headers(&[
        ("openai-organization", "org-any"),
        ("openai-project", "proj_any"),
        ("x-stainless-lang", "python"),
        ("x-stainless-package-version", "3.3.1"),
        ("x-stainless-os", "Linux"),
        ("x-stainless-arch", "x64"),
        ("x-stainless-runtime", "CPython"),
        ("x-stainless-runtime-version", "3.14.0"),
        ("x-stainless-async", "false"),
        ("x-stainless-retry-count", "0"),
        ("x-stainless-read-timeout", "600"),
        ("user-agent", "OpenAI/Python 3.3.1"),
        ("accept", "application/json"),
    ]);
    let input = plain.1.upload_lines(&chats(1)).await;
    assert_eq!(sdk.upload_lines(&chats(1)).await, input);
    let answer = sdk.create(&input, CHAT).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer, plain.1.create(&input, CHAT).await, "they change nothing");
}

#[tokio::test]
async fn f_003_a_wrong_key_is_a_401_with_code_invalid_api_key() {
    let server = frozen().keys(["sk-right"]).start().await.unwrap();
    let client = Client::new(&server);
    assert_eq!(client.get("/batches").await.status, StatusCode::OK, "the right key");
    let answer = client.with_key("invalid-key").get("/batches").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        answer.text(),
        r#"{
  "error": {
    "message": "Incorrect API key provided: invalid-key. You can find your API key at https://platform.openai.com/account/api-keys.",
    "type": "invalid_request_error",
    "param": null,
    "code": "invalid_api_key"
  }
}"#
    );
    for path in ["/files", "/models", "/files/file-abc/content"] {
        assert_eq!(client.with_key("invalid-key").get(path).await.json()["error"], answer.json()["error"]);
    }
}

#[tokio::test]
async fn f_004_a_long_key_is_masked_but_for_its_ends() {
    let server = frozen().keys(["sk-right"]).start().await.unwrap();
    let client = Client::new(&server);
    for (key, shown) in [
        ("invalid-key", "invalid-key"),
        ("fake_key", "fake_key"),
        ("sk-wrong-api-key", "sk-wrong****-key"),
        ("sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", "sk-proj-********************************wxyz"),
        // The cut-over is assumed.
        ("sk-012345678", "sk-012345678"),
        ("sk-0123456789", "sk-01234*6789"),
    ] {
        let message = client.with_key(key).get("/batches").await.message();
        let start = format!("Incorrect API key provided: {shown}. You can find");
        assert!(message.starts_with(&start), "{key}: {message}");
    }
}

#[tokio::test]
async fn f_005_no_key_is_a_401_that_says_how_to_provide_one() {
    let (_server, client) = start().await;
    let stranger = client.with_authorization(None);
    for path in ["/files", "/models"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let error = &answer.json()["error"];
        assert_eq!(error["message"], NO_KEY);
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!((&error["param"], &error["code"]), (&Value::Null, &Value::Null));
    }
    let mut switches = Switches::default();
    switches.set("no-key", "did-not-provide").unwrap();
    let server = frozen().switches(switches).start().await.unwrap();
    let everywhere = Client::new(&server).with_authorization(None);
    assert_eq!(everywhere.get("/batches/batch_1").await.message(), NO_KEY);
}

#[tokio::test]
async fn f_500_no_key_on_batches_and_responses_is_told_in_other_words() {
    let (_server, client) = start().await;
    let stranger = client.with_authorization(None);
    let missing = "Missing bearer or basic authentication in header";
    let answer = stranger.retrieve("batch_68e1c9ab2f388190b2f6f5f2d3f3a1c7").await;
    assert_eq!((answer.status, answer.message().as_str()), (StatusCode::UNAUTHORIZED, missing));
    assert_eq!(stranger.post("/responses", &Value::Null).await.message(), missing);

    let mut switches = Switches::default();
    switches.set("no-key", "missing-bearer").unwrap();
    let server = frozen().switches(switches).start().await.unwrap();
    assert_eq!(Client::new(&server).with_authorization(None).get("/files").await.message(), missing);
}

#[tokio::test]
async fn f_006_a_401_of_the_newer_front_has_a_challenge_and_two_spaces() {
    let server = frozen().keys(["sk-right"]).start().await.unwrap();
    let client = Client::new(&server);
    // Recorded for responses; that batches are refused so is assumed.
    for stranger in [client.with_key("sk-wrong"), client.with_authorization(None)] {
        for path in ["/responses", "/batches"] {
            let answer = stranger.post(path, &Value::Null).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert!(answer.text().starts_with("{\n  \"error\": {\n    \"message\": \""), "{answer}");
            assert!(answer.text().ends_with("\n  }\n}"), "{answer}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"OpenAI API\""));
            assert_eq!(answer.header("openai-version"), Some("2020-10-01"));
        }
    }
}

#[tokio::test]
async fn f_007_answers_of_files_and_batches_have_the_headers_of_the_api() {
    for (title, answer) in answers().await {
        let is_content = title == "content";
        let content_type = if is_content { "application/octet-stream" } else { "application/json" };
        assert_eq!(answer.header("content-type"), Some(content_type), "{title}");
        assert!(answer.header("openai-organization").is_some(), "{title}");
        assert!(answer.header("openai-project").unwrap().starts_with("proj_"), "{title}");
        assert!(answer.header("openai-processing-ms").unwrap().parse::<u32>().is_ok(), "{title}");
        assert_eq!(answer.header("openai-version"), Some("2020-10-01"), "{title}");
        assert!(answer.header("x-request-id").is_some(), "{title}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{title}");
    }
}

#[tokio::test]
async fn f_008_any_page_may_read_files_and_none_batches() {
    let (_server, client) = start().await;
    for (path, origin) in [
        ("/files", Some("*")),
        ("/files/none", Some("*")),
        ("/files/none/content", Some("*")),
        ("/batches", None),
        ("/batches/batch_1", None),
    ] {
        assert_eq!(client.get(path).await.header("access-control-allow-origin"), origin, "{path}");
    }
}

#[tokio::test]
async fn f_009_answers_of_files_and_batches_tell_no_rate_limit() {
    for (title, answer) in answers().await {
        let told = answer.headers.keys().find(|name| name.as_str().starts_with("x-ratelimit-"));
        assert_eq!(told, None, "{title}");
    }
}

#[tokio::test]
async fn f_010_a_request_id_is_32_hexadecimal_digits_behind_req() {
    for (title, answer) in answers().await {
        let id = answer.header("x-request-id").unwrap();
        let digits = id.strip_prefix("req_").unwrap_or_else(|| panic!("{title}: {id}"));
        assert!(digits.len() == 32 && is_lower_hex(digits), "{title}: {id}");
    }
}

#[tokio::test]
async fn f_011_processing_takes_as_many_milliseconds_as_recorded() {
    for (title, answer) in answers().await {
        let range = match title {
            "upload" => 240..=700,
            "create" => 80..=450,
            // One recorded cancel of 95 ms is missing in the fact.
            "cancel" => 95..=626,
            "retrieve batch" => 14..=34,
            _ => continue,
        };
        let processing_ms: u32 = answer.header("openai-processing-ms").unwrap().parse().unwrap();
        assert!(range.contains(&processing_ms), "{title}: {processing_ms}");
    }
}

#[tokio::test]
async fn f_012_each_route_lays_its_json_out_in_its_own_way() {
    for (title, answer) in answers().await {
        let body = answer.text();
        if title == "content" {
            continue;
        }
        let indented = serde_json::to_string_pretty(&answer.json()).unwrap();
        let expected = match title {
            "cancel" => answer.json().to_string(),
            "create" | "retrieve batch" | "list batches" | "no such batch" => indented,
            _ => indented + "\n",
        };
        assert_eq!(body, expected, "{title}");
    }
}

#[tokio::test]
async fn f_013_what_is_not_ascii_is_sent_as_it_is() {
    let (_server, client) = start().await;
    let file = client.upload("user_data", "你好.txt", "hello").await;
    assert!(file.text().contains("\n  \"filename\": \"你好.txt\",\n"), "{file}");
    assert!(client.get("/files").await.text().contains("\"你好.txt\""));
}

#[tokio::test]
async fn f_014_every_answer_tells_its_length() {
    for (title, answer) in answers().await {
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()), "{title}");
        assert_eq!(answer.header("transfer-encoding"), None, "{title}");
    }
}

#[tokio::test]
async fn f_015_successes_and_errors_have_a_request_id_of_their_own() {
    let (_server, client) = start().await;
    let stranger = client.with_authorization(None);
    let input = client.upload("batch", "requests.jsonl", chat("a", "hello")).await;
    let batch = client.post("/batches", &new_batch(&input.id(), CHAT)).await;
    let mut ids = std::collections::HashSet::new();
    for answer in [
        input,
        batch,
        client.get("/files").await,
        client.get("/files/none").await,
        client.retrieve("none").await,
        client.send(Method::PUT, "/files", None, Vec::new()).await,
        client.get("/nowhere").await,
        stranger.get("/files").await,
        stranger.get("/batches").await,
    ] {
        let id = answer.header("x-request-id").unwrap_or_else(|| panic!("no request id: {answer}"));
        assert!(ids.insert(id.to_owned()), "{id} came twice");
    }
}

#[tokio::test]
async fn f_040_no_header_overrides_when_a_client_tries_again() {
    for (title, answer) in answers().await {
        for name in ["x-should-retry", "retry-after", "retry-after-ms"] {
            assert_eq!(answer.header(name), None, "{title}");
        }
    }
}
