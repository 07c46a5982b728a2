//! Requests that are too long, too slow, or never end.

use std::time::Duration;

use batchmock::{ConnectionLimits, Limits};

use super::wire::{Bench, Wire};
use crate::support::{Form, frozen};

/// A moment: far longer than two machines need to talk, and short to wait for.
const MOMENT: Duration = Duration::from_millis(300);

fn impatient() -> Bench {
    Bench::start(frozen().connections(ConnectionLimits {
        head_for: MOMENT,
        body_stalls_for: MOMENT,
        ..ConnectionLimits::default()
    }))
}

/// Sends bytes one by one, until the server answers. More than enough of them, so that it can only be the time
/// that ends it.
fn drip(wire: &mut Wire, byte: u8) {
    for _ in 0..10_000 {
        if wire.send(&[byte]).is_err() || wire.is_answered_within(Duration::from_millis(10)) {
            return;
        }
    }
    panic!("the server takes byte after byte");
}

#[test]
fn a_request_line_of_a_megabyte_is_refused() {
    let bench = Bench::start(frozen());
    let mut wire = bench.connect();
    let path = format!("/v1/files/{}", "a".repeat(1_000_000));
    // The server may have had enough before all is sent.
    let _ = wire.send(bench.head("GET", &path).as_bytes());
    let answer = wire.answer("GET").unwrap();
    assert_eq!(answer.status, 431);
    assert_eq!(
        answer.message(),
        "The request line and headers are longer than 131072 bytes, or there are more than 100."
    );
    assert_eq!(wire.rest(), b"");
    bench.assert_well();
}

#[test]
fn a_url_that_is_too_long_and_headers_that_are_too_many_are_refused() {
    let bench = Bench::start(frozen());
    let mut wire = bench.connect();
    let head = bench.head("GET", &format!("/v1/files/{}", "a".repeat(70_000)));
    let _ = wire.send(format!("{head}\r\n").as_bytes());
    let answer = wire.answer("GET").unwrap();
    assert_eq!((answer.status, answer.message().as_str()), (414, "The URL is too long."));

    let mut wire = bench.connect();
    let _ =
        wire.send(format!("{}{}\r\n", bench.head("GET", "/v1/files"), "X-A: b\r\n".repeat(200)).as_bytes());
    assert_eq!(wire.answer("GET").unwrap().status, 431);
    bench.assert_well();
}

#[test]
fn the_length_of_a_head_can_be_lowered() {
    let limits = ConnectionLimits { head_bytes: 1_000, ..ConnectionLimits::default() };
    let bench = Bench::start(frozen().connections(limits));
    for (n, status) in [(500, 404), (2_000, 431)] {
        let mut wire = bench.connect();
        let head = bench.head("GET", &format!("/v1/files/{}", "a".repeat(n)));
        let _ = wire.send(format!("{head}\r\n").as_bytes());
        assert_eq!(wire.answer("GET").unwrap().status, status);
    }
}

#[test]
fn half_a_head_is_not_waited_for_for_ever() {
    let bench = impatient();
    let mut wire = bench.connect();
    wire.send(bench.head("GET", "/v1/files").as_bytes()).unwrap();
    let answer = wire.answer("GET").unwrap();
    assert_eq!(answer.status, 408);
    assert_eq!(answer.message(), "The request line and headers did not come to their end in time.");
    assert_eq!(wire.rest(), b"", "and the connection is closed");
    bench.assert_well();
}

#[test]
fn a_head_that_drips_is_not_waited_for_for_ever() {
    let bench = impatient();
    let mut wire = bench.connect();
    wire.send(format!("{}X-Slow: ", bench.head("GET", "/v1/files")).as_bytes()).unwrap();
    drip(&mut wire, b'a');
    assert_eq!(wire.answer("GET").unwrap().status, 408);
    bench.assert_well();
}

