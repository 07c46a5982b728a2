//! The official document, `fixtures/schema/openapi.json`: every answer is as it says, and every operation it has
//! for our paths is served.
//!
//! Objects are held to the keys that the document names: a key it does not know is an error, too. Where the
//! document contradicts what the service was seen to answer, [`PATCHES`] mends it.

use std::collections::BTreeSet;

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::{Answer, CHAT, Client, Form, chats, frozen, in_every_status, new_batch, seconds, start};

/// Where the document is wrong.
struct Patch {
    /// The fact that speaks against it.
    fact: &'static str,
    /// What is mended.
    what: &'static str,
    apply: fn(&mut Value),
}

/// Every contradiction between the document and the service.
const PATCHES: [Patch; 8] = [
    Patch {
        fact: "F-202",
        what: "a batch shows what it does not have as null",
        apply: |document| {
            for name in [
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
            ] {
                allow_null(&mut document["components"]["schemas"]["Batch"]["properties"][name]);
            }
        },
    },
    Patch {
        fact: "F-101",
        what: "status_details of a file is null",
        apply: |document| {
            allow_null(&mut document["components"]["schemas"]["OpenAIFile"]["properties"]["status_details"]);
        },
    },
    Patch {
        fact: "F-101",
        what: "expires_at of a file that stays is null",
        apply: |document| {
            allow_null(&mut document["components"]["schemas"]["OpenAIFile"]["properties"]["expires_at"]);
        },
    },
    Patch {
        fact: "F-108",
        what: "files can be uploaded for evals, and then have that purpose",
        apply: |document| {
            let purpose = &mut document["components"]["schemas"]["OpenAIFile"]["properties"]["purpose"];
            purpose["enum"].as_array_mut().unwrap().push(json!("evals"));
        },
    },
    Patch {
        fact: "F-022",
        what: "errors of the file routes have a second key, detail",
        apply: |document| {
            let detail = json!({
                "type": "object",
                "properties": {"message": {"type": "string"}, "code": {"type": ["string", "null"]}},
                "required": ["message", "code"],
            });
            document["components"]["schemas"]["ErrorResponse"]["properties"]["detail"] = detail;
        },
    },
    Patch {
        // Assumed: what the ids of an empty page are was never seen.
        fact: "F-128",
        what: "an empty page of files has no first and no last id",
        apply: |document| no_ids(document, "ListFilesResponse"),
    },
    Patch {
        // That there are empty pages is observed; what their ids are is assumed.
        fact: "F-244",
        what: "an empty page of batches has no first and no last id",
        apply: |document| no_ids(document, "ListBatchesResponse"),
    },
    Patch {
        fact: "F-131",
        what: "the content of a file is its bytes and not a text in JSON",
        apply: |document| {
            let answer = &mut document["paths"]["/files/{file_id}/content"]["get"]["responses"]["200"];
            answer["content"] = json!({"application/octet-stream": {}});
        },
    },
];

fn allow_null(schema: &mut Value) {
    let or_null = json!({"anyOf": [schema.take(), {"type": "null"}]});
    *schema = or_null;
}

fn no_ids(document: &mut Value, page: &str) {
    for name in ["first_id", "last_id"] {
        allow_null(&mut document["components"]["schemas"][page]["properties"][name]);
    }
}

fn document() -> Value {
    let text = include_str!("../../../fixtures/schema/openapi.json");
    serde_json::from_str(text).expect("the document is JSON")
}

/// The document with these patches.
fn patched<'p>(patches: impl IntoIterator<Item = &'p Patch>) -> Value {
    let mut document = document();
    for patch in patches {
        (patch.apply)(&mut document);
    }
    close(&mut document["components"]["schemas"]);
    document
}

/// Allows no keys but those that are named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.get("properties").is_some_and(is_schemas)
                && !object.contains_key("additionalProperties")
            {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_schemas(properties: &Value) -> bool {
    properties.as_object().is_some_and(|properties| properties.values().all(Value::is_object))
}

/// An operation of the document.
struct Operation {
    id: String,
    method: Method,
    path: String,
    answer: Value,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                answer: operation["responses"]["200"].clone(),
            });
        }
    }
    operations
}

