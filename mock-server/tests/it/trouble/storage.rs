//! A disk that fails, and a process that is told to stop.

use std::path::Path;
use std::process::Command;

use reqwest::multipart::{Form, Part};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::wire::Wire;
use crate::cli::process::{Served, batchmock};
use crate::support::{line, new_batch};

const EMBEDDINGS: &str = "/v1/embeddings";

/// A mock that has made its directory: it says where it takes requests before that, and takes them after.
fn started() -> Served {
    let served = Served::start(&[]);
    let (status, _) = served.ask(|client, base_url| client.get(format!("{base_url}/batches")));
    assert_eq!(status, 200);
    served
}

fn upload(served: &Served, n: usize) -> (u16, String) {
    served.ask(|client, base_url| {
        let file = Part::bytes(vec![b'a'; n]).file_name("a.bin");
        client
            .post(format!("{base_url}/files"))
            .multipart(Form::new().text("purpose", "vision").part("file", file))
    })
}

fn id(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

fn message(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_eq!(answer["error"]["type"], "server_error", "{answer}");
    answer["error"]["message"].as_str().unwrap().to_owned()
}

fn content(served: &Served, id: &str) -> (u16, String) {
    served.ask(|client, base_url| client.get(format!("{base_url}/files/{id}/content")))
}

/// The directory of a mock, inside the one that it takes for the system's.
fn directory(parent: &Path) -> std::path::PathBuf {
    std::fs::read_dir(parent).unwrap().next().unwrap().unwrap().path()
}

const GONE: &str = "batchmock could not read or write its files: one is gone, perhaps with the temporary directory \
                    that it was in";

#[test]
fn a_temporary_directory_that_is_removed_is_made_again() {
    let served = Served::start(&[]);
    let before = id(&upload(&served, 100).1);
    let path = directory(served.files());
    std::fs::remove_dir_all(&path).unwrap();

    let (status, answer) = content(&served, &before);
    assert_eq!((status, message(&answer).as_str()), (500, GONE), "what is lost is lost");
    let (status, answer) = upload(&served, 100);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(content(&served, &id(&answer)), (200, "a".repeat(100)));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700, "nobody else can look into it");
    let (code, _, dir) = served.stop(Signal::TERM);
    assert_eq!(code, Some(0));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
}

/// Creates a batch whose answers need its input to be read again, and gives its id.
fn batch(served: &Served, key: &str) -> String {
    let body = json!({"model": "text-embedding-3-small", "input": "hello", "dimensions": 2});
    let input: String =
        ["a", "b~429"].iter().map(|custom_id| line(custom_id, EMBEDDINGS, &body) + "\n").collect();
    let (_, file) = served.ask_as(key, |client, base_url| {
        let file = Part::text(input).file_name("input.jsonl");
        client
            .post(format!("{base_url}/files"))
            .multipart(Form::new().text("purpose", "batch").part("file", file))
    });
    let batch = new_batch(&id(&file), EMBEDDINGS);
    id(&served.ask_as(key, |client, base_url| client.post(format!("{base_url}/batches")).json(&batch)).1)
}

