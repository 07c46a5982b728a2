//! What the targets share: a mock without a socket, and what must be true of its answers.

use std::sync::OnceLock;

use batchmock::internals::Mock;
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

/// Sends a request to a mock, whose answer must be one of the API's, and none of its own failure.
pub fn must_answer(method: &str, target: &str, content_type: &str, body: Vec<Bytes>) {
    static RUNTIME: OnceLock<(Runtime, Mock)> = OnceLock::new();
    let (runtime, mock) = RUNTIME.get_or_init(|| {
        (Builder::new_current_thread().build().expect("there is a runtime"), Mock::new())
    });
    let Some(answer) = runtime.block_on(mock.answer(method, target, content_type, body)) else { return };
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status < 500, "{method} {target}: {} {text}", answer.status);
    if answer.status >= 400 {
        let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("an error is JSON");
        let error = body["error"].as_object().expect("an error has the envelope of the API");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    }
    // What was made is let go, so that a long run needs no more memory than a short one.
    let reset = mock.answer("POST", "/_mock/v1/reset", "application/json", Vec::new());
    runtime.block_on(reset);
}

/// Bytes in pieces, whose lengths are the bytes of `cuts` over and over.
pub fn pieces<'b>(bytes: &'b [u8], cuts: &[u8]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for cut in cuts.iter().cycle().take(if cuts.is_empty() { 0 } else { bytes.len() }) {
        let (piece, after) = rest.split_at(usize::from(*cut).max(1).min(rest.len()));
        pieces.push(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Takes the first bytes off, as many as the first one says.
pub fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first()?;
    Some(rest.split_at(usize::from(*length % 32).min(rest.len())))
}
