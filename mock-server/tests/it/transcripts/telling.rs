//! Writing an answer down so that it can be compared: the status, the headers in the order of their names,
//! the body.

use super::exchange::{Answer, Request};
use super::renaming::Names;
use super::transcript::Transcript;

/// Headers that are not compared, and why.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("alt-svc", "offers HTTP/3 on a port of the edge; the mock must not send clients there"),
    ("connection", "belongs to the connection, not to the answer"),
    ("date", "when the answer left the edge, up to two seconds after the times in the body"),
    ("set-cookie", "cookies of the edge, on some answers only"),
    (
        "transfer-encoding",
        "how the body is cut up on the way; clients that take gzip are sent chunks (F-014)",
    ),
];

/// Headers that changed later: until this day they are not compared, and why.
const CHANGED: &[(&str, &str, &str)] = &[
    (
        "access-control-expose-headers",
        "2026-05-15",
        "sent everywhere, and with CF-Ray, since 2026-05 (F-008)",
    ),
    ("x-envoy-upstream-service-time", "2026-05-15", "sent on some routes until 2026-04"),
];

/// Tells all answers of a transcript.
pub(super) fn tell_all(transcript: &Transcript, answers: &[Answer]) -> Vec<String> {
    let mut names = Names::new(transcript.mock.start);
    for answer in answers {
        names.add_up(&answer.body);
    }
    let exchanges = transcript.exchanges.iter().zip(answers);
    exchanges
        .map(|(exchange, answer)| {
            tell(&mut names, &exchange.request, answer, &exchange.answer, &transcript.recorded)
        })
        .collect()
}

/// Tells one answer. `recorded` is the answer it is going to be compared with, of the day `day`.
pub(super) fn tell(
    names: &mut Names,
    request: &Request,
    answer: &Answer,
    recorded: &Answer,
    day: &str,
) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !NOT_COMPARED.iter().any(|(other, _)| other == name))
        .filter(|(name, _)| !CHANGED.iter().any(|(other, until, _)| other == name && day < *until))
        // Of an answer that was recorded in chunks, the length was not.
        .filter(|(name, _)| name != "content-length" || recorded.header("transfer-encoding").is_none())
        .map(|(name, value)| format!("{name}: {}\n", names.header(name, value, answer)))
        .collect();
    headers.sort();
    let body = match answer.header("content-type") {
        Some("application/octet-stream") if request.path.ends_with("/content") => names.lines(&answer.body),
        Some(json) if json.starts_with("application/json") => names.json(&answer.body),
        _ => answer.body.clone(),
    };
    format!("{}\n{}\n{body}\n(end)\n", answer.status, headers.concat())
}
