//! A disk that is full, or gone, or cannot be written.

use std::path::Path;
use std::process::Command;

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::cli::process::{Served, batchmock, run};
use crate::support::chats;
#[cfg(target_os = "linux")]
use crate::trouble::storage::SmallDisk;

/// How much the disk holds that is soon full.
const SMALL: usize = 2 * 1024 * 1024;

fn start(dir: &Path) -> Served {
    Served::start(&["--clock", "frozen", "--data-dir", dir.to_str().unwrap()])
}

fn get(served: &Served, path: &str) -> (u16, Value) {
    let (status, body) = served.ask(|client, base_url| client.get(format!("{base_url}{path}")));
    (status, serde_json::from_str(&body).unwrap())
}

fn upload(served: &Served, purpose: &'static str, bytes: Vec<u8>) -> (u16, Value) {
    let (status, body) = served.ask(|client, base_url| {
        let form = Form::new().text("purpose", purpose).part("file", Part::bytes(bytes).file_name("a.jsonl"));
        client.post(format!("{base_url}/files")).multipart(form)
    });
    (status, serde_json::from_str(&body).unwrap())
}

/// Creates a batch with so much metadata that its fact takes some room.
fn create(served: &Served, input: &str) -> (u16, Value) {
    let metadata: serde_json::Map<_, _> =
        (0..16).map(|n| (format!("key-{n}"), Value::from("x".repeat(500)))).collect();
    let new = serde_json::json!({
        "input_file_id": input, "endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": metadata,
    });
    let (status, body) = served.ask(|client, base_url| client.post(format!("{base_url}/batches")).json(&new));
    (status, serde_json::from_str(&body).unwrap())
}

fn n(list: &(u16, Value)) -> usize {
    assert_eq!(list.0, 200, "{}", list.1);
    list.1["data"].as_array().unwrap().len()
}

/// Holds a mock whose disk is soon full against what is promised: what cannot be kept is refused with the cause and
/// shown to nobody, also when the mock is started again, with more room.
fn hold_with_little_room(dir: &Path, mut served: Served, cause: &str, restart: impl Fn() -> Served) {
    let input = upload(&served, "batch", chats(3).join("\n").into()).1["id"].as_str().unwrap().to_owned();
    let mut n_created = 0;
    let mut refusals = Vec::new();
    // When the file is opened again, there may be some room in it.
    while refusals.len() < 3 {
        let answer = create(&served, &input);
        if answer.0 == 200 {
            n_created += 1;
        } else {
            refusals.push(answer);
        }
        assert!(n_created < 2_000, "the disk is never full");
    }
    assert!(n_created > 10, "{n_created}: {refusals:?}");
    refusals.push(upload(&served, "evals", vec![b'x'; 2 * SMALL]));
    for refusal in refusals {
        assert_eq!(refusal.0, 500, "{}", refusal.1);
        assert_eq!(refusal.1["error"]["type"], "server_error");
        let message = refusal.1["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("batchmock could not read or write its files: "), "{message}");
        assert!(message.contains(cause), "{message}");
    }
    for _ in 0..2 {
        let batches = get(&served, "/batches?limit=100");
        assert_eq!(n(&batches), n_created.min(100), "what was refused is not there");
        assert_eq!(n(&get(&served, "/files")), 1);
        drop(served);
        served = restart();
    }
    assert!(dir.join("facts.redb").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_shows_nothing_that_was_not() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path(), SMALL) else { return };
    let served = start(dir.path());
    let with_more_room = || {
        disk.resize(2 * SMALL);
        start(dir.path())
    };
    hold_with_little_room(dir.path(), served, "No space left on device", with_more_room);
}

#[cfg(target_os = "linux")]
#[test]
fn a_mock_goes_on_when_there_is_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(dir.path(), SMALL) else { return };
    let served = start(dir.path());
    let input = upload(&served, "batch", chats(3).join("\n").into()).1["id"].as_str().unwrap().to_owned();
    let ballast = dir.path().join("blobs").join("ballast");
    // As much as there is.
    let mut filling = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut filling, &[0; 4096]).is_ok() {}
    while create(&served, &input).0 == 200 {}
    let before = n(&get(&served, "/batches?limit=100"));
    std::fs::remove_file(&ballast).unwrap();
    drop(filling);
    assert_eq!(create(&served, &input).0, 200);
    assert_eq!(n(&get(&served, "/batches?limit=100")), before + 1);
    drop(served);
    assert_eq!(n(&get(&start(dir.path()), "/batches?limit=100")), before + 1);
}

#[test]
fn files_that_the_system_does_not_let_grow_are_as_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    // Blocks of 512 bytes. The signal that the system sends as well is ignored, as it is by most supervisors.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", SMALL / 4 / 512);
    let mock = batchmock(["serve", "--port", "0", "--clock", "frozen", "--data-dir", dir.to_str().unwrap()]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(&script).arg(mock.get_program()).args(mock.get_args());
    hold_with_little_room(&dir, Served::start_by(command), "File too large", || start(&dir));
}

#[test]
fn a_directory_that_is_removed_under_a_mock_is_told_and_not_made_again() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let served = start(&dir);
    assert_eq!(n(&get(&served, "/files")), 0);
    std::fs::remove_dir_all(&dir).unwrap();
    for purpose in ["evals", "batch"] {
        let (status, answer) = upload(&served, purpose, chats(1).concat().into());
        assert_eq!(status, 500, "{answer}");
    }
    let input = "file-1111111111111111111111";
    for _ in 0..2 {
        let (status, answer) = create(&served, input);
        assert_eq!(status, 500, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("one is gone"), "{answer}");
    }
    assert!(!dir.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_written_is_told_when_the_mock_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(dir.path(), SMALL) else { return };
    let path = dir.path().to_str().unwrap();
    drop(start(dir.path()));
    let remount = Command::new("mount").args(["-o", "remount,ro", path]).status().unwrap();
    assert!(remount.success());
    let said = run(["serve", "--port", "0", "--data-dir", path]);
    assert_eq!(said.code, 4);
    assert_eq!(
        said.stderr.replace(path, "DIR"),
        "batchmock: the data directory DIR cannot be used: Read-only file system (os error 30)\n"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_any_room_is_told_when_the_mock_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_disk) = SmallDisk::mount(dir.path(), 16 * 1024) else { return };
    let path = dir.path().to_str().unwrap();
    let said = run(["serve", "--port", "0", "--data-dir", path]);
    assert_eq!(said.code, 4);
    assert_eq!(
        said.stderr.replace(path, "DIR"),
        "batchmock: the data directory DIR cannot be used: No space left on device (os error 28)\n"
    );
}
