//! What is read of result files, what is found, and what comes back.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::arguments::Object;

/// Files in a directory of their own, which goes with it.
struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self, names: &[&str]) -> Result<Recording, RecordingError> {
        Recording::open(names.iter().map(|name| self.path(name)))
    }

    /// A text without the names of this machine.
    fn told(&self, text: &impl ToString) -> String {
        text.to_string().replace(self.0.path().to_str().unwrap(), "{dir}")
    }
}

fn success(custom_id: &str, body: &Value) -> String {
    let response = json!({"status_code": 200, "request_id": "r", "body": body});
    json!({"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": null}).to_string()
}

fn request(custom_id: &str, prompt: &str) -> String {
    let body = json!({"model": "text-embedding-3-small", "input": prompt});
    json!({"custom_id": custom_id, "method": "POST", "url": "/v1/embeddings", "body": body}).to_string()
}

fn digest_of(prompt: &str) -> u128 {
    let text = format!(r#"{{"input": "{prompt}", "model": "text-embedding-3-small"}}"#);
    let body: Object<'_> = serde_json::from_str(&text).unwrap();
    digest("/v1/embeddings", &body)
}

/// What comes back for a name or a request, in short.
fn replayed(recordings: &[Recording], custom_id: Option<&str>, request: Option<u128>) -> String {
    match find(recordings, custom_id, request).unwrap() {
        Found::Nothing => "nothing".to_owned(),
        Found::OutOfScope => "out of scope".to_owned(),
        Found::At(at) => {
            let mark = if at.fails { "fails: " } else { "" };
            match RecordingReader::default().read(recordings, at) {
                Ok(Replayed::Response { status, body }) => format!("{mark}{status} {body}"),
                Ok(Replayed::Error(error)) => format!("{mark}{}: {}", error.code, error.message),
                Err(error) => format!("broken: {error}"),
            }
        }
    }
}

const RESULTS: &str = concat!(
    "\u{feff}",
    r#"{"id": "1", "custom_id": "good", "response": {"status_code": 200, "request_id": "r", "body": {"n": 1.0, "t": "\u00e9"}}, "error": null}"#,
    "\r\n\n",
    r#"{"id": "2", "custom_id": "bad", "response": {"status_code": 400, "request_id": "r", "body": {"error": {"code": "x"}}}, "error": null}"#,
    "\n",
    r#"{"id": "3", "custom_id": "slow", "response": null, "error": {"code": "request_timeout", "message": "Too late."}}"#,
    "\n",
    r#"{"id": "4", "custom_id": "never", "response": null, "error": {"code": "batch_expired", "message": "Expired."}}"#,
    "\n",
    r#"{"id": "5", "custom_id": "odd", "response": {"status_code": 0, "request_id": "", "body": {}}, "error": null}"#,
);

#[test]
fn results_come_back_by_name_to_the_letter() {
    let files = Files::new(&[("output.jsonl", RESULTS)]);
    let recordings = [files.open(&["output.jsonl"]).unwrap()];
    assert_eq!((recordings[0].len(), recordings[0].n_unfinished()), (4, 1));
    assert_eq!(recordings[0].problems(), []);
    let by_name = |name| replayed(&recordings, Some(name), None);
    assert_eq!(by_name("good"), r#"200 {"n": 1.0, "t": "\u00e9"}"#);
    assert_eq!(by_name("bad"), r#"fails: 400 {"error": {"code": "x"}}"#);
    assert_eq!(by_name("slow"), "fails: request_timeout: Too late.");
    assert_eq!(by_name("odd"), "fails: 0 {}", "F-360");
    assert_eq!(by_name("never"), "nothing", "what has not run was not recorded");
    assert_eq!(by_name("unheard-of"), "nothing");
    assert_eq!(replayed(&recordings, None, Some(1)), "out of scope", "a call has no name");
    assert_eq!(replayed(&[], Some("good"), None), "out of scope");
}

#[test]
fn with_an_input_results_are_found_by_their_requests() {
    let results = [success("a", &json!(1)), success("b", &json!(2)), success("c", &json!(3))].join("\n");
    let input =
        [request("b", "same"), request("a", "same"), request("c", "other"), request("d", "lost")].join("\n");
    let files = Files::new(&[("output.jsonl", &results), ("input.jsonl", &input)]);
    let recording = files.open(&["output.jsonl"]).unwrap();
    let recordings = [recording.with_input([files.path("input.jsonl")]).unwrap()];
    let found = |name, prompt| replayed(&recordings, name, Some(digest_of(prompt)));
    assert_eq!(found(Some("z"), "other"), "200 3", "whatever its name is");
    assert_eq!(found(None, "other"), "200 3", "a call, too");
    assert_eq!(found(Some("b"), "same"), "200 2", "of several the one with the name");
    assert_eq!(found(Some("z"), "same"), "200 1", "or else the first");
    assert_eq!(found(Some("a"), "another"), "nothing", "a name alone is not enough");
    assert_eq!(found(Some("d"), "lost"), "nothing", "there is no result");
}

#[test]
fn the_first_recording_that_knows_a_request_answers() {
    let files = Files::new(&[
        ("one.jsonl", &[success("a", &json!("one")), success("b", &json!("one"))].join("\n")),
        ("two.jsonl", &[success("b", &json!("two")), success("c", &json!("two"))].join("\n")),
        ("input.jsonl", &request("c", "question")),
    ]);
    let (one, two) = (files.open(&["one.jsonl"]).unwrap(), files.open(&["two.jsonl"]).unwrap());
    let recordings = [one.clone(), two.clone()];
    let by_name = |name| replayed(&recordings, Some(name), None);
    assert_eq!([by_name("a"), by_name("b"), by_name("c")], [r#"200 "one""#, r#"200 "one""#, r#"200 "two""#]);

    let recordings = [one, two.with_input([files.path("input.jsonl")]).unwrap()];
    let found = |name| replayed(&recordings, Some(name), Some(digest_of("question")));
    assert_eq!([found("a"), found("z")], [r#"200 "one""#, r#"200 "two""#]);
    assert_eq!(replayed(&recordings, None, Some(digest_of("question"))), r#"200 "two""#);
}

#[test]
fn lines_that_cannot_be_used_are_told_with_file_and_line() {
    let lines = [
        success("a", &json!({})),
        "{broken".to_owned(),
        "[]".to_owned(),
        r#"{"custom_id": 7}"#.to_owned(),
        r#"{"response": null, "error": null}"#.to_owned(),
        r#"{"custom_id": "b", "response": null, "error": null}"#.to_owned(),
        r#"{"custom_id": "b", "response": {"body": {}}}"#.to_owned(),
        r#"{"custom_id": "b", "response": {"status_code": 200}}"#.to_owned(),
        r#"{"custom_id": "b", "error": "lost"}"#.to_owned(),
        r#"{"custom_id": "b", "error": {}}"#.to_owned(),
        request("b", "question"),
        success("a", &json!({})),
    ];
    let files = Files::new(&[
        ("output.jsonl", &lines.join("\n")),
        ("input.jsonl", &[request("a", "question"), "{}".to_owned()].join("\n")),
    ]);
    std::fs::write(files.path("bytes.jsonl"), b"{}\xff\n").unwrap();
    let recording = files.open(&["output.jsonl"]).unwrap().with_input([files.path("input.jsonl")]).unwrap();
    assert_eq!(recording.len(), 1);
    let told: Vec<_> = recording.problems().iter().map(|problem| files.told(problem)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn files_without_anything_to_replay_are_refused() {
    let files = Files::new(&[
        ("input.jsonl", &request("a", "question")),
        ("output.jsonl", &success("b", &json!({}))),
        ("empty.jsonl", "\n \n"),
        (
            "expired.jsonl",
            r#"{"custom_id": "a", "response": null, "error": {"code": "batch_expired", "message": ""}}"#,
        ),
    ]);
    let refused = |result: Result<Recording, RecordingError>| files.told(&result.unwrap_err());
    insta::assert_snapshot!(refused(files.open(&["input.jsonl"])), @"no line can be replayed; {dir}/input.jsonl, line 1: it is a request, not a result: inputs are named apart");
    insta::assert_snapshot!(refused(files.open(&["output.jsonl", "empty.jsonl"])), @"{dir}/empty.jsonl is empty");
    insta::assert_snapshot!(refused(files.open(&["none.jsonl"])), @"cannot read {dir}/none.jsonl: No such file or directory (os error 2)");
    let output = files.open(&["output.jsonl"]).unwrap();
    insta::assert_snapshot!(refused(output.clone().with_input([files.path("input.jsonl")])), @"no line can be replayed; {dir}/input.jsonl, line 1: `a` has no result in the files before, and no other request has one");
    insta::assert_snapshot!(refused(output.clone().with_input([files.path("output.jsonl")])), @"no line can be replayed; {dir}/output.jsonl, line 1: Missing required parameter: 'method'.");
    insta::assert_snapshot!(refused(output.with_input([files.path("empty.jsonl")])), @"{dir}/empty.jsonl is empty");
    let expired = files.open(&["expired.jsonl"]).unwrap();
    assert_eq!(
        (expired.len(), expired.is_empty(), expired.n_unfinished()),
        (0, true, 1),
        "it is a result file all the same"
    );
}

#[test]
fn a_file_that_has_changed_is_not_taken_for_what_it_was() {
    let line = success("a", &json!({"text": "one"}));
    let files = Files::new(&[("output.jsonl", &line)]);
    let recordings = [files.open(&["output.jsonl"]).unwrap()];
    let replayed = || files.told(&replayed(&recordings, Some("a"), None));
    assert_eq!(replayed(), r#"200 {"text":"one"}"#);
    for changed in [line.replace("one", "two"), line[..line.len() / 2].to_owned()] {
        std::fs::write(files.path("output.jsonl"), changed).unwrap();
        assert_eq!(
            replayed(),
            "broken: the recording {dir}/output.jsonl has changed since it was read: see its line 1"
        );
    }
    std::fs::remove_file(files.path("output.jsonl")).unwrap();
    assert_eq!(replayed(), "broken: No such file or directory (os error 2)");
}

/// Lines as results have them, and nearly so.
fn nearly_results() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        r#"\{"custom_id": ("[ab]"|7|null), "response": (null|\{\}|\{"status_code": (200|-1|70000), "body": (\{\}|1)\}), "error": (null|\{"code": "x"\}|1)\}"#
            .prop_map(String::into_bytes),
        r#"[\{\}\[\]":,a-c\\]{0,9}"#.prop_map(String::into_bytes),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_recording_or_are_refused_in_words(bytes in nearly_results()) {
        let files = Files::new(&[]);
        std::fs::write(files.path("results.jsonl"), &bytes).unwrap();
        match files.open(&["results.jsonl"]) {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(recording) => {
                let n_told = recording.len() + recording.n_unfinished() + recording.problems().len();
                let is_blank = |line: &&[u8]| line.trim_ascii().is_empty();
                prop_assert_eq!(n_told, bytes.split(|byte| *byte == b'\n').filter(|line| !is_blank(line)).count());
                for (entry, _) in (0..).zip(&recording.index().unwrap().entries) {
                    let at = RecordedAt { recording: 0, entry, fails: false };
                    prop_assert!(RecordingReader::default().read(std::slice::from_ref(&recording), at).is_ok());
                }
            }
        }
    }
}
