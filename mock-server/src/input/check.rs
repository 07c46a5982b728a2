//! Whether a batch can run an input, and if not, everything that is wrong with it.

use super::line::RequestFacts;
use super::{Line, LineContent, Problem, Scan};
use crate::endpoint::Endpoint;

/// What a batch may have (F-239).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Lines.
    pub(crate) lines: u32,
    /// Texts to embed, over all lines.
    pub(crate) embedding_inputs: u32,
}

/// Holds an input against a batch's endpoint, and gives the model of all lines.
///
/// # Errors
///
/// What is wrong with the input as a whole, or else the first problem of each bad line, in line order, each
/// with its line's number (F-320: one is enough to fail the batch; that it is one a line is observed).
pub(crate) fn check(
    scan: &Scan,
    endpoint: Endpoint,
    limits: Limits,
    is_known_model: impl Fn(&str) -> bool,
) -> Result<String, Vec<(Problem, Option<u32>)>> {
    if scan.n_lines == 0 {
        return Err(vec![(Problem::Empty, None)]);
    }
    if scan.n_lines > u64::from(limits.lines) || scan.lines.len() as u64 != scan.n_lines {
        return Err(vec![(Problem::TooManyLines { limit: limits.lines }, None)]);
    }

    // Lines name few models, and most of them the same.
    let mut last_known = None;
    let mut is_known = |place: u16, name: &str| {
        let is_known = match last_known {
            Some((known, is_known)) if known == place => is_known,
            _ => is_known_model(name),
        };
        last_known = Some((place, is_known));
        is_known
    };
    let mut batch_model = None;
    let mut n_inputs: u64 = 0;
    let mut problems = Vec::new();
    for line in &scan.lines {
        match check_line(scan, line, endpoint, &mut is_known, &mut batch_model) {
            Ok(request) => n_inputs += u64::from(request.n_inputs),
            Err(problem) => problems.push((problem, Some(line.number))),
        }
    }
    if endpoint == Endpoint::Embeddings && n_inputs > u64::from(limits.embedding_inputs) {
        problems.push((Problem::TooManyInputs { limit: limits.embedding_inputs }, None));
    }
    match batch_model.and_then(|model| scan.models.get_index(usize::from(model))) {
        Some(model) if problems.is_empty() => Ok(model.clone()),
        _ => Err(problems),
    }
}

