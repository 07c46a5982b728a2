//! Files.

use batchmock::{Limits, MockServer, Switches};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, CHAT, Client, Form, chat, chats, frozen, seconds, start};

const PURPOSES: [&str; 6] = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];
const OUTPUT_PURPOSES: [&str; 3] = ["assistants_output", "batch_output", "fine-tune-results"];
const THIRTY_DAYS: i64 = 2_592_000;

/// A file for a batch, as it was answered.
async fn batch_file(client: &Client) -> Answer {
    client.upload("batch", "requests.jsonl", chat("a", "hello") + "\n").await
}

/// A batch of one line that has completed.
async fn completed(server: &MockServer, client: &Client) -> Value {
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "completed");
    batch
}

fn with_expiry(anchor: &str, seconds: &str) -> Form {
    let form = Form::new().field("purpose", "user_data").file("a.txt", "hello");
    form.field("expires_after[anchor]", anchor).field("expires_after[seconds]", seconds)
}

fn lifetime(file: &Value) -> Option<i64> {
    Some(file["expires_at"].as_i64()? - file["created_at"].as_i64().unwrap())
}

/// Asserts that an upload is refused in these words, with neither param nor code.
fn assert_refused(answer: &Answer, message: &str) {
    let expected = json!({"message": message, "type": "invalid_request_error", "param": null, "code": null});
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer}");
    assert_eq!(answer.json()["error"], expected);
}