/// What a path of the API shows. It has to answer.
fn shown(served: &Served, key: &str, path: &str) -> Value {
    let (status, answer) = served.ask_as(key, |client, base_url| client.get(format!("{base_url}/{path}")));
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_batch_whose_input_is_lost_says_so_and_takes_nothing_with_it() {
    const KEY: &str = crate::cli::process::SECRET_KEY;
    const OTHER_KEY: &str = "sk-of-another-world";
    let served = Served::start(&["--clock", "frozen"]);
    let (looked_at, lost) = (batch(&served, KEY), batch(&served, KEY));
    let elsewhere = batch(&served, OTHER_KEY);
    served.run(&["clock", "advance", "1m"]);
    let was = shown(&served, KEY, &format!("batches/{looked_at}"));
    assert_eq!(was["usage"]["total_tokens"], 2, "{was}");
    std::fs::remove_dir_all(directory(served.files())).unwrap();

    let cause = format!("The results of this batch cannot be had: {GONE}");
    let page = shown(&served, KEY, "batches");
    assert_eq!(page["data"][1], was, "what was known stays known");
    let batch = &page["data"][0];
    assert_eq!(*batch, shown(&served, KEY, &format!("batches/{lost}")));
    assert_eq!(batch["status"], "completed");
    assert_eq!(
        batch["errors"]["data"],
        json!([{"code": "server_error", "message": cause, "param": null, "line": null}])
    );
    assert_eq!(batch["usage"]["total_tokens"], 0);
    for file in ["output_file_id", "error_file_id"].map(|key| batch[key].as_str().unwrap()) {
        let record = shown(&served, KEY, &format!("files/{file}"));
        assert_eq!((&record["bytes"], &record["status"]), (&json!(0), &json!("error")), "{record}");
        assert_eq!(record["status_details"], GONE);
        let (status, answer) = content(&served, file);
        assert_eq!((status, message(&answer).as_str()), (500, GONE));
    }
    assert_eq!(shown(&served, KEY, "files")["data"].as_array().unwrap().len(), 6);

    // Other worlds go on, and so does this one.
    assert_eq!(shown(&served, OTHER_KEY, &format!("batches/{elsewhere}"))["status"], "validating");
    let next = self::batch(&served, KEY);
    served.run(&["clock", "advance", "1m"]);
    let next = shown(&served, KEY, &format!("batches/{next}"));
    assert_eq!((&next["usage"], &next["errors"]), (&was["usage"], &Value::Null));
    assert_eq!(content(&served, next["output_file_id"].as_str().unwrap()).0, 200);
}

#[test]
fn a_mock_is_back_in_service_when_there_is_a_place_for_files_again() {
    let served = started();
    std::fs::remove_dir_all(served.files()).unwrap();
    let (status, answer) = upload(&served, 100);
    assert_eq!((status, message(&answer).as_str()), (500, GONE));
    let (status, _) = served.ask(|client, base_url| client.get(format!("{base_url}/batches")));
    assert_eq!(status, 200, "what needs no files works");
    std::fs::create_dir(served.files()).unwrap();
    assert_eq!(upload(&served, 100).0, 200);
}

/// How much a disk holds that is soon full.
const SMALL: usize = 1024 * 1024;

/// Holds a mock whose disk takes no more than a mebibyte at a time against what is promised.
fn hold_with_little_room(served: &Served, cause: &str) {
    let kept = id(&upload(served, 1_000).1);
    for _ in 0..3 {
        let (status, answer) = upload(served, 3 * SMALL);
        assert_eq!(status, 500, "{answer}");
        let message = message(&answer);
        assert!(message.starts_with("batchmock could not read or write its files: "), "{message}");
        assert!(message.contains(cause), "{message}");
    }
    let (_, files) = served.ask(|client, base_url| client.get(format!("{base_url}/files")));
    let files: Value = serde_json::from_str(&files).unwrap();
    assert_eq!(files["data"].as_array().unwrap().len(), 1, "nothing half-written is visible");
    let n_blobs = std::fs::read_dir(directory(served.files())).unwrap().count();
    assert_eq!(n_blobs, 1, "nothing half-written is left");
    assert_eq!(content(served, &kept), (200, "a".repeat(1_000)));
    assert_eq!(upload(served, SMALL / 2).0, 200, "what fits is taken");
}

#[test]
fn a_file_that_the_system_does_not_let_grow_is_refused_with_the_cause() {
    // Blocks of 512 bytes. The signal that the system sends as well is ignored, as it is by most supervisors.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", SMALL / 512);
    let mock = batchmock(["serve", "--port", "0"]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(mock.get_program()).args(mock.get_args());
    hold_with_little_room(&Served::start_by(command), "File too large");
}

/// A small file system of its own, until it goes.
#[cfg(target_os = "linux")]
pub(crate) struct SmallDisk<'a>(&'a Path);

#[cfg(target_os = "linux")]
impl<'a> SmallDisk<'a> {
    /// One of so many bytes at this place; nothing where none can be made.
    #[expect(clippy::print_stderr, reason = "a test that cannot be run has to say so")]
    pub(crate) fn mount(path: &'a Path, size: usize) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "batchmock-test"])
            .arg(path)
            .output();
        let why_not = match mount {
            Ok(mount) if mount.status.success() => return Some(Self(path)),
            Ok(mount) => String::from_utf8_lossy(&mount.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        eprintln!("not run: no small disk can be made: {why_not}");
        None
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, size: usize) {
        let resize = Command::new("mount").args(["-o", &format!("remount,size={size}")]).arg(self.0).status();
        assert!(resize.unwrap().success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_the_cause() {
    let served = started();
    let path = directory(served.files());
    let Some(_disk) = SmallDisk::mount(&path, SMALL) else { return };
    hold_with_little_room(&served, "No space left on device");
}

#[test]
fn a_download_that_is_not_taken_does_not_keep_a_mock_from_stopping() {
    let served = Served::start(&[]);
    let file = id(&upload(&served, 32 * SMALL).1);
    let mut wire = Wire::connect(served.address());
    let key = crate::cli::process::SECRET_KEY;
    let head = format!(
        "GET /v1/files/{file}/content HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    wire.send(head.as_bytes()).unwrap();
    assert_eq!(wire.some(&mut [0]), 1);
    // The client takes no more; the mock waits for it as long as its grace is, and goes.
    let (code, _, dir) = served.stop(Signal::TERM);
    assert_eq!(code, Some(0));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "its files are gone");
    assert!(wire.rest().len() < 32 * SMALL);
}

#[test]
fn a_download_that_is_taken_is_completed_before_a_mock_stops() {
    let mut served = Served::start(&[]);
    let file = id(&upload(&served, 32 * SMALL).1);
    let mut wire = Wire::connect(served.address());
    let key = crate::cli::process::SECRET_KEY;
    let head = format!(
        "GET /v1/files/{file}/content HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    wire.send(head.as_bytes()).unwrap();
    assert_eq!(wire.some(&mut [0]), 1);
    served.process.signal(Signal::TERM);
    served.line_with("stopping");
    assert!(wire.rest().len() > 32 * SMALL, "head and body came whole");
    assert_eq!(served.process.0.wait().unwrap().code(), Some(0));
}
