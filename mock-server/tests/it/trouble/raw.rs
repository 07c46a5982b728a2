//! Any bytes on any route get an answer in the API's form, and leave the server as it was.
//!
//! Each property runs 256 cases; `PROPTEST_CASES=20000` makes them more. What they have found is kept as
//! examples below them, not as seeds.
//!
//! A request without an end of its head is none, and has no answer: the connection is closed when its time
//! is up (`connections.rs`).

use batchmock::MockServer;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::wire::{Answer, Bench};
use crate::support::{CHAT, Form, chat_body};

/// Every route, and some that are none. `{file}` and `{batch}` are there.
const PATHS: [&str; 35] = [
    "/v1/files",
    "/v1/files/{file}",
    "/v1/files/{file}/content",
    "/v1/files/file-none",
    "/v1/batches",
    "/v1/batches/{batch}",
    "/v1/batches/{batch}/cancel",
    "/v1/batches/batch_none",
    "/v1/batches/none/cancel",
    "/v1/models",
    "/v1/models/gpt-4o-mini",
    "/v1/models/ft:gpt-4o-mini:a:b:c",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1",
    "/",
    "*",
    "/_mock/v1/health",
    "/_mock/v1/ready",
    "/_mock/v1/openapi.json",
    "/_mock/v1/reset",
    "/_mock/v1/clock",
    "/v1/uploads",
    "/v1/uploads/upload_none/parts",
    "/v1/uploads/upload_none/complete",
    "/v1/uploads/upload_none/cancel",
    "/_mock/v1/clock/advance",
    "/_mock/v1/faults",
    "/_mock/v1/batches/{batch}/plan",
    "/_mock/v1/batches/{batch}/ending",
    "/_mock/v1",
];

/// Routes that read a JSON object, each with parameters it knows.
const JSON_ROUTES: [(&str, &str, &[&str]); 13] = [
    (
        "POST",
        "/v1/batches",
        &["input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"],
    ),
    ("POST", "/v1/batches/{batch}/cancel", &["reason"]),
    ("POST", "/v1/uploads", &["filename", "purpose", "bytes", "mime_type", "expires_after"]),
    ("POST", "/v1/uploads/upload_none/complete", &["part_ids", "md5"]),
    (
        "POST",
        "/v1/chat/completions",
        &[
            "model",
            "messages",
            "n",
            "max_tokens",
            "max_completion_tokens",
            "temperature",
            "top_p",
            "stop",
            "tools",
            "tool_choice",
            "response_format",
            "logprobs",
            "top_logprobs",
            "stream",
            "metadata",
            "logit_bias",
            "seed",
            "modalities",
            "service_tier",
            "reasoning_effort",
        ],
    ),
    ("POST", "/v1/completions", &["model", "prompt", "n", "best_of", "echo", "logprobs", "suffix", "stop"]),
    ("POST", "/v1/embeddings", &["model", "input", "dimensions", "encoding_format", "user"]),
    (
        "POST",
        "/v1/responses",
        &[
            "model",
            "input",
            "instructions",
            "max_output_tokens",
            "text",
            "tools",
            "tool_choice",
            "reasoning",
            "metadata",
            "include",
            "truncation",
            "previous_response_id",
        ],
    ),
    ("POST", "/v1/moderations", &["model", "input"]),
    ("PUT", "/_mock/v1/clock", &["mode"]),
    ("POST", "/_mock/v1/clock/advance", &["by", "to", "until"]),
    ("POST", "/_mock/v1/faults", &["fault", "batch_id"]),
    ("POST", "/_mock/v1/batches/{batch}/ending", &["status", "errors"]),
];

fn cases() -> TestRunner {
    TestRunner::new(Config { failure_persistence: None, ..Config::default() })
}

/// A request, as its parts.
#[derive(Debug, Clone)]
struct Asked {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    is_chunked: bool,
}