fn is_file_id(id: &str) -> bool {
    let Some(characters) = id.strip_prefix("file-") else { return false };
    characters.len() == 22 && characters.chars().all(|c| c.is_ascii_alphanumeric() && !"0IOl".contains(c))
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn f_100_a_file_has_nine_keys_in_this_order() {
    let (_server, client) = start().await;
    let file = client.upload("vision", "a.png", "png").await;
    let expected = [
        "object",
        "id",
        "purpose",
        "filename",
        "bytes",
        "created_at",
        "expires_at",
        "status",
        "status_details",
    ];
    assert_eq!(keys(&file.json()), expected);
    assert_eq!(keys(&client.get(&format!("/files/{}", file.id())).await.json()), expected);
    assert_eq!(keys(&client.get("/files").await.json()["data"][0]), expected);
    let file = file.json();
    assert_eq!(file["object"], "file");
    assert_eq!((&file["expires_at"], &file["status_details"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn f_101_a_file_has_what_the_schema_requires() {
    let (_server, client) = start().await;
    let file = batch_file(&client).await.json();
    for key in ["id", "object", "filename", "purpose", "status"] {
        assert!(file[key].is_string(), "{key}");
    }
    for key in ["bytes", "created_at"] {
        assert!(file[key].is_i64(), "{key}");
    }
    // Against the schema, as on the wire.
    assert_eq!(file["status_details"], Value::Null);
}

#[tokio::test]
async fn f_102_a_file_for_a_batch_shows_when_it_expires() {
    let (_server, client) = start().await;
    assert_eq!(lifetime(&batch_file(&client).await.json()), Some(THIRTY_DAYS));
}

#[tokio::test]
async fn f_103_only_files_for_batches_expire_by_themselves() {
    let (_server, client) = start().await;
    for purpose in PURPOSES {
        let file = client.upload(purpose, "a.jsonl", chat("a", "hello")).await.json();
        let expected = (purpose == "batch").then_some(THIRTY_DAYS);
        assert_eq!(lifetime(&file), expected, "{purpose}");
    }
}

#[tokio::test]
async fn f_104_an_id_of_a_file_has_22_characters_of_58() {
    let (_server, client) = start().await;
    for _ in 0..20 {
        let id = batch_file(&client).await.id();
        assert!(is_file_id(&id), "{id}");
    }
}

#[tokio::test]
async fn f_105_an_output_file_has_an_id_of_the_same_form() {
    let (server, client) = start().await;
    let batch = completed(&server, &client).await;
    let id = batch["output_file_id"].as_str().unwrap();
    assert!(is_file_id(id), "{id}");
}

#[tokio::test]
async fn f_106_a_file_is_processed_from_the_first() {
    let (_server, client) = start().await;
    let uploaded = batch_file(&client).await;
    assert_eq!(uploaded.json()["status"], "processed");
    assert_eq!(client.get("/files").await.json()["data"][0]["status"], "processed");
}

#[tokio::test]
async fn f_107_files_are_uploaded_for_six_purposes() {
    let (_server, client) = start().await;
    for purpose in PURPOSES {
        let answer = client.upload(purpose, "a.jsonl", chat("a", "hello")).await;
        assert_eq!((answer.status, &answer.json()["purpose"]), (StatusCode::OK, &json!(purpose)));
    }
}

#[tokio::test]
async fn f_108_files_of_three_more_purposes_are_only_given_out() {
    let (server, client) = start().await;
    for purpose in OUTPUT_PURPOSES {
        let answer = client.upload(purpose, "a.jsonl", chat("a", "hello")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{purpose}");
    }
    completed(&server, &client).await;
    let files = client.get("/files?purpose=batch_output").await.json();
    assert_eq!(files["data"].as_array().unwrap().len(), 1);
    assert_eq!(files["data"][0]["purpose"], "batch_output");
}

#[tokio::test]
async fn f_109_a_bad_purpose_is_told_the_good_ones() {
    let (_server, client) = start().await;
    let answer = client.upload("world_domination", "a.jsonl", "{}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.json()["error"],
        json!({
            "message": "'world_domination' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', \
                        'vision', 'evals'] - 'purpose'",
            "type": "invalid_request_error",
            "param": "purpose",
            "code": null,
        })
    );
}

#[tokio::test]
async fn f_110_a_form_without_file_or_purpose_is_told_which_is_required() {
    let (_server, client) = start().await;
    let file = Form::new().file("a.jsonl", chat("a", "hello"));
    assert_refused(&client.upload_form(&file).await, "'purpose' is a required property");
    let purpose = Form::new().field("purpose", "batch");
    assert_refused(&client.upload_form(&purpose).await, "'file' is a required property");
}

#[tokio::test]
async fn f_111_a_form_has_four_fields_and_no_others() {
    let (_server, client) = start().await;
    let form = with_expiry("created_at", "3600");
    assert_eq!(client.upload_form(&form).await.status, StatusCode::OK);
    // How others are refused is assumed.
    let message = "Additional properties are not allowed ('surprise' was unexpected)";
    assert_refused(&client.upload_form(&form.field("surprise", "yes")).await, message);
}

#[tokio::test]
async fn f_112_a_file_is_kept_for_as_long_as_is_asked_between_an_hour_and_30_days() {
    let (_server, client) = start().await;
    for (seconds, status) in
        [("3599", 400), ("3600", 200), ("86400", 200), ("2592000", 200), ("2592001", 400)]
    {
        let answer = client.upload_form(&with_expiry("created_at", seconds)).await;
        assert_eq!(answer.status, status, "{seconds}");
        if status == 200 {
            assert_eq!(lifetime(&answer.json()), seconds.parse().ok());
        }
    }
    let answer = client.upload_form(&with_expiry("last_active_at", "3600")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn f_113_an_expiry_out_of_range_is_told_the_bound() {
    let (_server, client) = start().await;
    for (seconds, message) in [
        ("3599", "3599 is less than the minimum of 3600 - 'expires_after.seconds'"),
        ("2592001", "2592001 is greater than the maximum of 2592000 - 'expires_after.seconds'"),
    ] {
        let error = client.upload_form(&with_expiry("created_at", seconds)).await.json()["error"].clone();
        assert_eq!((&error["message"], &error["param"]), (&json!(message), &json!("expires_after.seconds")));
    }
}

#[tokio::test]
async fn f_114_a_file_may_have_512_megabytes() {
    assert_eq!(Limits::default().file_bytes, 512 * 1024 * 1024);
    let server = frozen().limits(Limits { file_bytes: 10, ..Limits::default() }).start().await.unwrap();
    let client = Client::new(&server);
    assert_eq!(client.upload("vision", "a.png", "0123456789").await.status, StatusCode::OK);
    assert_eq!(client.upload("vision", "a.png", "0123456789a").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn f_115_a_file_for_a_batch_may_have_200_megabytes() {
    assert_eq!(Limits::default().batch_file_bytes, 200 * 1024 * 1024);
    let line = chat("a", "hello");
    let limits = Limits { batch_file_bytes: line.len() as u64, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    assert_eq!(client.upload("batch", "a.jsonl", &line).await.status, StatusCode::OK);
    assert_eq!(client.upload("batch", "a.jsonl", line.clone() + "\n").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(client.upload("vision", "a.png", line + "\n").await.status, StatusCode::OK);
}

#[tokio::test]
async fn f_116_a_file_that_is_too_large_is_told_so() {
    let server = frozen().limits(Limits { batch_file_bytes: 10, ..Limits::default() }).start().await.unwrap();
    assert_refused(&batch_file(&Client::new(&server)).await, "File is too large.");
}

#[tokio::test]
async fn f_117_prose_is_no_file_for_a_batch() {
    let (_server, client) = start().await;
    let answer = client.upload("batch", "prose.txt", "This is a line of prose.\n").await;
    assert_refused(&answer, "Invalid file format for Batch API. Must be .jsonl");
}

#[tokio::test]
async fn f_118_the_first_line_must_be_json_and_no_other_is_looked_at() {
    let (_server, client) = start().await;
    let message = "Invalid file format for Batch API. Must be .jsonl";
    for bytes in ["", "{broken\n{}\n"] {
        assert_refused(&client.upload("batch", "a.jsonl", bytes).await, message);
    }
    let second_broken = format!("{}\n{{broken\n", chat("a", "hello"));
    assert_eq!(client.upload("batch", "a.jsonl", second_broken).await.status, StatusCode::OK);
}

#[tokio::test]
async fn f_119_the_name_of_a_file_is_not_looked_at() {
    let (_server, client) = start().await;
    for name in ["test-batch-file", "requests.txt"] {
        assert_eq!(client.upload("batch", name, chat("a", "hello")).await.status, StatusCode::OK, "{name}");
    }
}

#[tokio::test]
async fn f_120_a_line_without_a_method_can_be_uploaded() {
    let (_server, client) = start().await;
    let line = r#"{"custom_id": "a", "url": "/v1/chat/completions", "body": {}}"#;
    assert_eq!(client.upload("batch", "a.jsonl", line).await.status, StatusCode::OK);
}

#[tokio::test]
async fn f_121_a_file_for_a_batch_must_be_utf_8() {
    let (_server, client) = start().await;
    let mut bytes = format!("{}\n", chat("a", "hello")).into_bytes();
    bytes.extend_from_slice(b"{\"custom_id\": \"\x93b\x94\"}\n");
    let answer = client.upload("batch", "a.jsonl", bytes).await;
    assert_refused(&answer, "Invalid file for Batch API. Must be utf-8 encoded");
}

#[tokio::test]
async fn f_122_lines_may_end_with_cr_and_lf() {
    let (server, client) = start().await;
    let lines = format!("{}\r\n{}\r\n", chat("a", "hello"), chat("b", "hello"));
    let input = client.upload("batch", "a.jsonl", lines).await.id();
    let batch = client.create(&input, CHAT).await.id();
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&batch).await.json();
    assert_eq!(batch["status"], "completed");
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 2, "failed": 0}));
}

#[tokio::test]
async fn f_123_name_and_size_are_those_of_the_part() {
    let (_server, client) = start().await;
    let part = "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%E4%BD%A0%E5%A5%BD.txt";
    let bytes = "hello\r\n\r\n";
    let form = Form::new().field("purpose", "user_data").part(part, bytes);
    let file = client.upload_form(&form).await.json();
    assert_eq!((&file["filename"], &file["bytes"]), (&json!("你好.txt"), &json!(bytes.len())));
    let file = client.upload("user_data", "My Notes (1).TXT", "").await.json();
    assert_eq!((&file["filename"], &file["bytes"]), (&json!("My Notes (1).TXT"), &json!(0)));
}

#[tokio::test]
async fn f_124_an_unknown_file_is_a_404_with_param_id() {
    let (_server, client) = start().await;
    let path = "/files/fake_id";
    for answer in [client.get(path).await, client.delete(path).await, client.content("fake_id").await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(
            answer.json()["error"],
            json!({
                "message": "No such File object: fake_id",
                "type": "invalid_request_error",
                "param": "id",
                "code": null,
            })
        );
    }
}

#[tokio::test]
async fn f_125_a_deletion_says_object_deleted_and_id() {
    let (_server, client) = start().await;
    let id = batch_file(&client).await.id();
    let path = format!("/files/{id}");
    let answer = client.delete(&path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.text(),
        format!("{{\n  \"object\": \"file\",\n  \"deleted\": true,\n  \"id\": \"{id}\"\n}}\n")
    );
    let again = client.delete(&path).await;
    assert_eq!(
        (again.status, again.message()),
        (StatusCode::NOT_FOUND, format!("No such File object: {id}"))
    );
}

#[tokio::test]
async fn f_126_a_list_is_asked_for_by_purpose_limit_order_and_after() {
    let (server, client) = start().await;
    let mut oldest_first = Vec::new();
    for n in 0..102 {
        let purpose = if n % 2 == 0 { "batch" } else { "vision" };
        oldest_first.push(client.upload(purpose, "a.jsonl", chat("a", "hello")).await.id());
        server.clock().advance(seconds(1)).unwrap();
    }
    let list = async |query: &str| {
        let page = client.get(&format!("/files?{query}")).await.json();
        let ids = page["data"].as_array().unwrap().iter();
        ids.map(|file| file["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let newest_first: Vec<_> = oldest_first.iter().rev().cloned().collect();
    assert_eq!(list("").await, newest_first, "one page holds more than any list of another kind does");
    assert_eq!(list("order=desc&limit=10000").await, newest_first);
    assert_eq!(list("order=asc").await, oldest_first);
    assert_eq!(list("order=asc&limit=1").await, oldest_first[..1]);
    assert_eq!(list(&format!("order=asc&limit=2&after={}", oldest_first[9])).await, oldest_first[10..12]);
    let for_batches: Vec<_> = newest_first.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(list("purpose=batch").await, for_batches);
    for limit in ["0", "10001"] {
        assert_eq!(client.get(&format!("/files?limit={limit}")).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn f_127_a_list_says_has_more_before_its_ids() {
    let (server, client) = start().await;
    let older = batch_file(&client).await.id();
    server.clock().advance(seconds(1)).unwrap();
    let newer = batch_file(&client).await.id();
    let list = client.get("/files").await.json();
    assert_eq!(keys(&list), ["object", "data", "has_more", "first_id", "last_id"]);
    assert_eq!((&list["object"], &list["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!((&list["first_id"], &list["last_id"]), (&json!(newer), &json!(older)));
    assert_eq!((&list["data"][0]["id"], &list["data"][1]["id"]), (&json!(newer), &json!(older)));
}

#[tokio::test]
async fn f_128_an_empty_list_has_no_ids() {
    let (_server, client) = start().await;
    let expected = r#"{
  "object": "list",
  "data": [],
  "has_more": false,
  "first_id": null,
  "last_id": null
}
"#;
    assert_eq!(client.get("/files").await.text(), expected);
}

#[tokio::test]
async fn f_129_bad_parameters_of_a_list_are_refused_as_those_of_batches() {
    let (_server, client) = start().await;
    for (query, param, code) in [
        ("limit=0", "limit", "integer_below_min_value"),
        ("limit=10001", "limit", "integer_above_max_value"),
        ("limit=ten", "limit", "invalid_type"),
        ("order=newest", "order", "invalid_value"),
    ] {
        let answer = client.get(&format!("/files?{query}")).await;
        let error = &answer.json()["error"];
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!((&error["param"], &error["code"]), (&json!(param), &json!(code)), "{query}");
    }
    let page = client.get("/files?after=file-unknown").await;
    assert_eq!((page.status, &page.json()["data"]), (StatusCode::OK, &json!([])));
}

#[tokio::test]
async fn f_130_content_is_an_attachment_of_known_length() {
    let (_server, client) = start().await;
    let file = batch_file(&client).await;
    let content = client.content(&file.id()).await;
    assert_eq!(content.status, StatusCode::OK);
    assert_eq!(content.header("content-type"), Some("application/octet-stream"));
    assert_eq!(content.header("content-disposition"), Some("attachment; filename=\"requests.jsonl\""));
    assert_eq!(content.header("content-length"), Some(file.json()["bytes"].to_string().as_str()));
}

#[tokio::test]
async fn f_131_content_is_bytes_to_who_accepts_binary() {
    let (_server, client) = start().await;
    let id = batch_file(&client).await.id();
    let content = client.with_headers(&[("accept", "application/binary")]).content(&id).await;
    assert_eq!(content.header("content-type"), Some("application/octet-stream"));
    assert_eq!(content.text(), chat("a", "hello") + "\n", "the bytes, not a JSON string");
}

#[tokio::test]
async fn f_132_files_for_assistants_and_user_data_cannot_be_downloaded() {
    let (_server, client) = start().await;
    for purpose in ["assistants", "user_data"] {
        let id = client.upload(purpose, "a.txt", "hello").await.id();
        let message = format!("Not allowed to download files of purpose: {purpose}");
        assert_refused(&client.content(&id).await, &message);
    }
}

#[tokio::test]
async fn f_133_files_of_batches_and_for_training_can_be_downloaded() {
    let (server, client) = start().await;
    for purpose in ["batch", "fine-tune"] {
        let id = client.upload(purpose, "a.jsonl", chat("a", "hello")).await.id();
        assert_eq!(client.content(&id).await.text(), chat("a", "hello"), "{purpose}");
    }
    let batch = completed(&server, &client).await;
    let output = client.content(batch["output_file_id"].as_str().unwrap()).await;
    assert_eq!(output.status, StatusCode::OK);
    assert!(!output.body.is_empty());
}

#[tokio::test]
async fn f_134_an_output_file_is_named_after_its_batch_and_kept_for_30_days() {
    let (server, client) = start().await;
    let id = client.batch(&[chat("a", "hello"), chat("b~400", "hello")]).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    // The name of the error file is assumed.
    for (key, name) in [("output_file_id", "output"), ("error_file_id", "error")] {
        let file = client.get(&format!("/files/{}", batch[key].as_str().unwrap())).await.json();
        assert_eq!(file["purpose"], "batch_output");
        assert_eq!(file["filename"], format!("{id}_{name}.jsonl"));
        assert_eq!(lifetime(&file), Some(THIRTY_DAYS));
    }
}

#[tokio::test]
async fn f_135_an_output_file_is_gone_30_days_after_its_batch_completed() {
    let (server, client) = start().await;
    let batch = completed(&server, &client).await;
    let output = batch["output_file_id"].as_str().unwrap();
    let file = client.get(&format!("/files/{output}")).await.json();
    assert_eq!(file["expires_at"].as_i64(), batch["completed_at"].as_i64().map(|at| at + THIRTY_DAYS));
    server.clock().advance(seconds(THIRTY_DAYS.unsigned_abs() - 1)).unwrap();
    assert_eq!(client.content(output).await.status, StatusCode::OK);
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(client.content(output).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn f_136_an_expired_file_is_as_good_as_deleted() {
    let (server, client) = start().await;
    let id = client.upload_form(&with_expiry("created_at", "3600")).await.id();
    server.clock().advance(seconds(3_600)).unwrap();
    let path = format!("/files/{id}");
    for answer in [client.get(&path).await, client.content(&id).await, client.delete(&path).await] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.message(), format!("No such File object: {id}"));
    }
    assert_eq!(client.get("/files").await.json()["data"], json!([]));
}

#[tokio::test]
async fn f_504_files_for_vision_can_be_downloaded() {
    let (_server, client) = start().await;
    let id = client.upload("vision", "a.png", "png").await.id();
    assert_eq!(client.content(&id).await.text(), "png");
}

#[tokio::test]
async fn f_505_an_upload_may_show_its_expiry_only_later() {
    let mut switches = Switches::default();
    switches.set("upload-expiry", "shown-later").unwrap();
    let server = frozen().switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let file = batch_file(&client).await;
    assert_eq!(file.json()["expires_at"], Value::Null);
    let retrieved = client.get(&format!("/files/{}", file.id())).await.json();
    assert_eq!(lifetime(&retrieved), Some(THIRTY_DAYS));
}

#[tokio::test]
async fn f_506_the_encoded_name_of_a_file_wins_and_names_need_no_quotes() {
    let (_server, client) = start().await;
    for (disposition, filename) in [
        (
            "name=file; filename=\"=?utf-8?B?5L2g5aW9LnR4dA==?=\"; filename*=utf-8''%E4%BD%A0%E5%A5%BD.txt",
            "你好.txt",
        ),
        ("name=file; filename=hello.txt", "hello.txt"),
    ] {
        let part = format!("Content-Disposition: form-data; {disposition}\r\nContent-Type: ");
        let form = Form::new().field("purpose", "user_data").part(&part, "hello");
        let answer = client.send(Method::POST, "/files", Some(&Form::content_type()), form.body()).await;
        assert_eq!((answer.status, &answer.json()["filename"]), (StatusCode::OK, &json!(filename)));
    }
}

#[tokio::test]
async fn f_104_every_one_of_58_characters_comes_in_ids_of_files() {
    let (_server, client) = start().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..80 {
        let id = client.upload("batch", "a.jsonl", chat("a", "hello")).await.id();
        seen.extend(id.strip_prefix("file-").unwrap().chars());
    }
    let expected = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    assert_eq!(seen.into_iter().collect::<String>(), expected);
}
