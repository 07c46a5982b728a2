//! Lies about batches, but for their results.

use serde_json::{Value, json};

use crate::Mutant;
use crate::proxy::Lie::{Asked, Told as Tells};
use crate::proxy::{Lie, Told};

/// Tells a success where there was a refusal.
fn accept(told: &mut Told) {
    if told.status == 400 {
        *told = Told::new(200, "{\"id\": \"batch_a\", \"object\": \"batch\"}");
    }
}

/// A lie about a batch that is looked at in this status.
macro_rules! in_status {
    ($status:literal, $change:expr) => {
        Tells(|asked, told| {
            if asked.retrieves_batch() && told.is_batch($status) {
                let change: fn(&mut Told) = $change;
                change(told);
            }
        })
    };
}

/// A lie that writes another text for one that a batch shows.
macro_rules! says {
    ($text:literal, $other:literal) => {
        Tells(|asked, told| {
            if asked.retrieves_batch() {
                told.replace(concat!("\"", $text, "\""), concat!("\"", $other, "\""));
            }
        })
    };
}

/// No batch for moderations is taken, which is said.
pub(crate) const REFUSES_MODERATIONS: Lie = Lie::Instead(|asked| {
    let is_refused = asked.is("POST", "/batches") && asked.holds("/v1/moderations");
    is_refused
        .then(|| Told::new(400, r#"{"error": {"message": "No.", "type": "invalid", "param": "endpoint"}}"#))
});

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a new batch is queued",
        caught_by: &["batches/create/object"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/batches") {
                told.set("/status", "queued");
            }
        }),
    },
    Mutant {
        name: "a new batch is for another endpoint",
        caught_by: &["batches/create/echo"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/batches") {
                told.set("/endpoint", "/v1/other");
            }
        }),
    },
    Mutant {
        name: "a new batch has a second more",
        caught_by: &["batches/create/expires-in-a-day"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/batches") {
                told.add("/expires_at", 1);
            }
        }),
    },
    Mutant {
        name: "what is missing is not named",
        caught_by: &["batches/create/required"],
        lie: Tells(|asked, told| {
            let is_there = |name: &&str| asked.json().get(*name).is_some();
            let required = ["input_file_id", "endpoint", "completion_window"];
            if asked.is("POST", "/batches") && !required.iter().all(is_there) {
                told.set("/error/param", Value::Null);
            }
        }),
    },
    Mutant {
        name: "any endpoint is taken",
        caught_by: &["batches/create/bad-endpoint", "batches/create/endpoints-told"],
        lie: Tells(|asked, told| {
            if asked.holds("/v1/no/such/endpoint") {
                accept(told);
            }
        }),
    },
    Mutant {
        name: "any window is taken",
        caught_by: &["batches/create/bad-window"],
        lie: Tells(|asked, told| {
            if asked.holds("48h") {
                accept(told);
            }
        }),
    },
    Mutant {
        name: "a wrong type breaks the server",
        caught_by: &["batches/create/wrong-type"],
        lie: Tells(|asked, told| {
            if asked.json()["input_file_id"].is_number() {
                told.status = 500;
            }
        }),
    },
    Mutant {
        name: "a batch without input completes",
        caught_by: &["batches/create/unknown-input"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() && told.get("/input_file_id") == "file-AbCdEfGhJkLmNpQrStUvWx" {
                told.replace("\"failed\"", "\"completed\"");
            }
        }),
    },
    Mutant {
        name: "the expiry of results is passed over",
        caught_by: &["batches/create/output-expires-after"],
        lie: Asked(|asked| {
            if asked.holds("7200") {
                let mut body = asked.json();
                body["output_expires_after"]["seconds"] = json!(3_600);
                asked.body = body.to_string().into();
            }
        }),
    },
    Mutant {
        name: "any expiry of results is taken",
        caught_by: &["batches/create/output-expires-after-range"],
        lie: Tells(|asked, told| {
            if asked.holds("output_expires_after") {
                accept(told);
            }
        }),
    },
    Mutant {
        name: "metadata is shown once",
        caught_by: &["batches/metadata/echo"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() {
                told.set("/metadata", Value::Null);
            }
        }),
    },
    Mutant {
        name: "sixteen pairs are too many",
        caught_by: &["batches/metadata/as-much-as-allowed"],
        lie: Tells(|asked, told| {
            if asked.json()["metadata"].as_object().is_some_and(|pairs| pairs.len() == 16) {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "any metadata is taken",
        caught_by: &["batches/metadata/too-much"],
        lie: Tells(|asked, told| {
            if asked.json()["metadata"].as_object().is_some_and(|pairs| pairs.len() > 16) {
                accept(told);
            }
        }),
    },
    Mutant {
        name: "numbers are metadata",
        caught_by: &["batches/metadata/no-text"],
        lie: Tells(|asked, told| {
            if asked.json()["metadata"]["number"].is_number() {
                accept(told);
            }
        }),
    },
    Mutant {
        name: "a batch has another window when it is retrieved",
        caught_by: &["batches/retrieve/object"],
        lie: says!("24h", "1d"),
    },
    Mutant {
        name: "an unknown batch is a 400",
        caught_by: &["batches/retrieve/unknown", "batches/retrieve/unknown-message"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() && told.status == 404 {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "the last id of a page of batches is the first",
        caught_by: &["batches/list/envelope"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/batches") {
                told.set("/last_id", told.get("/first_id"));
            }
        }),
    },
    Mutant {
        name: "batches come oldest first",
        caught_by: &["batches/list/newest-first"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/batches") {
                told.turn_round();
            }
        }),
    },
    Mutant {
        name: "a page of batches begins one too late",
        caught_by: &["batches/list/paging"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/batches") && asked.query.contains("after=") {
                told.set("/data", json!([]));
            }
        }),
    },
    Mutant {
        name: "a page has ten batches",
        caught_by: &["batches/list/default-limit"],
        lie: Asked(|asked| {
            if asked.is("GET", "/batches") && asked.query.is_empty() {
                asked.query.push_str("limit=10");
            }
        }),
    },
    Mutant {
        name: "any limit is taken",
        caught_by: &["batches/list/limit-out-of-range"],
        lie: Asked(|asked| asked.query = asked.query.replace("limit=101", "limit=100")),
    },
    Mutant {
        name: "a batch goes back to validating",
        caught_by: &["batches/life/states", "batches/life/model"],
        lie: in_status!("finalizing", |told| told.set("/status", "validating")),
    },
    Mutant {
        name: "a batch completes before it was created",
        caught_by: &["batches/life/times"],
        lie: in_status!("completed", |told| told.set("/completed_at", 1)),
    },
    Mutant {
        name: "a completed batch expires later",
        caught_by: &["batches/life/expiry-stays"],
        lie: in_status!("completed", |told| told.add("/expires_at", 1)),
    },
    Mutant {
        name: "a batch that runs has an output file",
        caught_by: &["batches/life/files-at-the-end"],
        lie: in_status!("in_progress", |told| told.set("/output_file_id", "file-a")),
    },
    Mutant {
        name: "a completed batch counts one too many",
        caught_by: &["batches/life/counts"],
        lie: in_status!("completed", |told| told.add("/request_counts/total", 1)),
    },
    Mutant {
        name: "counts fall",
        caught_by: &["batches/life/counts-rise"],
        lie: in_status!("finalizing", |told| told.set("/request_counts/completed", 0)),
    },
    Mutant {
        name: "a completed batch changes",
        caught_by: &["batches/life/end-stays"],
        lie: in_status!("completed", |told| {
            let id = told.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
            told.set("/metadata", json!({ "seen": id.unwrap_or_default() }));
        }),
    },
    Mutant {
        name: "a batch that is finalizing is no batch",
        caught_by: &["batches/life/schema"],
        lie: in_status!("finalizing", |told| told.set("/object", "job")),
    },
    Mutant {
        name: "a cancellation has no time",
        caught_by: &["batches/cancel/cancelling"],
        lie: Tells(|asked, told| {
            if asked.cancels_batch() {
                told.set("/cancelling_at", Value::Null);
            }
        }),
    },
    Mutant {
        name: "a cancelled batch does not say when",
        caught_by: &["batches/cancel/cancelled"],
        lie: in_status!("cancelled", |told| told.set("/cancelled_at", Value::Null)),
    },
    Mutant {
        name: "a cancelled batch loses its results",
        caught_by: &["batches/cancel/partial-results"],
        lie: in_status!("cancelled", |told| told.set("/output_file_id", Value::Null)),
    },
    Mutant {
        name: "a batch that has ended is cancelled without a word",
        caught_by: &["batches/cancel/after-completed", "batches/cancel/after-failed"],
        lie: Tells(|asked, told| {
            if asked.cancels_batch() && told.status == 409 {
                told.status = 200;
            }
        }),
    },
    Mutant {
        name: "a refusal has other words each time",
        caught_by: &["batches/cancel/refused-alike"],
        lie: Tells(|asked, told| {
            if asked.cancels_batch() {
                let id = told.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
                told.set("/error/message", id);
            }
        }),
    },
    Mutant {
        name: "an unknown batch cannot be cancelled with a 400",
        caught_by: &["batches/cancel/unknown"],
        lie: Tells(|asked, told| {
            if asked.cancels_batch() && told.status == 404 {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "an expired batch has completed as well",
        caught_by: &["batches/expiry/times"],
        lie: in_status!("expired", |told| told.set("/completed_at", 1)),
    },
    Mutant {
        name: "an expired batch counts more than it did",
        caught_by: &["batches/expiry/partial-results", "batches/expiry/counts"],
        lie: in_status!("expired", |told| told.add("/request_counts/completed", 1)),
    },
    Mutant {
        name: "lines that expired have another code",
        caught_by: &["batches/expiry/the-rest"],
        lie: Tells(|asked, told| {
            if asked.downloads() {
                told.replace("batch_expired", "expired");
            }
        }),
    },
    Mutant {
        name: "lines that never ran count as failed",
        caught_by: &["batches/expiry/counts"],
        lie: in_status!("expired", |told| told.set("/request_counts/failed", 1)),
    },
    Mutant {
        name: "a failed batch does not say when",
        caught_by: &["validation/failed"],
        lie: in_status!("failed", |told| told.set("/failed_at", Value::Null)),
    },
    Mutant {
        name: "errors are no list",
        caught_by: &["validation/errors-list"],
        lie: in_status!("failed", |told| told.set("/errors/object", "errors")),
    },
    Mutant {
        name: "a line that is no JSON has another code",
        caught_by: &["validation/no-json"],
        lie: says!("invalid_json_line", "invalid"),
    },
    Mutant {
        name: "a missing custom_id is not named",
        caught_by: &["validation/missing-custom-id"],
        lie: says!("custom_id", "id"),
    },
    Mutant {
        name: "a missing method is not named",
        caught_by: &["validation/missing-method"],
        lie: says!("method", "verb"),
    },
    Mutant {
        name: "a missing or wrong url is not named",
        caught_by: &["validation/missing-url", "validation/wrong-url"],
        lie: says!("url", "path"),
    },
    Mutant {
        name: "a missing body is not named",
        caught_by: &["validation/missing-body"],
        lie: says!("body", "content"),
    },
    Mutant {
        name: "a repeated custom_id has another code",
        caught_by: &["validation/duplicate-custom-id"],
        lie: says!("duplicate_custom_id", "invalid"),
    },
    Mutant {
        name: "two models have another code",
        caught_by: &["validation/mismatched-model"],
        lie: says!("mismatched_model", "invalid"),
    },
    Mutant {
        name: "an unknown model has another code",
        caught_by: &["validation/unknown-model"],
        lie: says!("model_not_found", "invalid"),
    },
    Mutant {
        name: "a wrong url has another code",
        caught_by: &["validation/wrong-url"],
        lie: says!("invalid_url", "mismatch"),
    },
    Mutant {
        name: "a stream has another code",
        caught_by: &["validation/stream"],
        lie: says!("streaming_unsupported", "invalid"),
    },
    Mutant {
        name: "a missing model is named otherwise",
        caught_by: &["validation/no-model"],
        lie: says!("body.model", "model"),
    },
    Mutant {
        name: "missing messages are named otherwise",
        caught_by: &["validation/no-messages"],
        lie: says!("body.messages", "messages"),
    },
    Mutant {
        name: "a line that is refused fails the batch",
        caught_by: &["validation/other-faults-pass"],
        lie: in_status!("completed", |told| {
            if told.get("/request_counts/failed") == 1 {
                told.set("/status", "failed");
            }
        }),
    },
    Mutant {
        name: "lines end with LF alone",
        caught_by: &["validation/crlf"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() && told.get("/request_counts/completed") == 2 {
                told.replace("\"completed\",", "\"failed\",");
            }
        }),
    },
    Mutant {
        name: "line separators are lost",
        caught_by: &["validation/line-separators"],
        lie: Tells(|asked, told| {
            if asked.downloads() {
                told.replace("\\u2028", " ");
            }
        }),
    },
];