impl Asked {
    /// Its bytes. It asks for the connection to be closed, unless it has asked for something else before.
    fn bytes(&self, bench: &Bench) -> Vec<u8> {
        let target = self.target.replace("{file}", &bench.file).replace("{batch}", &bench.batch);
        let mut bytes = format!("{} {target} HTTP/1.1\r\n", self.method).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if self.is_chunked {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(self.body.len().div_ceil(3).max(1)) {
                bytes.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).as_bytes());
            bytes.extend(&self.body);
        }
        bytes
    }
}

/// Sends a request, and holds its answer and the server against what is promised.
fn hold(bench: &Bench, asked: &Asked) -> Result<Answer, TestCaseError> {
    let mut wire = bench.connect();
    // The server may have answered and closed before it has read everything.
    let _ = wire.send(&asked.bytes(bench));
    let answer = wire.answer(&asked.method);
    bench.assert_well();
    let Some(answer) = answer else {
        return Err(TestCaseError::fail("no answer"));
    };
    match answer.fault(&asked.method) {
        Some(fault) => Err(TestCaseError::fail(format!("{fault}: {answer:?}"))),
        None => Ok(answer),
    }
}

fn run(strategy: &impl Strategy<Value = Asked>) {
    let bench = Bench::start(MockServer::builder());
    cases().run(strategy, |asked| hold(&bench, &asked).map(drop)).unwrap_or_else(|error| panic!("{error}"));
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(vec!["GET", "POST", "PUT", "DELETE"]).prop_map(str::to_owned),
        2 => proptest::sample::select(vec!["HEAD", "OPTIONS", "PATCH", "TRACE"]).prop_map(str::to_owned),
        1 => "[A-Za-z!#$%&'*+.^_`|~-]{1,20}",
    ]
}

/// A path: a known one, one that is nearly known, or any.
fn path() -> impl Strategy<Value = String> {
    let known = || proptest::sample::select(PATHS.to_vec()).prop_map(str::to_owned);
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just("..".to_owned()),
        Just("%00".to_owned()),
        Just("%2e%2e%2f".to_owned()),
        Just("%ff%fe".to_owned()),
        Just("%".to_owned()),
        Just("{}".to_owned()),
        Just("%F0%9F%92%A9".to_owned()),
        "[!-~&&[^ ?#]]{0,12}",
    ];
    prop_oneof![
        4 => known(),
        3 => (known(), piece.clone()).prop_map(|(path, piece)| path + &piece),
        2 => (known(), 0_usize..40, piece.clone()).prop_map(|(mut path, at, piece)| {
            path.insert_str(at.min(path.len()), &piece);
            path
        }),
        2 => proptest::collection::vec(piece.clone(), 0..8).prop_map(|pieces| format!("/{}", pieces.concat())),
        1 => (piece, 1_000_usize..20_000)
            .prop_map(|(piece, n)| format!("/v1/files/{}", piece.repeat(n / piece.len().max(1)))),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("limit"),
        Just("after"),
        Just("order"),
        Just("purpose"),
        Just("before"),
        Just("%00"),
        Just("")
    ];
    let value = prop_oneof![
        "[!-~&&[^#]]{0,20}",
        any::<i64>().prop_map(|number| number.to_string()),
        Just("99999999999999999999".to_owned()),
        Just("{file}".to_owned()),
        Just("{batch}".to_owned()),
        Just("%ff".to_owned()),
        Just("batch".to_owned()),
        Just("asc".to_owned()),
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    proptest::option::weighted(0.5, proptest::collection::vec(pair, 0..4))
        .prop_map(|pairs| pairs.map_or(String::new(), |pairs| format!("?{}", pairs.join("&"))))
}