/// The first problem of a line. In which order the service looks is not known but for what recorded
/// answers imply; this order goes from the envelope inwards, and to other lines last.
fn check_line<'a>(
    scan: &'a Scan,
    line: &'a Line,
    endpoint: Endpoint,
    is_known_model: &mut impl FnMut(u16, &str) -> bool,
    batch_model: &mut Option<u16>,
) -> Result<&'a RequestFacts, Problem> {
    let request = match &line.content {
        LineContent::Unusable(problem) => return Err(problem.clone()),
        LineContent::Request(request) => request,
    };
    if request.endpoint != Some(endpoint) {
        return Err(Problem::InvalidUrl);
    }
    if request.streams {
        return Err(Problem::Streams(endpoint));
    }
    let Some(model) = request.model else { return Err(Problem::NoModel) };
    if endpoint == Endpoint::ChatCompletions && !request.has_messages {
        return Err(Problem::NoMessages);
    }
    let name = scan.models.get_index(usize::from(model)).expect("every place was handed out by the scanner");
    if !is_known_model(model, name) {
        return Err(Problem::UnknownModel(name.clone()));
    }
    if *batch_model.get_or_insert(model) != model {
        return Err(Problem::MismatchedModel(name.clone()));
    }
    if request.is_duplicate {
        return Err(Problem::DuplicateCustomId);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::Arc;

    use super::super::Scanner;
    use super::*;
    use crate::switches::UrlProblem;

    const LIMITS: Limits = Limits { lines: 50_000, embedding_inputs: 50_000 };

    fn scan(lines: &[&str]) -> Scan {
        let mut scanner = Scanner::new(Arc::default(), usize::MAX);
        scanner.push(lines.join("\n").as_bytes());
        scanner.finish()
    }

    fn chat(custom_id: &str, body: &str) -> String {
        format!(
            r#"{{"custom_id": "{custom_id}", "method": "POST", "url": "/v1/chat/completions", "body": {body}}}"#
        )
    }

    /// Renders what a check gives, one problem a line.
    fn report(lines: &[&str], endpoint: Endpoint, limits: Limits) -> String {
        let scan = scan(lines);
        let problems = match check(&scan, endpoint, limits, |model| model != "nonexistent-model-xyz") {
            Ok(model) => return format!("accepted for {model}"),
            Err(problems) => problems,
        };
        problems.iter().fold(String::new(), |mut text, (problem, line)| {
            let line = line.map_or("-".to_owned(), |line| line.to_string());
            writeln!(
                text,
                "{line}: {} [{}] {}",
                problem.code(UrlProblem::InvalidUrl),
                problem.param().unwrap_or("-"),
                problem.message()
            )
            .unwrap();
            text
        })
    }

    const HELLO: &str = r#"{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}"#;

    #[test]
    fn an_input_in_order_gives_its_model() {
        let lines = [chat("a", HELLO), chat("b~429", HELLO), chat("c~refusal", HELLO)];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(report(&lines, Endpoint::ChatCompletions, LIMITS), "accepted for gpt-4o-mini");
    }

    #[test]
    fn a_body_that_the_endpoint_refuses_is_accepted_and_fails_later() {
        // F-321.
        let body = r#"{"model": "gpt-4o-mini", "messages": [{"role": "wizard", "content": "hello"}]}"#;
        assert_eq!(
            report(&[&chat("a", body)], Endpoint::ChatCompletions, LIMITS),
            "accepted for gpt-4o-mini"
        );
    }

    #[test]
    fn all_bad_lines_are_told_together_in_line_order() {
        let lines = [
            chat("good", HELLO),
            "{broken".to_owned(),
            r#"{"custom_id": "no-method", "url": "/v1/chat/completions", "body": {}}"#.to_owned(),
            chat("good", HELLO),
            r#"{"custom_id": "elsewhere", "method": "POST", "url": "/v1/embeddings", "body": {}}"#.to_owned(),
            chat("stream", r#"{"model": "gpt-4o-mini", "messages": [], "stream": true}"#),
            chat("no-model", r#"{"messages": []}"#),
            chat("no-messages", r#"{"model": "gpt-4o-mini"}"#),
            chat("unknown-model", r#"{"model": "nonexistent-model-xyz", "messages": []}"#),
            chat("other-model", r#"{"model": "gpt-4o", "messages": []}"#),
            r#"{"custom_id": "get", "method": "GET", "url": "/v1/chat/completions", "body": {}}"#.to_owned(),
            r#"{"custom_id": 12, "method": "POST", "url": "/v1/chat/completions", "body": {}}"#.to_owned(),
        ];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        insta::assert_snapshot!(report(&lines, Endpoint::ChatCompletions, LIMITS));
    }

    #[test]
    fn limits_hold_for_the_input_as_a_whole() {
        let line = r#"{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "text-embedding-3-small", "input": ["x", "y", "z"]}}"#;
        let limits = Limits { lines: 1, embedding_inputs: 2 };
        let second = line.replace("\"a\"", "\"b\"");
        assert_eq!(
            report(&[line, &second], Endpoint::Embeddings, limits),
            "-: too_many_tasks [-] The input file has too many requests. A batch may contain up to 1 requests.\n"
        );
        assert_eq!(
            report(&[line], Endpoint::Embeddings, limits),
            "-: too_many_inputs [-] The input file has too many embedding inputs. A batch may contain up to 2 \
             embedding inputs across all its requests.\n"
        );
    }

    #[test]
    fn a_list_of_tokens_is_one_input() {
        let line = r#"{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {"model": "text-embedding-3-small", "input": [1, 2, 3]}}"#;
        assert!(
            report(&[line], Endpoint::Embeddings, Limits { lines: 1, embedding_inputs: 1 })
                .starts_with("accepted")
        );
    }
}
