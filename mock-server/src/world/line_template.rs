//! Result lines that are alike but for a few values.
//!
//! Nearly all lines of most batches are one chat answer after the other. To serialize each of them takes longer than
//! all the rest of rendering. So the first of a kind is serialized with marks in the places of what differs, the text
//! is cut at the marks, and further lines of the kind are put together from the pieces. The shape of a line is said
//! once all the same: by its serialization.

use std::io;

use batchmock_client::types::{LineResponse, ResultLine};
use memchr::memmem;

use super::json_lines::JsonLines;
use super::result_line::LineBody;
use crate::responder::{Body, ChatBody, ChatKind};

/// The templates of a batch, made as they are needed.
#[derive(Debug, Default)]
pub(super) struct LineTemplates {
    by_kind: Vec<(ChatKind, Option<LineTemplate>)>,
}

/// A line of one kind, cut where its values differ.
#[derive(Debug)]
struct LineTemplate {
    /// One more than there are values.
    pieces: Vec<Vec<u8>>,
}

/// What takes the place of a text in the line that is cut.
const TEXTS: [&str; 5] =
    ["\u{1}line\u{1}", "\u{1}custom\u{1}", "\u{1}request\u{1}", "\u{1}answer\u{1}", "\u{1}content\u{1}"];

/// What takes the place of a number.
const NUMBERS: [u64; 3] =
    [11_111_111_111_111_111_111, 12_222_222_222_222_222_222, 13_333_333_333_333_333_333];

impl LineTemplates {
    /// Writes a line as [`JsonLines::write`] would.
    pub(super) fn write(
        &mut self,
        line: &ResultLine<LineBody>,
        to: &mut JsonLines<Vec<u8>>,
    ) -> io::Result<()> {
        let Some((response, body, kind)) = plain_chat(line) else { return to.write(line) };
        let place = if let Some(place) = self.by_kind.iter().position(|(known, _)| *known == kind) {
            place
        } else {
            self.by_kind.push((kind, LineTemplate::of(line, to)?));
            self.by_kind.len() - 1
        };
        let Some(template) = &self.by_kind[place].1 else { return to.write(line) };
        let (id, content, numbers) = body.differing();
        template.write([&line.id, &line.custom_id, &response.request_id, id, content], numbers, to)
    }
}

/// A line that has nothing but one plain chat answer.
fn plain_chat(line: &ResultLine<LineBody>) -> Option<(&LineResponse<LineBody>, &ChatBody, ChatKind)> {
    let response = line.response.as_ref().filter(|response| response.status_code == 200)?;
    match &response.body {
        LineBody::Answer(Body::Chat(body)) => body.kind().map(|kind| (response, body, kind)),
        LineBody::Answer(_) | LineBody::Refusal { .. } => None,
    }
}

impl LineTemplate {
    /// The template of a line; none if it cannot be cut for sure, since a mark stands elsewhere in it, too.
    fn of(line: &ResultLine<LineBody>, form: &JsonLines<Vec<u8>>) -> io::Result<Option<Self>> {
        let Some((response, body, _)) = plain_chat(line) else { return Ok(None) };
        let [id, custom_id, request_id, answer_id, content] = TEXTS.map(str::to_owned);
        let body = LineBody::Answer(Body::Chat(body.with_differing(answer_id, content, NUMBERS)));
        let response = LineResponse { status_code: response.status_code, request_id, body };
        let marked = ResultLine { id, custom_id, response: Some(response), error: None };

        let mut text = form.empty();
        text.write(&marked)?;
        let mut rest = text.into_inner();
        let mut pieces = Vec::with_capacity(TEXTS.len() + NUMBERS.len() + 1);
        for mark in marks(form)? {
            let Some(at) = memmem::find(&rest, &mark) else { return Ok(None) };
            let after = rest.split_off(at + mark.len());
            rest.truncate(at);
            pieces.push(std::mem::replace(&mut rest, after));
        }
        pieces.push(rest);
        let is_in = |mark: &Vec<u8>| pieces.iter().any(|piece| memmem::find(piece, mark).is_some());
        Ok((!marks(form)?.iter().any(is_in)).then_some(Self { pieces }))
    }

