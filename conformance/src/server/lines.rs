//! Lines of batches that are right, and short to answer.

use serde_json::{Value, json};

use crate::session::Session;

pub(super) const CHAT: &str = "/v1/chat/completions";

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