#[test]
fn the_time_for_a_head_is_over_when_the_head_is_there() {
    let limits = ConnectionLimits { head_for: Duration::from_secs(1), ..ConnectionLimits::default() };
    let bench = Bench::start(frozen().connections(limits));
    let mut wire = bench.connect();
    let head = bench.head("GET", "/v1/files");
    for _ in 0..2 {
        let (begin, end) = head.split_at(20);
        wire.send(begin.as_bytes()).unwrap();
        wire.send(format!("{end}\r\n").as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").unwrap().status, 200);
        assert!(!wire.is_answered_within(Duration::from_millis(1_500)), "the connection stays");
    }
}

#[test]
fn a_body_that_stops_or_drips_is_not_waited_for_for_ever() {
    let bench = impatient();
    for path in ["/v1/batches", "/v1/files", "/_mock/v1/clock/advance", "/v1/models"] {
        for drips in [false, true] {
            let mut wire = bench.connect();
            let content_type =
                if path == "/v1/files" { Form::content_type() } else { "application/json".to_owned() };
            let head = bench.head("POST", path);
            let head = format!("{head}Content-Type: {content_type}\r\nContent-Length: 100000\r\n\r\n ");
            wire.send(head.as_bytes()).unwrap();
            if drips {
                drip(&mut wire, b' ');
            }
            let answer = wire.answer("POST").unwrap();
            if path == "/v1/models" {
                assert_eq!(answer.status, 405, "nobody wanted it");
            } else {
                assert_eq!(answer.status, 408, "{path}");
                assert_eq!(
                    answer.message(),
                    "The request body stopped coming: batchmock waited 300ms for it."
                );
            }
            wire.end();
            assert_eq!(wire.rest(), b"", "{path}: the connection is closed");
        }
    }
    bench.assert_well();
}

#[test]
fn a_connection_without_a_request_is_closed_in_the_end() {
    let bench = Bench::start(
        frozen().connections(ConnectionLimits { idle_for: MOMENT, ..ConnectionLimits::default() }),
    );
    let (mut silent, mut served) = (bench.connect(), bench.connect());
    served.send(format!("{}\r\n", bench.head("GET", "/v1/files")).as_bytes()).unwrap();
    assert_eq!(served.answer("GET").unwrap().status, 200);
    assert_eq!((silent.rest(), served.rest()), (Vec::new(), Vec::new()));
    bench.assert_well();
}

fn with_small_limits() -> Bench {
    Bench::start(frozen().limits(Limits {
        batch_file_bytes: 100_000,
        file_bytes: 100_000,
        json_bytes: 10_000,
        form_field_bytes: 1_000,
        ..Limits::default()
    }))
}

/// Sends the same chunk until the server has had enough.
pub(super) fn pour(wire: &mut Wire, chunk: &[u8]) {
    let chunk = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
    for _ in 0..100_000 {
        if wire.send(&chunk).is_err() || wire.is_answered_within(Duration::from_nanos(1)) {
            return;
        }
    }
    panic!("the server takes chunk after chunk");
}

#[test]
fn a_body_without_end_is_refused_and_cut_off() {
    let bench = with_small_limits();
    let form = |part: Form| part.body()[..part.body().len() - 60].to_vec();
    let file = form(Form::new().field("purpose", "batch").file("a.jsonl", "{}\n".repeat(100)));
    let field = form(Form::new().field("purpose", &"a".repeat(100)));
    for (path, content_type, begin, status, message) in [
        ("/v1/batches", "application/json".to_owned(), Vec::new(), 413, "The request body is too large."),
        ("/_mock/v1/clock/advance", String::new(), Vec::new(), 413, "The request body is too large."),
        ("/v1/files", Form::content_type(), file, 400, "File is too large."),
        ("/v1/files", Form::content_type(), field, 413, "The request body is too large."),
        (
            "/v1/files",
            Form::content_type(),
            Vec::new(),
            400,
            "Could not parse multipart form: no boundary, or no end of a part's headers, comes.",
        ),
    ] {
        let mut wire = bench.connect();
        let head = bench.head("POST", path);
        let head = format!("{head}Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
        wire.send(head.as_bytes()).unwrap();
        if !begin.is_empty() {
            wire.send(&[format!("{:x}\r\n", begin.len()).as_bytes(), &begin, b"\r\n"].concat()).unwrap();
        }
        pour(&mut wire, &[b' '; 10_000]);
        let answer = wire.answer("POST").unwrap();
        assert_eq!((answer.status, answer.message().as_str()), (status, message), "{path}");
        bench.assert_well();
    }
}

#[test]
fn a_form_of_endless_fields_is_refused() {
    let bench = with_small_limits();
    let mut wire = bench.connect();
    let head = bench.head("POST", "/v1/files");
    let content_type = Form::content_type();
    let head = format!("{head}Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
    wire.send(head.as_bytes()).unwrap();
    let parts = (0..100).fold(Form::new(), |form, n| form.field(&format!("field-{n}"), "a"));
    let parts = parts.body();
    pour(&mut wire, &parts[..parts.len() - Form::content_type().len()]);
    assert_eq!(wire.answer("POST").unwrap().status, 413);
    bench.assert_well();
}

#[test]
fn a_compressed_body_is_refused_and_never_decompressed() {
    // A gigabyte of zeros would begin so.
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec();
    let bench = Bench::start(frozen());
    for (path, content_type) in [
        ("/v1/files", Form::content_type()),
        ("/v1/batches", "application/json".to_owned()),
        ("/_mock/v1/clock/advance", "application/json".to_owned()),
    ] {
        let mut wire = bench.connect();
        let head = bench.head("POST", path);
        let head = format!(
            "{head}Content-Type: {content_type}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            gzip.len()
        );
        wire.send(&[head.as_bytes(), &gzip].concat()).unwrap();
        let answer = wire.answer("POST").unwrap();
        assert_eq!(answer.status, 415, "{path}");
        assert!(answer.message().starts_with("Unsupported content encoding: 'gzip'."), "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], "unsupported_content_encoding");
    }
}

#[test]
fn a_world_too_many_is_refused_and_the_others_go_on() {
    let bench = Bench::start(frozen().limits(Limits { worlds: 2, ..Limits::default() }));
    bench.wait(async {
        let client = &bench.client;
        assert_eq!(client.with_key("sk-second").get("/files").await.status, 200);
        let refused = client.with_key("sk-third").get("/files").await;
        assert_eq!(refused.status, 503);
        assert_eq!(refused.message(), "batchmock has 2 worlds, and makes no more: use keys that it knows.");
        assert_eq!(client.with_key("sk-second").get("/files").await.status, 200);
        assert_eq!(client.retrieve(&bench.batch).await.status, 200);
    });
}
