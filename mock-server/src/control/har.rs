//! Exchanges as HAR 1.2, the format in which browsers and proxies save them (<http://www.softwareishard.com/blog/har-12-spec/>).
//!
//! What the journal does not keep is left out or told as unknown (-1): cookies, most headers, sizes of heads, and the
//! bodies of files.

use serde::Serialize;
use serde_json::{Value, json};

use crate::journal::{Body, JournalEntry, ReceivedRequest};

/// A document.
#[derive(Debug, Serialize)]
pub(super) struct Har {
    log: Value,
}

impl Har {
    /// The exchanges among some entries, with a host for their URLs.
    pub(super) fn new(host: &str, entries: &[JournalEntry]) -> Self {
        let exchange = |entry: &JournalEntry| match entry {
            JournalEntry::Exchange(exchange) => Some(har_entry(host, exchange)),
            JournalEntry::Event { .. } | JournalEntry::Note(_) => None,
        };
        let entries: Vec<Value> = entries.iter().filter_map(exchange).collect();
        Self {
            log: json!({
                "version": "1.2",
                "creator": {"name": "batchmock", "version": env!("CARGO_PKG_VERSION")},
                "entries": entries,
            }),
        }
    }
}

fn har_entry(host: &str, exchange: &ReceivedRequest) -> Value {
    let waited = exchange.took.map_or(-1.0, |took| took.as_secs_f64() * 1000.0);
    json!({
        "startedDateTime": exchange.wall.to_string(),
        // The time to the first byte: how long the rest took is not kept.
        "time": waited.max(0.0),
        "request": request(host, exchange),
        "response": response(exchange),
        "cache": {},
        "timings": {"send": 0, "wait": waited.max(0.0), "receive": 0},
        "comment": format!("entry {} at {} of the world: {exchange}", exchange.number, exchange.at),
    })
}

fn request(host: &str, exchange: &ReceivedRequest) -> Value {
    let query = exchange.query.as_deref();
    let url = match query {
        None => format!("http://{host}{}", exchange.path),
        Some(query) => format!("http://{host}{}?{query}", exchange.path),
    };
    let query: Vec<Value> = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let headers: Vec<Value> =
        exchange.headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut request = json!({
        "method": exchange.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "queryString": query,
        "headersSize": -1,
        "bodySize": exchange.request.n_bytes,
    });
    if !exchange.request.kept.is_empty() {
        let content_type = exchange.headers.iter().find(|(name, _)| *name == "content-type");
        request["postData"] = json!({
            "mimeType": content_type.map_or("application/octet-stream", |(_, value)| value),
            "text": text(&exchange.request),
        });
    }
    request
}

fn response(exchange: &ReceivedRequest) -> Value {
    let headers = [
        ("content-type", &exchange.content_type),
        ("x-request-id", &exchange.request_id),
        ("retry-after", &exchange.retry_after),
    ];
    let headers: Vec<Value> = headers
        .into_iter()
        .filter_map(|(name, value)| Some(json!({"name": name, "value": value.as_ref()?})))
        .collect();
    let mut content = json!({
        "size": exchange.answer.n_bytes,
        "mimeType": exchange.content_type.as_deref().unwrap_or("x-unknown"),
    });
    if !exchange.answer.kept.is_empty() {
        content["text"] = text(&exchange.answer).into();
    }
    json!({
        // Browsers write 0 where no answer came.
        "status": exchange.status.unwrap_or(0),
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers,
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": exchange.answer.n_bytes,
    })
}

fn text(body: &Body) -> String {
    String::from_utf8_lossy(&body.kept).into_owned()
}
