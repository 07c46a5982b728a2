//! Webhooks that come through the proxy.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::proxy::{Asked, HOOKS, Lie, Proxy, Told};

/// What an endpoint is told, and what becomes of it.
pub(crate) struct Sent {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// It never leaves, and the server believes that it was taken.
    pub(crate) is_lost: bool,
    /// The server believes that it was taken, though the endpoint broke.
    pub(crate) is_never_retried: bool,
    pub(crate) follows_redirects: bool,
    secret: String,
}

impl Sent {
    /// Whether an event has this type.
    pub(crate) fn is(&self, event: &str) -> bool {
        self.json()["type"] == event
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Changes the event, and signs what came of it.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Value)) {
        let mut body = self.json();
        change(&mut body);
        self.body = body.to_string().into();
        let secret = self.secret.clone();
        self.sign_with(&secret);
    }

    pub(crate) fn set_header(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }

    /// Gives a header that is signed another value, and signs it.
    pub(crate) fn set_signed(&mut self, name: &'static str, value: &str) {
        self.set_header(name, value);
        let secret = self.secret.clone();
        self.sign_with(&secret);
    }

    /// Signs it by a library, so not by the code that judges it.
    pub(crate) fn sign_with(&mut self, secret: &str) {
        let text = |name: &str| self.headers[name].to_str().unwrap().to_owned();
        let timestamp = self.time();
        let signed = Webhook::new(secret).unwrap().sign(&text("webhook-id"), timestamp, &self.body).unwrap();
        self.set_header("webhook-signature", &signed);
    }

    pub(crate) fn time(&self) -> i64 {
        self.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap()
    }
}

/// Notes which endpoint is to be told, and puts the proxy in its place.
pub(crate) async fn lead_through(proxy: &Proxy, asked: &mut Asked) {
    let mut body = asked.json();
    let url = body["endpoints"][0]["url"].as_str().unwrap_or_default().to_owned();
    let path = url.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    body["endpoints"][0]["url"] = json!(format!("{}{HOOKS}/{path}", proxy.own));
    asked.body = body.to_string().into();
    {
        let mut hooks = proxy.hooks.lock().unwrap();
        url.trim_end_matches(&path).trim_end_matches('/').clone_into(&mut hooks.root);
        body["endpoints"][0]["secret"].as_str().unwrap_or_default().clone_into(&mut hooks.secret);
    }
    if matches!(proxy.lie, Lie::SendsOfOthers) {
        let other = format!("{}-other", asked.headers["authorization"].to_str().unwrap());
        let url = format!("{}{}", proxy.root, asked.path);
        let put = proxy.http.put(url).header("authorization", other);
        put.header("content-type", "application/json").body(asked.body.clone()).send().await.unwrap();
    }
}

/// Hands on what an endpoint is told.
pub(crate) async fn deliver(proxy: &Proxy, path: &str, headers: HeaderMap, body: Vec<u8>) -> Response<Body> {
    let (root, secret) = {
        let hooks = proxy.hooks.lock().unwrap();
        (hooks.root.clone(), hooks.secret.clone())
    };
    let mut sent =
        Sent { headers, body, is_lost: false, is_never_retried: false, follows_redirects: false, secret };
    if let Lie::Sends(change) = proxy.lie {
        change(&mut sent);
    }
    if sent.is_lost {
        return Told::new(204, "").into_response();
    }
    for hop in ["host", "content-length", "connection"] {
        sent.headers.remove(hop);
    }
    let policy = if sent.follows_redirects {
        reqwest::redirect::Policy::default()
    } else {
        reqwest::redirect::Policy::none()
    };
    let http = reqwest::Client::builder().redirect(policy).tls_certs_only([]).build().unwrap();
    let url = format!("{root}{}", path.trim_start_matches(HOOKS));
    let Ok(answer) = http.post(url).headers(sent.headers).body(sent.body).send().await else {
        return Told::new(502, "").into_response();
    };
    let status = answer.status().as_u16();
    let status = if status == 503 && sent.is_never_retried { 204 } else { status };
    Told { status, headers: answer.headers().clone(), body: Vec::new() }.into_response()
}
