//! The batch object.

use batchmock::switches::{AbsentFileId, PartialUsage, Switches};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::creation::{create_with, with_batches};
use crate::support::{
    BATCH_KEYS, CHAT, Client, chat, chats, frozen, in_every_status, line, seconds, slower_than_the_window,
    start, top_keys,
};

/// The usage of a batch that tells none, byte for byte.
const NO_USAGE: &str = r#"  "usage": {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {
      "cached_tokens": 0
    },
    "output_tokens_details": {
      "reasoning_tokens": 0
    }
  },
"#;

#[tokio::test]
async fn f_200_every_key_is_always_present_in_the_recorded_order() {
    for batch in in_every_status().await {
        assert_eq!(top_keys(batch.text()), BATCH_KEYS);
    }
    let (_server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    let cancelled = client.cancel(&id).await.json();
    assert_eq!(cancelled.as_object().unwrap().keys().collect::<Vec<_>>(), BATCH_KEYS);
    let listed = client.get("/batches").await.json();
    assert_eq!(listed["data"][0].as_object().unwrap().keys().collect::<Vec<_>>(), BATCH_KEYS);
}

#[tokio::test]
async fn f_200_a_new_batch_has_these_bytes() {
    let (_server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let batch = client.create(&input, CHAT).await;
    let expected = format!(
        "{{\n  \"id\": \"{}\",\n  \"object\": \"batch\",\n  \"endpoint\": \"/v1/chat/completions\",\n  \
         \"model\": null,\n  \"errors\": null,\n  \"input_file_id\": \"{input}\",\n  \
         \"completion_window\": \"24h\",\n  \"status\": \"validating\",\n  \"output_file_id\": null,\n  \
         \"error_file_id\": null,\n  \"created_at\": 1767225600,\n  \"in_progress_at\": null,\n  \
         \"expires_at\": 1767312000,\n  \"finalizing_at\": null,\n  \"completed_at\": null,\n  \
         \"failed_at\": null,\n  \"expired_at\": null,\n  \"cancelling_at\": null,\n  \
         \"cancelled_at\": null,\n  \"request_counts\": {{\n    \"total\": 0,\n    \"completed\": 0,\n    \
         \"failed\": 0\n  }},\n{NO_USAGE}  \"metadata\": null\n}}",
        batch.id()
    );
    assert_eq!(batch.text(), expected);
}

#[tokio::test]
async fn f_201_ids_are_a_version_8_uuid_that_begins_with_the_time_of_creation() {
    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    let mut with_8190 = 0;
    for _ in 0..500 {
        server.clock().advance(seconds(7)).unwrap();
        let batch = client.create(&input, CHAT).await;
        let (id, created_at) = (batch.id(), batch.json()["created_at"].as_i64().unwrap());
        let digits = id.strip_prefix("batch_").unwrap();
        assert_eq!(digits.len(), 32);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{id}");
        let time = i64::from_str_radix(&digits[..8], 16).unwrap();
        assert!((created_at - 1..=created_at).contains(&time), "{id} of {created_at}");
        assert!(["8190", "8191"].contains(&&digits[12..16]), "{id}");
        with_8190 += usize::from(&digits[12..16] == "8190");
    }
    assert!((475..=495).contains(&with_8190), "97 of 100, here {with_8190} of 500");
}

#[tokio::test]
async fn f_501_ids_have_a_fraction_of_a_second_and_the_variant_of_a_uuid() {
    let (_server, _client, ids) = with_batches(200).await;
    let mut variants = [0; 4];
    for id in &ids {
        let digits = id.strip_prefix("batch_").unwrap();
        let fraction = u16::from_str_radix(&digits[8..12], 16).unwrap();
        assert_eq!(fraction & 0b11, 0, "the low two bits are zero: {id}");
        variants["89ab".find(&digits[16..17]).unwrap_or_else(|| panic!("{id}"))] += 1;
    }
    assert!(variants.iter().all(|count| *count > 0), "8, 9, a and b: {variants:?}");
}

#[tokio::test]
async fn f_202_a_new_batch_has_eleven_nulls_that_the_document_does_not_allow() {
    let batch = create_with(json!({"metadata": {"a": "b"}})).await.json();
    let nulls: Vec<_> =
        batch.as_object().unwrap().iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key).collect();
    let expected = [
        "model",
        "errors",
        "output_file_id",
        "error_file_id",
        "in_progress_at",
        "finalizing_at",
        "completed_at",
        "failed_at",
        "expired_at",
        "cancelling_at",
        "cancelled_at",
    ];
    assert_eq!(nulls, expected);
    for required in ["id", "object", "endpoint", "input_file_id", "completion_window", "status", "created_at"]
    {
        assert!(!batch[required].is_null(), "{required}");
    }
}

#[tokio::test]
async fn f_203_expires_at_is_a_day_after_creation_in_every_status() {
    for batch in in_every_status().await {
        let batch = batch.json();
        assert_eq!(batch["expires_at"].as_i64().unwrap(), batch["created_at"].as_i64().unwrap() + 86_400);
    }
}

#[tokio::test]
async fn f_204_the_model_is_null_while_validating_and_then_the_dated_snapshot() {
    let (server, client) = start().await;
    let body = json!({"model": "gpt-5-nano", "messages": [{"role": "user", "content": "hello"}]});
    let id = client.batch(&[line("a", CHAT, &body)]).await;
    let batch = client.retrieve(&id).await.json();
    assert_eq!((&batch["status"], &batch["model"]), (&json!("validating"), &Value::Null));
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!((&batch["status"], &batch["model"]), (&json!("in_progress"), &json!("gpt-5-nano-2025-08-07")));
}

#[tokio::test]
async fn f_205_counts_are_zero_while_validating_and_total_comes_with_in_progress() {
    let (server, client) = start().await;
    let id = client.batch(&chats(3)).await;
    for (after, status, counts) in [
        (0, "validating", r#"{"total":0,"completed":0,"failed":0}"#),
        (1, "in_progress", r#"{"total":3,"completed":0,"failed":0}"#),
    ] {
        server.clock().advance(seconds(after)).unwrap();
        let batch = client.retrieve(&id).await.json();
        assert_eq!(batch["status"], status);
        assert_eq!(batch["request_counts"].to_string(), counts);
    }
}

#[tokio::test]
async fn f_206_completed_rises_while_the_batch_is_in_progress() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    let mut seen = Vec::new();
    loop {
        let batch = client.retrieve(&id).await.json();
        if batch["status"] == "in_progress" {
            seen.push(batch["request_counts"]["completed"].as_u64().unwrap());
        }
        if server.clock().advance_to_next_change().is_err() {
            break;
        }
    }
    assert_eq!(seen, [0, 1]);
}

#[tokio::test]
async fn f_207_usage_is_an_object_of_zeros_until_the_batch_is_completed() {
    for batch in in_every_status().await {
        let is_completed = batch.json()["status"] == "completed";
        assert_eq!(batch.text().contains(NO_USAGE), !is_completed, "{batch}");
    }
    let completed = in_every_status().await.into_iter().find(|batch| batch.json()["status"] == "completed");
    let usage = completed.unwrap().json()["usage"].clone();
    let keys: Vec<_> = usage.as_object().unwrap().keys().collect();
    let expected =
        ["input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"];
    assert_eq!(keys, expected);
    assert!(usage["input_tokens_details"]["cached_tokens"].is_u64());
    assert!(usage["output_tokens_details"]["reasoning_tokens"].is_u64());
}

#[tokio::test]
async fn f_207_embeddings_have_no_output_tokens() {
    let (server, client) = start().await;
    let body = json!({"model": "text-embedding-3-small", "input": "hello"});
    let input = client.upload_lines(&[line("a", "/v1/embeddings", &body)]).await;
    let id = client.create(&input, "/v1/embeddings").await.id();
    server.clock().advance(seconds(4)).unwrap();
    let usage = client.retrieve(&id).await.json()["usage"].clone();
    assert!(usage["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!((&usage["output_tokens"], &usage["total_tokens"]), (&json!(0), &usage["input_tokens"]));
}

#[tokio::test]
async fn f_208_a_batch_of_today_has_its_usage() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert!(batch["created_at"].as_i64().unwrap() > 1_757_203_200, "2025-09-07");
    assert!(batch["usage"]["total_tokens"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn f_209_metadata_is_null_when_omitted_and_else_echoed() {
    assert_eq!(create_with(json!({})).await.json()["metadata"], Value::Null);
    let metadata = json!({"z": "1", "a": "둘"});
    let batch = create_with(json!({ "metadata": metadata })).await;
    assert_eq!(batch.json()["metadata"].to_string(), metadata.to_string());
}

#[tokio::test]
async fn f_210_metadata_has_at_most_16_pairs_of_64_and_512_characters() {
    let pairs = |n: usize| (0..n).map(|n| (n.to_string(), json!("x"))).collect::<Map<_, _>>();
    for (metadata, status) in [
        (json!(pairs(16)), StatusCode::OK),
        (json!(pairs(17)), StatusCode::BAD_REQUEST),
        (json!({"키".repeat(64): "x"}), StatusCode::OK),
        (json!({"키".repeat(65): "x"}), StatusCode::BAD_REQUEST),
        (json!({"k": "값".repeat(512)}), StatusCode::OK),
        (json!({"k": "값".repeat(513)}), StatusCode::BAD_REQUEST),
        (json!({"k": 1}), StatusCode::BAD_REQUEST),
    ] {
        let answer = create_with(json!({ "metadata": metadata })).await;
        assert_eq!(answer.status, status, "{metadata}: {answer}");
    }
}

#[tokio::test]
async fn f_211_errors_are_null_unless_validation_failed() {
    for batch in in_every_status().await {
        let is_failed = batch.json()["status"] == "failed";
        assert_eq!(batch.json()["errors"].is_null(), !is_failed, "{batch}");
    }
    let (server, client) = start().await;
    let id = client.batch(&[chat("a", "hello"), "{broken".to_owned()]).await;
    let missing = client.create("file-none", CHAT).await.id();
    server.clock().advance(seconds(1)).unwrap();
    let errors = r#"  "errors": {
    "object": "list",
    "data": [
      {
        "code": "invalid_json_line",
        "message": "This line is not parseable as valid JSON.",
        "param": null,
        "line": 2
      }
    ]
  },
"#;
    let batch = client.retrieve(&id).await;
    assert!(batch.text().contains(errors), "{batch}");
    assert_eq!(client.retrieve(&missing).await.json()["errors"]["data"][0]["line"], Value::Null);
}

#[tokio::test]
async fn f_212_file_ids_are_null_before_a_final_state() {
    for batch in in_every_status().await {
        let batch = batch.json();
        let status = batch["status"].as_str().unwrap();
        if ["validating", "in_progress", "finalizing", "cancelling"].contains(&status) {
            assert_eq!((&batch["output_file_id"], &batch["error_file_id"]), (&Value::Null, &Value::Null));
        }
    }
}

#[tokio::test]
async fn f_212_a_file_that_is_not_there_may_be_an_empty_text_in_a_final_state() {
    let switches = Switches { absent_file_id: AbsentFileId::Empty, ..Switches::default() };
    let server = frozen().switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    assert_eq!(client.retrieve(&id).await.json()["error_file_id"], Value::Null);
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!((&batch["status"], &batch["error_file_id"]), (&json!("completed"), &json!("")));
}

#[tokio::test]
async fn f_213_which_files_a_completed_batch_has_follows_from_its_lines() {
    let (server, client) = start().await;
    let good = client.batch(&chats(3)).await;
    let bad = client.batch(&[chat("a~400", "one"), chat("b~500", "two")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let good = client.retrieve(&good).await.json();
    assert_eq!(good["status"], "completed");
    assert!(good["output_file_id"].is_string() && good["error_file_id"].is_null(), "{good:#}");
    let bad = client.retrieve(&bad).await.json();
    assert_eq!(bad["status"], "completed", "also when every line failed");
    assert!(bad["output_file_id"].is_null() && bad["error_file_id"].is_string(), "{bad:#}");
    assert_eq!(bad["request_counts"], json!({"total": 2, "completed": 0, "failed": 2}));
}

#[tokio::test]
async fn f_214_a_failed_batch_has_no_counts_and_no_files() {
    let (server, client) = start().await;
    let id = client.batch(&["{}".to_owned(), chat("a", "hello")]).await;
    server.clock().advance(seconds(1)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "failed");
    assert_eq!(batch["request_counts"], json!({"total": 0, "completed": 0, "failed": 0}));
    assert_eq!((&batch["output_file_id"], &batch["error_file_id"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn f_215_a_mixed_outcome_completes_with_both_files() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a", "one"), chat("b~400", "two")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    assert!(batch["output_file_id"].is_string() && batch["error_file_id"].is_string());
}

#[tokio::test]
async fn f_507_what_ended_early_has_no_usage_unless_the_switch_says_so() {
    for (partial_usage, has_usage) in [(PartialUsage::Zero, false), (PartialUsage::Summed, true)] {
        let switches = Switches { partial_usage, ..Switches::default() };
        let server = frozen().pace(slower_than_the_window()).switches(switches).start().await.unwrap();
        let client = Client::new(&server);
        let (expired, cancelled) = (client.batch(&chats(4)).await, client.batch(&chats(4)).await);
        server.clock().advance(seconds(20 * 3_600 + 1)).unwrap();
        client.cancel(&cancelled).await;
        server.clock().advance(seconds(86_400)).unwrap();
        for (id, status) in [(expired, "expired"), (cancelled, "cancelled")] {
            let batch = client.retrieve(&id).await.json();
            assert_eq!(
                (&batch["status"], &batch["request_counts"]["completed"]),
                (&json!(status), &json!(2))
            );
            assert_eq!(batch["usage"]["total_tokens"].as_u64().unwrap() > 0, has_usage, "{status}");
        }
    }
}
