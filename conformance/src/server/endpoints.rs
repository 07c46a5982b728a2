//! Lines for each endpoint, and the bodies they are answered with.

use serde_json::{Value, json};

use super::{RUNS, lines};
use crate::case::{Capability, Case, Level, documented, observed, run};
use crate::expect::{Answer, Body, Outcome, Stop};
use crate::session::Session;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "endpoints/chat-completions",
        title: "lines for chat completions",
        requirement: "Lines for `/v1/chat/completions` are answered with a `chat.completion`.",
        evidence: &[documented("F-231")],
        run: run!(chat_completions),
        ..RUNS
    },
    Case {
        id: "endpoints/responses",
        title: "lines for responses",
        requirement: "Lines for `/v1/responses` match a batch for that endpoint, and are answered with a `response`.",
        evidence: &[documented("F-231"), observed("F-452")],
        needs: &[Capability::Responses],
        run: run!(responses),
        ..RUNS
    },
    Case {
        id: "endpoints/embeddings",
        title: "lines for embeddings",
        requirement: "Lines for `/v1/embeddings` are answered with a list of embeddings.",
        evidence: &[documented("F-231")],
        needs: &[Capability::Embeddings],
        run: run!(embeddings),
        ..RUNS
    },
    Case {
        id: "endpoints/embeddings-usage",
        title: "embeddings have no output tokens",
        level: Level::Should,
        requirement: "`usage` of a batch of embeddings has input tokens and no output tokens.",
        evidence: &[observed("F-207")],
        needs: &[Capability::Embeddings],
        run: run!(embeddings_usage),
        ..RUNS
    },
    Case {
        id: "endpoints/completions",
        title: "lines for completions",
        requirement: "Lines for `/v1/completions` are answered with a `text_completion`.",
        evidence: &[documented("F-231")],
        needs: &[Capability::Completions],
        run: run!(completions),
        ..RUNS
    },
    Case {
        id: "endpoints/moderations",
        title: "lines for moderations",
        requirement: "Lines for `/v1/moderations` are answered with a list of results.",
        evidence: &[documented("F-231")],
        needs: &[Capability::Moderations],
        run: run!(moderations),
        ..RUNS
    },
    Case {
        id: "endpoints/image-generations",
        title: "lines for image generations",
        requirement: "Lines for `/v1/images/generations` are answered with a list of images.",
        evidence: &[documented("F-231")],
        needs: &[Capability::Images],
        run: run!(image_generations),
        ..RUNS
    },
    Case {
        id: "endpoints/image-edits",
        title: "lines for image edits",
        requirement: "Lines for `/v1/images/edits` name pictures by URL, in JSON, and are answered with a list of images.",
        evidence: &[documented("F-231"), documented("F-365")],
        needs: &[Capability::Images],
        tokens_of_a_line: 160,
        run: run!(image_edits),
        ..RUNS
    },
    Case {
        id: "endpoints/videos",
        title: "lines for videos",
        requirement: "Lines for `/v1/videos` are answered with a `video` that is finished.",
        evidence: &[documented("F-231"), documented("F-365")],
        needs: &[Capability::Videos],
        run: run!(videos),
        ..RUNS
    },
];

/// The smallest picture: one transparent dot.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// Whether a refusal is about the endpoint of a batch: it names the parameter, or the endpoint itself.
fn says_it_has_no(endpoint: &str, answer: &Answer) -> bool {
    let error = answer.error();
    let message = error.get("/message").as_str().unwrap_or_default();
    answer.status == 400 && (error.get("/param") == "endpoint" || message.contains(endpoint))
}

