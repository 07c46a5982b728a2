//! Lines of batches that are right, and short to answer.

use serde_json::{Value, json};

use crate::session::Session;

pub(super) const CHAT: &str = "/v1/chat/completions";

/// A line of which nothing can be said, for files that no batch is made of. Some servers look at more than the first
/// characters of a file for a batch.
pub(super) const LINE: &str = concat!(
    r#"{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "#,
    r#""body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]}}"#,
    "\n"
);

/// A line with which a batch of chats fails in validation, so that nothing runs and costs: it is for another endpoint.
pub(super) fn failing(session: &Session) -> String {
    let body = json!({"model": session.models().embeddings, "input": "hello"});
    format!("{}\n", line("a", "/v1/embeddings", &body))
}

/// A line for an endpoint.
pub(super) fn line(custom_id: &str, url: &str, body: &Value) -> Value {
    json!({"custom_id": custom_id, "method": "POST", "url": url, "body": body})
}

/// A chat that is short to answer.
pub(super) fn chat(session: &Session, custom_id: &str) -> Value {
    line(custom_id, CHAT, &chat_body(session))
}

/// The body of such a chat.
pub(super) fn chat_body(session: &Session) -> Value {
    json!({
        "model": session.models().chat,
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_completion_tokens": 16,
    })
}

/// So many chats, called `request-1` and so on.
pub(super) fn chats(session: &Session, count: usize) -> Vec<Value> {
    (1..=count).map(|number| chat(session, &format!("request-{number}"))).collect()
}

/// A chat that passes validation and is refused by the endpoint, since it has a role that there is not.
pub(super) fn refused_chat(session: &Session, custom_id: &str) -> Value {
    let mut body = chat_body(session);
    body["messages"][0]["role"] = json!("wizard");
    line(custom_id, CHAT, &body)
}