/// Checks answers against a document.
struct Judge {
    operations: Vec<(Operation, Option<Validator>)>,
    error: Validator,
}

impl Judge {
    fn new(document: &Value) -> Self {
        let components = &document["components"];
        let validator = |schema: &Value| {
            let mut schema = schema.as_object().expect("a schema is an object").clone();
            schema.insert("components".to_owned(), components.clone());
            jsonschema::draft202012::new(&Value::Object(schema)).expect("the document has good schemas")
        };
        let error = validator(&json!({"$ref": "#/components/schemas/ErrorResponse"}));
        let operations = operations(document)
            .into_iter()
            .map(|operation| {
                let json = operation.answer["content"].get("application/json");
                let schema = json.map(|json| validator(&json["schema"]));
                (operation, schema)
            })
            .collect();
        Self { operations, error }
    }

    /// What is wrong with an answer to an operation.
    fn faults(&self, id: &str, answer: &Answer) -> Vec<String> {
        let found = self.operations.iter().find(|(operation, _)| operation.id == id);
        let (operation, schema) = found.unwrap_or_else(|| panic!("no operation {id}"));
        let schema = if answer.status.is_success() { schema.as_ref() } else { Some(&self.error) };
        let content_type = answer.header("content-type").unwrap_or_default();
        let Some(schema) = schema else {
            let is_documented = operation.answer["content"].get(content_type).is_some();
            return if is_documented { Vec::new() } else { vec![format!("{id}: {content_type}")] };
        };
        if content_type != "application/json" {
            return vec![format!("{id}: {content_type}")];
        }
        let fault =
            |error: jsonschema::ValidationError<'_>| format!("{id}: {}: {error}", error.instance_path());
        schema.iter_errors(&answer.json()).map(fault).collect()
    }
}

/// Answers of all kinds, each with the operation it answers.
async fn answers() -> Vec<(&'static str, Answer)> {
    let mut answers = Vec::new();
    for batch in in_every_status().await {
        answers.push(("retrieveBatch", batch));
    }

    let (server, client) = start().await;
    answers.push(("listFiles", client.get("/files").await));
    answers.push(("listBatches", client.get("/batches").await));
    for purpose in ["assistants", "fine-tune", "vision", "user_data", "evals"] {
        answers.push(("createFile", client.upload(purpose, "a.jsonl", "{}\n").await));
    }
    let lines = [chats(3), vec![crate::support::chat("refused~400", "x")]].concat().join("\n");
    let form = Form::new().field("purpose", "batch").file("requests.jsonl", lines);
    let file = client.upload_form(&form).await;
    let input = file.id();
    answers.push(("createFile", file));
    answers.push(("retrieveFile", client.get(&format!("/files/{input}")).await));
    answers.push(("downloadFile", client.content(&input).await));

    let mut body = new_batch(&input, CHAT);
    body["metadata"] = json!({"description": "nightly"});
    body["output_expires_after"] = json!({"anchor": "created_at", "seconds": 3_600});
    let batch = client.post("/batches", &body).await;
    let cancelled = client.create(&input, CHAT).await.id();
    let failed = client.create("file-none", CHAT).await.id();
    answers.push(("cancelBatch", client.cancel(&cancelled).await));
    server.clock().advance(seconds(4)).unwrap();
    for id in [&batch.id(), &cancelled, &failed] {
        answers.push(("retrieveBatch", client.retrieve(id).await));
    }
    answers.push(("cancelBatch", client.cancel(&cancelled).await));
    let ended = client.retrieve(&batch.id()).await.json();
    for key in ["output_file_id", "error_file_id"] {
        let id = ended[key].as_str().unwrap();
        answers.push(("retrieveFile", client.get(&format!("/files/{id}")).await));
        answers.push(("downloadFile", client.content(id).await));
    }
    for query in ["", "?limit=1", "?limit=0"] {
        answers.push(("listBatches", client.get(&format!("/batches{query}")).await));
    }
    for query in ["", "?purpose=batch&limit=1&order=asc", "?purpose=fine-tune-results"] {
        answers.push(("listFiles", client.get(&format!("/files{query}")).await));
    }
    answers.push(("createBatch", batch));
    answers.push(("listModels", client.get("/models").await));
    for model in ["gpt-4o-mini", "gpt-5.6-sol", "ft:gpt-4o-mini:acme::abc"] {
        answers.push(("retrieveModel", client.get(&format!("/models/{model}")).await));
    }
    for model in ["ft:gpt-4o-mini:acme::abc", "gpt-4o-mini", "no-such-model"] {
        answers.push(("deleteModel", client.delete(&format!("/models/{model}")).await));
    }
    answers.push(("deleteFile", client.delete(&format!("/files/{input}")).await));
    answers.extend(uploads(&client).await);
    answers.extend(refusals(&client).await);
    answers
}