/// What a header may hold at all: everything but control characters.
fn header_value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => 0x20_u8..0x7f, 1 => 0x80_u8..=0xff, 1 => Just(b'\t')];
    proptest::collection::vec(byte, 0..60)
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let known = |name: &'static str, values: Vec<&'static str>| {
        let value = prop_oneof![
            4 => proptest::sample::select(values).prop_map(|value| value.as_bytes().to_vec()),
            1 => header_value(),
        ];
        proptest::option::weighted(0.9, value)
            .prop_map(move |value| value.map(|value| (name.to_owned(), value)))
    };
    let other = ("[a-zA-Z][a-zA-Z0-9-]{0,20}", header_value()).prop_filter(
        "it decides where a request ends",
        |(name, _)| {
            !["content-length", "transfer-encoding", "expect", "upgrade", "connection"]
                .contains(&name.to_ascii_lowercase().as_str())
        },
    );
    (
        known("Authorization", vec!["Bearer sk-raw", "Bearer sk-batchmock", "Basic OnNrLXJhdw==", "Bearer"]),
        known("Host", vec!["localhost", "127.0.0.1", "[::1]:80", "evil.example", ""]),
        known(
            "Content-Type",
            vec![
                "application/json",
                "multipart/form-data; boundary=x",
                "multipart/form-data",
                "text/plain",
                "multipart/form-data; boundary=\"",
            ],
        ),
        proptest::collection::vec(other, 0..4),
    )
        .prop_map(|(authorization, host, content_type, others)| {
            [authorization, host, content_type].into_iter().flatten().chain(others).collect()
        })
}

#[test]
fn any_request_on_any_path() {
    let body = prop_oneof![
        2 => Just(Vec::new()),
        2 => any::<Vec<u8>>(),
        1 => Just(b"{}".to_vec()),
        1 => Just(b"--x\r\n\r\n--x--".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1_000..100_000),
    ];
    let asked = (method(), path(), query(), headers(), body, any::<bool>()).prop_map(
        |(method, path, query, headers, body, is_chunked)| Asked {
            method,
            target: path + &query,
            headers,
            body,
            is_chunked,
        },
    );
    run(&asked);
}

