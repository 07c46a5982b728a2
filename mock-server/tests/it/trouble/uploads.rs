//! Uploads that break off.

use super::wire::{Bench, Wire};
use crate::cli::process::Served;
use crate::support::{Form, frozen};

/// The head and the first `n` bytes of an upload of 10 MB.
fn half_an_upload(head: &str, n: usize) -> Vec<u8> {
    let form = Form::new().field("purpose", "batch").file("half.jsonl", "{}\n".repeat(3_500_000)).body();
    let content_type = Form::content_type();
    let head = format!("{head}Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", form.len());
    [head.as_bytes(), &form[..n]].concat()
}

#[test]
fn half_an_upload_is_answered_and_leaves_nothing() {
    let bench = Bench::start(frozen());
    for n in [1, 50, 200, 5_000_000] {
        let mut wire = bench.connect();
        wire.send(&half_an_upload(&bench.head("POST", "/v1/files"), n)).unwrap();
        wire.end();
        let answer = wire.answer("POST").unwrap();
        assert_eq!(answer.status, 400, "{n}");
        assert_eq!(answer.message(), "The request body could not be read to its end.", "{n}");
    }
    let files = bench.wait(bench.client.get("/files")).json();
    assert_eq!(files["data"].as_array().unwrap().len(), 1, "only the file that was there: {files}");
    bench.assert_well();
}

#[test]
fn the_bytes_of_half_an_upload_are_deleted() {
    let served = Served::start(&[]);
    let n_blobs = || {
        let dirs = std::fs::read_dir(served.files()).unwrap();
        dirs.map(|dir| std::fs::read_dir(dir.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    let list = || served.ask(|client, base_url| client.get(format!("{base_url}/files"))).1;
    // Each look at the list gives the server time to come round to it.
    let comes_to = |n: usize| (0..10_000).any(|_| n_blobs() == n || list().is_empty());
    let mut wire = Wire::connect(served.address());
    let head = "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-half\r\n";
    wire.send(&half_an_upload(head, 5_000_000)).unwrap();
    assert!(comes_to(1), "it is written as it comes");
    assert!(list().contains("\"data\": []"), "nobody sees it");
    drop(wire);
    assert!(comes_to(0), "nothing of it is left");
    assert!(list().contains("\"data\": []"));
}
