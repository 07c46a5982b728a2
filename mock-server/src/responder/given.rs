//! Bodies that are given as a whole: their tokens, and a `usage` where one is missing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Usage;
use super::request::Request;
use super::tokens::tokens;

impl Usage {
    /// The same of a body that is still a text; zero of one that is no JSON.
    pub(crate) fn of_text(body: &str) -> Self {
        #[derive(Deserialize)]
        struct WithUsage {
            #[serde(default)]
            usage: Value,
        }
        let usage = serde_json::from_str(body).map_or(Value::Null, |WithUsage { usage }| usage);
        Self::of_body(&json!({ "usage": usage }))
    }

    /// What the `usage` of a body says; zero where it says nothing. Each endpoint has one of two names for what was
    /// read and written.
    pub(crate) fn of_body(body: &Value) -> Self {
        let usage = &body["usage"];
        let number = |names: [&str; 2], detail: Option<&str>| {
            let found = names.iter().map(|name| detail.map_or(&usage[*name], |detail| &usage[*name][detail]));
            found.into_iter().find_map(Value::as_u64).unwrap_or_default()
        };
        let (read, written) = (
            ["prompt_tokens_details", "input_tokens_details"],
            ["completion_tokens_details", "output_tokens_details"],
        );
        Self {
            input_tokens: number(["prompt_tokens", "input_tokens"], None),
            output_tokens: number(["completion_tokens", "output_tokens"], None),
            cached_tokens: number(read, Some("cached_tokens")),
            reasoning_tokens: number(written, Some("reasoning_tokens")),
        }
    }
}

/// Adds a `usage` to a body that has none, in the form of the request's endpoint; moderations, videos and the older image
/// models tell none.
/// What is read is counted from the request, what is written from the texts of the body.
pub(crate) fn with_usage(mut body: Value, request: &Request) -> Value {
    let Value::Object(fields) = &body else { return body };
    if fields.contains_key("usage") {
        return body;
    }
    let read = request.input_tokens();
    let written = written_tokens(&body);
    let usage = match request {
        Request::Chat(_) | Request::Completion(_) => json!({
            "prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written,
        }),
        Request::Embedding(_) => json!({"prompt_tokens": read, "total_tokens": read}),
        Request::Responses(_) => json!({
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }),
        Request::Image(request) if request.tells_usage() => json!({
            "input_tokens": read,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": read},
            "output_tokens": 0,
            "total_tokens": read,
        }),
        Request::Image(_) | Request::Moderation(_) | Request::Video(_) => return body,
    };
    body["usage"] = usage;
    body
}

/// The tokens of what a model says in a body: the texts of choices and of output items, and what calls pass.
fn written_tokens(body: &Value) -> u64 {
    let items = |value: &'_ Value| value.as_array().map(Vec::as_slice).unwrap_or_default().to_vec();
    let mut said = Vec::new();
    for choice in items(&body["choices"]) {
        let message = &choice["message"];
        said.extend([choice["text"].clone(), message["content"].clone(), message["refusal"].clone()]);
        for call in items(&message["tool_calls"]) {
            said.extend([call["function"]["arguments"].clone(), call["custom"]["input"].clone()]);
        }
    }
    for item in items(&body["output"]) {
        said.extend([item["arguments"].clone(), item["input"].clone()]);
        said.extend(
            items(&item["content"]).iter().flat_map(|part| [part["text"].clone(), part["refusal"].clone()]),
        );
    }
    said.iter().filter_map(Value::as_str).map(tokens).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Endpoint;

    fn request(endpoint: Endpoint, body: &Value) -> Request {
        Request::parse(endpoint, body.as_object().unwrap()).unwrap()
    }

    #[test]
    fn a_missing_usage_is_counted() {
        let chat = request(
            Endpoint::ChatCompletions,
            &json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "four"}]}),
        );
        let body = json!({"choices": [{"message": {"content": "four five", "tool_calls": [{"function": {"arguments": "{}"}}]}}]});
        let body = with_usage(body, &chat);
        assert_eq!(body["usage"], json!({"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11}));
        let usage = Usage::of_body(&body);
        assert_eq!((usage.input_tokens, usage.output_tokens), (7, 4));

        let response = request(Endpoint::Responses, &json!({"model": "gpt-4o", "input": "four"}));
        let body = json!({"output": [{"content": [{"text": "four"}]}, {"arguments": "{}"}]});
        let usage = Usage::of_body(&with_usage(body, &response));
        assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens()), (7, 2, 9));
    }

    #[test]
    fn a_usage_that_is_there_stays() {
        let embedding =
            request(Endpoint::Embeddings, &json!({"model": "text-embedding-3-small", "input": "four"}));
        let body = json!({"usage": {"prompt_tokens": 5, "total_tokens": 5}});
        assert_eq!(with_usage(body.clone(), &embedding), body);
        assert_eq!(
            with_usage(json!({}), &embedding)["usage"],
            json!({"prompt_tokens": 1, "total_tokens": 1})
        );
        assert_eq!(with_usage(json!([]), &embedding), json!([]));
        let moderation = request(Endpoint::Moderations, &json!({"input": "four"}));
        assert_eq!(with_usage(json!({}), &moderation), json!({}));
        assert_eq!(Usage::of_body(&json!("text")), Usage::default());
    }

    #[test]
    fn details_are_read_under_both_names() {
        let usage = json!({
            "input_tokens": 9, "output_tokens": 8,
            "input_tokens_details": {"cached_tokens": 3}, "output_tokens_details": {"reasoning_tokens": 2},
        });
        let expected = Usage { input_tokens: 9, output_tokens: 8, cached_tokens: 3, reasoning_tokens: 2 };
        assert_eq!(Usage::of_body(&json!({ "usage": usage })), expected);
        let usage = json!({
            "prompt_tokens": 9, "completion_tokens": 8,
            "prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 2},
        });
        assert_eq!(Usage::of_body(&json!({ "usage": usage })), expected);
    }
}