/// Any JSON, with the values that readers trip over among it.
fn json_value() -> impl Strategy<Value = Value> {
    let odd = vec![
        json!(0),
        json!(-1),
        json!(1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(-0.0),
        json!(0.5),
        json!(2_000_000_000_i64),
        json!(""),
        json!("\u{0}"),
        json!("1h"),
        json!("584942417355y"),
        json!("99999999999999999999999999h"),
        json!("2026-02-30T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("next_change"),
        json!({"batch_id": "{batch}", "status": "completed"}),
        json!("scaled:1e308"),
        json!("scaled:1e-308"),
        json!("scaled:NaN"),
        json!("frozen"),
        json!("real"),
        json!("gpt-4o-mini"),
        json!("text-embedding-3-small"),
        json!("{file}"),
        json!(CHAT),
        json!("24h"),
        json!("auto"),
        json!("required"),
        json!("failed"),
        json!("expired"),
        json!({"anchor": "created_at", "seconds": 3_600}),
        json!([{"code": "a", "message": "b", "line": 1}]),
        json!([{"role": "user", "content": "hello"}]),
        json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}]),
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]),
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"$ref": "#"}}}),
        json!({"type": "json_object"}),
        json!({"a": "b"}),
    ];
    let leaf = prop_oneof![
        6 => proptest::sample::select(odd),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        2 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let key = prop_oneof![
            proptest::sample::select(vec![
                "type",
                "role",
                "content",
                "text",
                "name",
                "function",
                "id",
                "schema",
                "properties",
                "items",
                "format",
                "seconds",
                "anchor",
                "status",
                "batch_id",
                "code",
                "message",
                "line",
                "image_url",
                "required",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A request with a JSON object: the parameters that the route knows, and what stands in them is any JSON.
fn json_request() -> impl Strategy<Value = Asked> {
    proptest::sample::select(JSON_ROUTES.to_vec()).prop_flat_map(|(method, target, parameters)| {
        let name = prop_oneof![
            12 => proptest::sample::select(parameters.to_vec()).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        // Half of the time the parameters that everything depends on are good.
        (proptest::collection::vec((name, json_value()), 0..5), any::<bool>()).prop_map(
            move |(entries, is_begun_well)| {
                let mut body = if is_begun_well { good_body(target) } else { Map::new() };
                body.extend(entries);
                Asked {
                    method: method.to_owned(),
                    target: target.to_owned(),
                    headers: good_headers("application/json"),
                    body: Value::Object(body).to_string().into_bytes(),
                    is_chunked: false,
                }
            },
        )
    })
}

fn good_body(target: &str) -> Map<String, Value> {
    let body = match target {
        "/v1/batches" => json!({"input_file_id": "{file}", "endpoint": CHAT, "completion_window": "24h"}),
        "/v1/chat/completions" => chat_body("hello"),
        "/v1/completions" => json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}),
        "/v1/embeddings" => json!({"model": "text-embedding-3-small", "input": "hello"}),
        "/v1/responses" => json!({"model": "gpt-4o-mini", "input": "hello"}),
        "/v1/moderations" => json!({"input": "hello"}),
        "/_mock/v1/clock/advance" => json!({"by": "1h"}),
        _ => json!({}),
    };
    body.as_object().cloned().unwrap_or_default()
}

fn good_headers(content_type: &str) -> Vec<(String, Vec<u8>)> {
    [
        ("Host", "localhost"),
        ("Authorization", "Bearer sk-batchmock"),
        ("Content-Type", content_type),
        ("Connection", "close"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec()
}

#[test]
fn any_json_in_any_parameter() {
    let bench = Bench::start(MockServer::builder());
    let in_place = |mut asked: Asked| {
        let text = String::from_utf8(asked.body).unwrap();
        asked.body = text.replace("{file}", &bench.file).replace("{batch}", &bench.batch).into_bytes();
        asked
    };
    cases()
        .run(&json_request(), |asked| hold(&bench, &in_place(asked)).map(drop))
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Changes of some bytes of a text: replaced, removed, doubled, put in, or all the rest cut off.
fn mutated(text: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<proptest::sample::Index>(), any::<u8>(), 0..5_u8);
    proptest::collection::vec(edit, 1..8).prop_map(move |edits| {
        let mut bytes = text.clone();
        for (at, byte, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                3 => bytes.insert(at, bytes[at]),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

#[test]
fn json_with_errors() {
    let asked = proptest::sample::select(JSON_ROUTES.to_vec()).prop_flat_map(|(method, target, _)| {
        let good = Value::Object(good_body(target)).to_string().into_bytes();
        mutated(good).prop_map(move |body| Asked {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: good_headers("application/json"),
            body,
            is_chunked: false,
        })
    });
    run(&asked);
}

#[test]
fn forms_with_errors() {
    let form = Form::new()
        .field("purpose", "batch")
        .field("expires_after[anchor]", "created_at")
        .field("expires_after[seconds]", "3600")
        .file("a\u{e9}.jsonl", "{}\n{}");
    let asked = (mutated(form.body()), mutated(Form::content_type().into_bytes()), any::<[bool; 2]>())
        .prop_map(|(body, content_type, [is_type_mutated, is_chunked])| {
            let mut headers = good_headers(&Form::content_type());
            if is_type_mutated {
                headers[2].1 =
                    content_type.into_iter().filter(|byte| !matches!(byte, 0..0x20 | 0x7f)).collect();
            }
            Asked { method: "POST".to_owned(), target: "/v1/files".to_owned(), headers, body, is_chunked }
        });
    run(&asked);
}

#[test]
fn bytes_that_are_hardly_http() {
    let bench = Bench::start(MockServer::builder());
    let good = concat!(
        "POST /v1/batches?limit=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-raw\r\n",
        "Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    );
    let bytes = prop_oneof![
        4 => mutated(good.as_bytes().to_vec()),
        1 => any::<Vec<u8>>(),
        1 => proptest::collection::vec(any::<u8>(), 0..20_000),
    ];
    let outcome = cases().run(&bytes, |bytes| {
        let mut wire = bench.connect();
        let _ = wire.send(&bytes);
        // Whatever it was, nothing more of it comes.
        wire.end();
        let answer = wire.answer("POST");
        bench.assert_well();
        let said = String::from_utf8_lossy(&bytes).into_owned();
        match answer.map(|answer| (answer.fault("POST"), answer)) {
            Some((None, _)) => Ok(()),
            Some((Some(fault), answer)) => {
                Err(TestCaseError::fail(format!("{fault}: {answer:?} to {said:?}")))
            }
            // Empty lines are no request.
            None if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => Ok(()),
            None => Err(TestCaseError::fail(format!("no answer to {said:?}"))),
        }
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
