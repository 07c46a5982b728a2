//! The proxy that lies, and what lies are made of.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use serde_json::Value;

use crate::hooks::{self, Sent};

/// Where what endpoints are told comes through.
pub(crate) const HOOKS: &str = "/hooks";

/// How a mutant lies.
#[derive(Clone, Copy)]
pub(crate) enum Lie {
    /// It changes what is asked.
    Asked(fn(&mut Asked)),
    /// It changes what is told.
    Told(fn(&Asked, &mut Told)),
    /// It tells something itself, if it tells anything.
    Instead(fn(&Asked) -> Option<Told>),
    /// It changes what endpoints are told, or what becomes of it.
    Sends(fn(&mut Sent)),
    /// It also tells the endpoints of one account of another.
    SendsOfOthers,
}

/// A request below the base URL.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An answer.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Proxy {
    pub(crate) http: reqwest::Client,
    /// The root of the server behind it.
    pub(crate) root: String,
    pub(crate) lie: Lie,
    /// Its own root.
    pub(crate) own: String,
    pub(crate) hooks: Mutex<Hooks>,
}

/// The endpoint of the suite, which the server behind reaches by way of the proxy.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Its root.
    pub(crate) root: String,
    pub(crate) secret: String,
}

/// Starts a proxy in front of a server, both with `/v1`. Gives its base URL.
pub(crate) async fn start(base_url: String, lie: Lie) -> std::io::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let own = format!("http://{}", listener.local_addr()?);
    let base = format!("{own}/v1");
    let root = base_url.trim_end_matches("/v1").to_owned();
    let proxy = Arc::new(Proxy { http: reqwest::Client::new(), root, lie, own, hooks: Mutex::default() });
    let router = Router::new().fallback(forward).with_state(proxy);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(base)
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_else(|_| Bytes::new()).into();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default().to_owned());
    if path.starts_with(HOOKS) {
        return hooks::deliver(&proxy, path, head.headers, body).await;
    }
    // The control API is no part of what is judged.
    let is_judged = path.starts_with("/v1/");
    let prefix = if is_judged { "/v1" } else { "" };
    let path = path.trim_start_matches(prefix).to_owned();
    let mut asked = Asked { method: head.method, path, query, headers: head.headers, body };
    if is_judged
        && let Lie::Instead(instead) = proxy.lie
        && let Some(told) = instead(&asked)
    {
        return told.into_response();
    }
    if is_judged && let Lie::Asked(change) = proxy.lie {
        change(&mut asked);
    }
    if asked.path == "/_mock/v1/webhooks" && asked.method == Method::PUT {
        hooks::lead_through(&proxy, &mut asked).await;
    }
    let mark = if asked.query.is_empty() { "" } else { "?" };
    let url = format!("{}{prefix}{}{mark}{}", proxy.root, asked.path, asked.query);
    let mut headers = asked.headers.clone();
    for hop in ["host", "content-length", "connection"] {
        headers.remove(hop);
    }
    let sent = proxy.http.request(asked.method.clone(), url).headers(headers).body(asked.body.clone());
    let Ok(answer) = sent.send().await else { return Told::new(502, "").into_response() };
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else { return Told::new(502, "").into_response() };
    let mut told = Told { status, headers, body: body.into() };
    if is_judged && let Lie::Told(change) = proxy.lie {
        change(&asked, &mut told);
    }
    told.into_response()
}

impl Asked {
    /// Whether it is this method, and this path to the letter.
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    /// Whether one batch is looked at.
    pub(crate) fn retrieves_batch(&self) -> bool {
        self.method == "GET" && self.path.starts_with("/batches/")
    }

    /// Whether a batch is cancelled.
    pub(crate) fn cancels_batch(&self) -> bool {
        self.method == "POST" && self.path.starts_with("/batches/") && self.path.ends_with("/cancel")
    }

    /// Whether one file is looked at.
    pub(crate) fn retrieves_file(&self) -> bool {
        self.method == "GET" && self.path.starts_with("/files/") && !self.path.ends_with("/content")
    }

    /// Whether a file is downloaded.
    pub(crate) fn downloads(&self) -> bool {
        self.method == "GET" && self.path.ends_with("/content")
    }

    /// Whether the body holds this text.
    pub(crate) fn holds(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Told {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", axum::http::HeaderValue::from_static("application/json"));
        Self { status, headers, body: body.into() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Whether the body holds this text.
    pub(crate) fn holds(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(text)
    }

    /// A member of the body.
    pub(crate) fn get(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    /// Gives a member of the body another value, if it is there.
    pub(crate) fn set(&mut self, pointer: &str, value: impl Into<Value>) {
        let mut body = self.json();
        if let Some(member) = body.pointer_mut(pointer) {
            *member = value.into();
            self.body = body.to_string().into();
        }
    }

    /// Adds to a number, if it is there.
    pub(crate) fn add(&mut self, pointer: &str, more: i64) {
        if let Some(number) = self.get(pointer).as_i64() {
            self.set(pointer, number + more);
        }
    }

    /// Takes a member of the body away.
    pub(crate) fn remove(&mut self, parent: &str, name: &str) {
        let mut body = self.json();
        if let Some(Value::Object(object)) = body.pointer_mut(parent) {
            object.remove(name);
            self.body = body.to_string().into();
        }
    }

    /// Writes another text in the body, whatever it is.
    pub(crate) fn replace(&mut self, text: &str, other: &str) {
        self.body = String::from_utf8_lossy(&self.body).replace(text, other).into();
    }

    /// Turns the items of a page round.
    pub(crate) fn turn_round(&mut self) {
        let mut body = self.json();
        if let Some(items) = body["data"].as_array_mut() {
            items.reverse();
            let (first, last) = (body["first_id"].take(), body["last_id"].take());
            (body["first_id"], body["last_id"]) = (last, first);
            self.body = body.to_string().into();
        }
    }

    /// The status of a batch.
    pub(crate) fn is_batch(&self, status: &str) -> bool {
        self.get("/status") == status
    }

    pub(crate) fn into_response(mut self) -> Response<Body> {
        for hop in ["content-length", "transfer-encoding", "connection"] {
            self.headers.remove(hop);
        }
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = self.headers;
        response
    }
}
