//! Web pages do not get at the control API.

use std::fmt::Write as _;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::bench::{Bench, KEY};

/// The status line and the body of the answer to a request that is written byte by byte.
async fn raw(bench: &Bench, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(bench.server.address()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

fn advance_for(host: &str) -> String {
    let body = r#"{"by": "1h"}"#;
    format!(
        "POST /_mock/v1/clock/advance HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_request_for_another_host_is_refused() {
    let bench = Bench::start().await;
    for host in
        ["evil.example", "evil.example:7420", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"]
    {
        let (status, body) = raw(&bench, &advance_for(host)).await;
        assert_eq!(status, "HTTP/1.1 403 Forbidden", "{host}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["type"], "batchmock_error");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(host) && message.contains("--allow-host"), "{message}");
    }
    assert_eq!(bench.now(KEY).await, "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn a_request_for_this_machine_is_let_in() {
    let bench = Bench::start().await;
    let port = bench.server.address().port();
    let hosts = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        "LOCALHOST".to_owned(),
        format!("[::1]:{port}"),
    ];
    for host in hosts {
        let (status, _) = raw(&bench, &advance_for(&host)).await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{host}");
    }
    assert_eq!(bench.now(KEY).await, "2026-01-01T04:00:00Z");
    // Browsers always name a host; a script that speaks HTTP/1.0 need not.
    let (status, _) = raw(&bench, "GET /_mock/v1/health HTTP/1.0\r\n\r\n").await;
    assert_eq!(status, "HTTP/1.0 200 OK");
}

#[tokio::test]
async fn a_page_of_another_site_is_refused() {
    let bench = Bench::start().await;
    let mut refusals = String::new();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "http://evil.example:7420"),
        ("origin", "null"),
    ] {
        for (method, path) in
            [("POST", "/clock/advance"), ("POST", "/reset"), ("GET", "/openapi.json"), ("GET", "/nowhere")]
        {
            let request =
                bench.request(method, path).bearer_auth(KEY).header(name, value).json(&json!({"by": "1h"}));
            let message = bench.send(method, path, request).await.refusal(403);
            if path == "/reset" {
                writeln!(refusals, "{name}: {value}\n  {message}").unwrap();
            }
        }
    }
    assert_eq!(bench.now(KEY).await, "2026-01-01T00:00:00Z");
    insta::assert_snapshot!(refusals);
}

#[tokio::test]
async fn a_page_of_this_machine_and_an_sdk_are_let_in() {
    let bench = Bench::start().await;
    let own_page = format!("http://{}", bench.server.address());
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("origin", &own_page),
        ("sec-fetch-mode", "cors"),
    ] {
        let request = bench.request("GET", "/clock").bearer_auth(KEY).header(name, value);
        bench.send("GET", "/clock", request).await.expect(200);
    }
}
