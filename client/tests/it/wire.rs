//! Every document under `fixtures/wire` decodes, and encodes to the same bytes: no key is lost, added, moved
//! or turned from null to absent.

use std::fs;
use std::path::PathBuf;

use batchmock_client::types::{
    Batch, BatchPage, BatchStatus, Deleted, ErrorEnvelope, File, FilePage, Purpose, ResultLine, Upload,
    UploadPart,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn document(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../fixtures/wire", name].iter().collect();
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all documents of a folder.
fn documents(folder: &str) -> Vec<String> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../fixtures/wire", folder].iter().collect();
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.map(|name| format!("{folder}/{name}")).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn check<T: DeserializeOwned + Serialize>(name: &str) {
    let text = document(name);
    let record: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut written = serde_json::to_string_pretty(&record).unwrap();
    written.push('\n');
    assert_eq!(written, text, "{name}");
}

#[test]
fn batches_survive_a_round_trip() {
    for name in documents("batch") {
        check::<Batch>(&name);
    }
}

#[test]
fn files_survive_a_round_trip() {
    for name in documents("file") {
        if name.ends_with("deleted.json") {
            check::<Deleted>(&name);
        } else {
            check::<File>(&name);
        }
    }
}

#[test]
fn uploads_survive_a_round_trip() {
    for name in documents("upload") {
        if name.ends_with("part.json") {
            check::<UploadPart>(&name);
        } else {
            check::<Upload>(&name);
        }
    }
}

#[test]
fn pages_survive_a_round_trip() {
    check::<BatchPage>("page/batches.json");
    check::<BatchPage>("page/batches_empty.json");
    check::<FilePage>("page/files.json");
}

#[test]
fn errors_survive_a_round_trip() {
    for name in documents("error") {
        check::<ErrorEnvelope>(&name);
    }
}

#[test]
fn result_lines_survive_a_round_trip() {
    for name in documents("line") {
        check::<ResultLine>(&name);
    }
}

#[test]
fn unknown_words_survive_a_round_trip() {
    let text = document("batch/validating.json").replace("\"validating\"", "\"pausing\"");
    let batch: Batch = serde_json::from_str(&text).unwrap();
    assert_eq!(batch.status, BatchStatus::Other("pausing".to_owned()));
    assert!(!batch.status.is_terminal());
    assert_eq!(serde_json::to_value(&batch).unwrap()["status"], "pausing");
    assert_eq!(String::from(Purpose::from("telepathy")), "telepathy");
}

#[test]
fn a_batch_of_2024_without_model_and_usage_decodes() {
    let mut batch: serde_json::Value = serde_json::from_str(&document("batch/completed.json")).unwrap();
    let keys = batch.as_object_mut().unwrap();
    keys.shift_remove("model");
    keys.shift_remove("usage");
    let batch: Batch = serde_json::from_value(batch).unwrap();
    assert_eq!((batch.model, batch.usage), (None, None));
}