/// Runs one line for an endpoint. Gives its line of results, which must be a success.
async fn answered(session: &mut Session, endpoint: &str, body: &Value) -> Outcome<Body> {
    let lines = [lines::line("request-1", endpoint, body)];
    let input = session.input(&lines).await?;
    let created = session.create(&input, endpoint).await?;
    if endpoint != lines::CHAT && says_it_has_no(endpoint, &created) {
        return Err(Stop::NotOffered(format!("POST /batches refuses {endpoint}: {}", created.error().value)));
    }
    let created = created.success()?;
    created.equals("/endpoint", endpoint)?;
    let batch = session.until(&created.text("/id")?, &["completed"]).await?;
    let ended = session.ended(batch).await?;
    let Some(line) = ended.output.into_iter().next() else {
        let why = ended.errors.first().map_or_else(|| "nothing".to_owned(), |line| line.value.to_string());
        return Err(Stop::NotReached(format!("the line has no output, but {why}")));
    };
    line.equals("/custom_id", "request-1")?;
    line.equals("/response/status_code", 200)?;
    Ok(line)
}

async fn chat_completions(session: &mut Session) -> Outcome {
    let line = answered(session, lines::CHAT, &lines::chat_body(session)).await?;
    line.equals("/response/body/object", "chat.completion")?;
    line.equals("/response/body/choices/0/message/role", "assistant")
}

async fn responses(session: &mut Session) -> Outcome {
    let body = json!({"model": session.models().chat, "input": "Say hello.", "max_output_tokens": 16});
    let line = answered(session, "/v1/responses", &body).await?;
    line.equals("/response/body/object", "response")?;
    line.list("/response/body/output").map(drop)
}

fn embedding(session: &Session) -> Value {
    json!({"model": session.models().embeddings, "input": "hello"})
}

async fn embeddings(session: &mut Session) -> Outcome {
    let line = answered(session, "/v1/embeddings", &embedding(session)).await?;
    line.equals("/response/body/object", "list")?;
    line.equals("/response/body/data/0/object", "embedding")
}

async fn embeddings_usage(session: &mut Session) -> Outcome {
    let lines = [lines::line("request-1", "/v1/embeddings", &embedding(session))];
    let batch = session.run(&lines, "/v1/embeddings").await?.batch;
    let input = batch.integer("/usage/input_tokens")?;
    batch.check("/usage/input_tokens", input > 0, "more than 0")?;
    batch.equals("/usage/output_tokens", 0)
}

async fn completions(session: &mut Session) -> Outcome {
    let body = json!({"model": session.models().completions, "prompt": "Say hello.", "max_tokens": 16});
    let line = answered(session, "/v1/completions", &body).await?;
    line.equals("/response/body/object", "text_completion")?;
    line.list("/response/body/choices").map(drop)
}

async fn moderations(session: &mut Session) -> Outcome {
    let body = json!({"model": session.models().moderations, "input": "hello"});
    let line = answered(session, "/v1/moderations", &body).await?;
    let flagged = line.get("/response/body/results/0/flagged").is_boolean();
    line.check("/response/body/results/0/flagged", flagged, "true or false")
}

/// The first image is there, as data or as a URL.
fn has_image(line: &Body) -> Outcome {
    let image = line.get("/response/body/data/0");
    let is_there = image["b64_json"].is_string() || image["url"].is_string();
    line.check("/response/body/data/0", is_there, "an image, as `b64_json` or `url`")
}

async fn image_generations(session: &mut Session) -> Outcome {
    let body = json!({"model": session.models().images, "prompt": "a cat"});
    has_image(&answered(session, "/v1/images/generations", &body).await?)
}

async fn image_edits(session: &mut Session) -> Outcome {
    let images = json!([{"image_url": PICTURE}]);
    let body = json!({"model": session.models().images, "prompt": "a cat", "images": images});
    has_image(&answered(session, "/v1/images/edits", &body).await?)
}

async fn videos(session: &mut Session) -> Outcome {
    let body = json!({"model": session.models().videos, "prompt": "a cat"});
    let line = answered(session, "/v1/videos", &body).await?;
    line.equals("/response/body/object", "video")?;
    let finished = [json!("completed"), json!("failed"), json!("expired")];
    line.one_of("/response/body/status", &finished)
}