/// Uploads, completed and given up, and what is refused of them.
async fn uploads(client: &Client) -> Vec<(&'static str, Answer)> {
    let new = json!({"filename": "a.png", "purpose": "vision", "bytes": 3, "mime_type": "image/png"});
    let part =
        || Form::new().part("Content-Disposition: form-data; name=\"data\"; filename=\"a\"", "png").body();
    let add = |upload: String| async move {
        let path = format!("/uploads/{upload}/parts");
        client.send(Method::POST, &path, Some(&Form::content_type()), part()).await
    };
    let kept = client.post("/uploads", &new).await;
    let given_up = client.post("/uploads", &new).await;
    let taken = add(kept.id()).await;
    let complete = format!("/uploads/{}/complete", kept.id());
    let parts = json!({"part_ids": [taken.id()]});
    vec![
        ("completeUpload", client.post(&complete, &json!({"part_ids": []})).await),
        ("completeUpload", client.post(&complete, &parts).await),
        ("cancelUpload", client.post(&format!("/uploads/{}/cancel", given_up.id()), &json!({})).await),
        ("cancelUpload", client.post(&format!("/uploads/{}/cancel", kept.id()), &json!({})).await),
        ("createUpload", client.post("/uploads", &json!({})).await),
        ("addUploadPart", add("upload_none".to_owned()).await),
        ("addUploadPart", taken),
        ("createUpload", kept),
        ("createUpload", given_up),
    ]
}