    fn write(&self, texts: [&str; 5], numbers: [u64; 3], to: &mut JsonLines<Vec<u8>>) -> io::Result<()> {
        let (last, pieces) = self.pieces.split_last().expect("there is one more than values");
        let (before_texts, before_numbers) = pieces.split_at(texts.len());
        for (piece, text) in before_texts.iter().zip(texts) {
            to.write_raw(piece)?;
            to.write_value(text)?;
        }
        for (piece, number) in before_numbers.iter().zip(numbers) {
            to.write_raw(piece)?;
            to.write_value(&number)?;
        }
        to.write_raw(last)
    }
}

/// The marks as they are written, in the order of a line.
fn marks(form: &JsonLines<Vec<u8>>) -> io::Result<Vec<Vec<u8>>> {
    let mut marks = Vec::new();
    for text in TEXTS {
        let mut mark = form.empty();
        mark.write_value(text)?;
        marks.push(mark.into_inner());
    }
    for number in NUMBERS {
        let mut mark = form.empty();
        mark.write_value(&number)?;
        marks.push(mark.into_inner());
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::responder::{AnswerStyle, Ending, Occasion, Request, Responder};
    use crate::sim::Seed;
    use crate::switches::ResultText;

    fn line(texts: [String; 3], prompt: &str, more: &str, ending: Ending) -> ResultLine<LineBody> {
        let [id, custom_id, request_id] = texts;
        let body = format!(
            r#"{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": {}}}]{more}}}"#,
            serde_json::to_string(prompt).unwrap()
        );
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let request = Request::parse(Endpoint::ChatCompletions, body.as_object().unwrap()).unwrap();
        let mut rng = Seed::new(1).named(&custom_id).rng();
        let occasion = Occasion { custom_id: &custom_id, created_at: 1_800_000_000, ending, rng: &mut rng };
        let answer = Responder::new(1, AnswerStyle::Echo).answer(&request, occasion);
        let response = LineResponse { status_code: 200, request_id, body: LineBody::Answer(answer.body) };
        ResultLine { id, custom_id, response: Some(response), error: None }
    }

    proptest! {
        #[test]
        fn lines_are_written_as_if_each_were_serialized(
            lines in proptest::collection::vec(
                (
                    any::<[String; 3]>(),
                    any::<String>(),
                    proptest::sample::select(vec![
                        "", r#", "max_tokens": 2"#, r#", "n": 2"#, r#", "service_tier": "flex""#,
                        r#", "logprobs": true"#,
                    ]),
                    proptest::sample::select(vec![Ending::Natural, Ending::Refusal, Ending::Length]),
                ),
                1..8,
            ),
        ) {
            for form in [ResultText::Escaped, ResultText::Raw] {
                let mut templates = LineTemplates::default();
                let (mut put_together, mut serialized) =
                    (JsonLines::new(Vec::new(), form), JsonLines::new(Vec::new(), form));
                for (texts, prompt, more, ending) in &lines {
                    let line = line(texts.clone(), prompt, more, *ending);
                    templates.write(&line, &mut put_together).unwrap();
                    serialized.write(&line).unwrap();
                }
                prop_assert_eq!(put_together.into_inner(), serialized.into_inner());
            }
        }
    }

    #[test]
    fn one_kind_has_one_template() {
        let mut templates = LineTemplates::default();
        let mut lines = JsonLines::new(Vec::new(), ResultText::Escaped);
        for name in ["a", "b", "c"] {
            let line = line([name; 3].map(str::to_owned), "hello", "", Ending::Natural);
            templates.write(&line, &mut lines).unwrap();
        }
        assert!(matches!(templates.by_kind.as_slice(), [(_, Some(_))]), "{templates:?}");
    }
}