/// Every kind of refusal.
async fn refusals(client: &Client) -> Vec<(&'static str, Answer)> {
    let post = |path: &'static str, body: &'static str| {
        client.send(Method::POST, path, Some("application/json"), body.into())
    };
    let (input, completed) = {
        let (server, client) = start().await;
        let id = client.batch(&chats(1)).await;
        server.clock().advance(seconds(4)).unwrap();
        (client.create("file-none", CHAT).await, client.cancel(&id).await)
    };
    assert!(input.status.is_success());
    let stranger = client.with_authorization(None);
    let assistants = client.upload("assistants", "a.txt", "x").await.id();
    vec![
        ("listFiles", stranger.get("/files").await),
        ("listBatches", stranger.get("/batches").await),
        ("listModels", stranger.get("/models").await),
        ("retrieveFile", client.get("/files/none").await),
        ("deleteFile", client.delete("/files/none").await),
        ("downloadFile", client.content("none").await),
        ("downloadFile", client.content(&assistants).await),
        ("listFiles", client.get("/files?limit=0").await),
        ("listFiles", client.get("/files?order=up").await),
        ("listFiles", client.get("/files?limit=1&limit=2").await),
        ("createFile", post("/files", "{}").await),
        ("createFile", client.upload_form(&Form::new().field("purpose", "batch")).await),
        ("createFile", client.upload("world_domination", "a.jsonl", "{}").await),
        ("createFile", client.upload("batch", "a.jsonl", "prose").await),
        ("createFile", client.upload("batch", "a.jsonl", b"{}\n\xff").await),
        ("createBatch", post("/batches", "{broken").await),
        ("createBatch", post("/batches", "{}").await),
        ("createBatch", post("/batches", r#"{"surprise": 1}"#).await),
        ("createBatch", post("/batches", r#"{"input_file_id": 1}"#).await),
        ("createBatch", post("/batches", r#"{"input_file_id": "a", "endpoint": "x"}"#).await),
        ("listBatches", client.get("/batches?limit=101").await),
        ("listBatches", client.get("/batches?limit=ten").await),
        ("retrieveBatch", client.retrieve("invalid").await),
        ("retrieveBatch", client.retrieve("batch_none").await),
        ("cancelBatch", client.cancel("batch_none").await),
        ("cancelBatch", completed),
        ("retrieveModel", client.get("/models/nonexistent-model-xyz").await),
        // What is no operation at all.
        ("listBatches", client.delete("/batches").await),
        ("listFiles", client.send(Method::PUT, "/files", None, Vec::new()).await),
        ("listModels", client.get("/nowhere").await),
    ]
}

#[tokio::test]
async fn every_answer_is_as_the_official_document_says() {
    let document = patched(&PATCHES);
    let judge = Judge::new(&document);
    let answers = answers().await;
    let faults: Vec<_> = answers.iter().flat_map(|(id, answer)| judge.faults(id, answer)).collect();
    assert_eq!(faults, [""; 0]);

    // Nothing is left out.
    let answered = |success: bool| -> BTreeSet<_> {
        answers
            .iter()
            .filter(|(_, answer)| answer.status.is_success() == success)
            .map(|(id, _)| *id)
            .collect()
    };
    let all = operations(&document);
    let served: BTreeSet<_> = all.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(answered(true), served);
    assert_eq!(answered(false), served);
}

#[tokio::test]
async fn every_patch_of_the_document_is_still_needed() {
    let answers = answers().await;
    for (at, patch) in PATCHES.iter().enumerate() {
        let others = PATCHES.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, patch)| patch);
        let judge = Judge::new(&patched(others));
        let is_needed = answers.iter().any(|(id, answer)| !judge.faults(id, answer).is_empty());
        assert!(is_needed, "{}: {}", patch.fact, patch.what);
    }
}

#[test]
fn the_schemas_are_strict() {
    let judge = Judge::new(&patched(&PATCHES));
    let answer = |body: Value| Answer {
        status: reqwest::StatusCode::OK,
        headers: [("content-type".parse().unwrap(), "application/json".parse().unwrap())]
            .into_iter()
            .collect(),
        body: body.to_string().into(),
    };
    let good = json!({"id": "file-a", "object": "file", "deleted": true});
    assert_eq!(judge.faults("deleteFile", &answer(good.clone())), [""; 0]);
    let changed = |change: fn(&mut Map<String, Value>)| {
        let mut body = good.as_object().unwrap().clone();
        change(&mut body);
        judge.faults("deleteFile", &answer(body.into())).len()
    };
    assert_eq!(changed(|body| drop(body.insert("surprise".to_owned(), json!(1)))), 1);
    assert_eq!(changed(|body| drop(body.insert("deleted".to_owned(), json!("yes")))), 1);
    assert_eq!(changed(|body| drop(body.remove("object"))), 1);
}

#[tokio::test]
async fn every_operation_of_the_document_is_served() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let mut not_served = BTreeSet::new();
    for Operation { id, method, path, .. } in operations(&document()) {
        let path = path
            .replace("{file_id}", "file-abc")
            .replace("{batch_id}", "batch_abc")
            .replace("{upload_id}", "upload_abc")
            .replace("{model}", "gpt-4o-mini");
        assert!(!path.contains('{'), "{path}");
        let answer = client.send(method.clone(), &path, None, Vec::new()).await;
        let is_unknown = answer.status == 404 && answer.message().starts_with("Invalid URL");
        if is_unknown || answer.status == 405 {
            not_served.insert(id);
        }
    }
    assert_eq!(not_served, BTreeSet::new());
}

#[test]
fn the_document_says_where_it_comes_from() {
    let document = document();
    let info = &document["info"];
    assert_eq!(info["license"]["identifier"], "MIT");
    let readme = include_str!("../../../fixtures/README.md");
    assert!(
        readme.contains(info["x-source"]["commit"].as_str().unwrap()),
        "the commit is in fixtures/README.md"
    );
}
