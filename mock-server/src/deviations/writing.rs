//! Lines that are written otherwise than they should be.

use std::io;

use batchmock_client::types::ResultLine;
use serde::Serialize;
use serde_json::{Value, json};

use super::Deviation;

/// Where the text of an answer stands in a result line, by endpoint.
const TEXTS: [&str; 3] = [
    "/response/body/choices/0/message/content",
    "/response/body/output/0/content/0/text",
    "/response/body/choices/0/text",
];

/// What ends a line for some readers and not for JSON.
const SEPARATORS: &str = " \u{2028} \u{2029} \u{85} ";

/// What long lines are made of: three bytes, so that two of three edges of blocks of any size but multiples of three
/// lie inside of a character.
const FILLER: &str = "界";

/// A line, taken apart to be written otherwise.
struct DeviatingLine {
    value: Value,
    /// Whether what is not ASCII is written as it is.
    is_raw: bool,
    before: &'static str,
    end: &'static str,
    copies: usize,
    is_cut: bool,
    is_broken: bool,
}

/// A line as these deviations have it: its bytes with all line ends. `write` writes JSON in the form of the file, or,
/// when told so, in the same form but without escapes.
///
/// # Errors
///
/// Those of `write`.
pub(crate) fn deviating_line<B: Serialize>(
    line: &ResultLine<B>,
    deviations: &[Deviation],
    write: impl Fn(&Value, bool) -> io::Result<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    let mut deviating = DeviatingLine {
        value: serde_json::to_value(line)?,
        is_raw: false,
        before: "",
        end: "\n",
        copies: 1,
        is_cut: false,
        is_broken: false,
    };
    for deviation in deviations {
        deviating.apply(*deviation);
    }
    deviating.to_bytes(write)
}

impl DeviatingLine {
    fn apply(&mut self, deviation: Deviation) {
        match deviation {
            Deviation::Dropped => self.copies = 0,
            Deviation::Duplicated => self.copies *= 2,
            Deviation::Renamed => {
                let custom_id = self.value["custom_id"].as_str().unwrap_or_default();
                self.value["custom_id"] = Value::from(format!("unknown-{custom_id}"));
            }
            Deviation::Cut => self.is_cut = true,
            Deviation::NotJson => self.is_broken = true,
            Deviation::StatusZero => {
                self.value["response"] = json!({ "status_code": 0, "request_id": "", "body": {} });
                self.value["error"] = Value::Null;
            }
            Deviation::Crlf => self.end = "\r\n",
            Deviation::BlankLine => self.before = "\n",
            Deviation::LineSeparators => self.append(SEPARATORS),
            Deviation::Long(bytes) => self.append(&FILLER.repeat(bytes as usize / FILLER.len() + 1)),
            Deviation::UnknownFields => {
                for place in ["", "/response", "/response/body"] {
                    if let Some(object) = self.value.pointer_mut(place).and_then(Value::as_object_mut) {
                        object
                            .insert("field_of_tomorrow".to_owned(), json!({ "is": ["not", "known", null] }));
                    }
                }
            }
        }
    }

    /// Lets the text of the answer go on. A line without one gets a field for it.
    fn append(&mut self, more: &str) {
        self.is_raw = true;
        let place = TEXTS.into_iter().find(|text| self.value.pointer(text).is_some_and(Value::is_string));
        match place.and_then(|place| self.value.pointer_mut(place)) {
            Some(Value::String(text)) => text.push_str(more),
            _ => self.value["text"] = Value::from(more),
        }
    }

    fn to_bytes(&self, write: impl Fn(&Value, bool) -> io::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
        let mut line = write(&self.value, self.is_raw)?;
        if self.is_broken {
            // A quotation mark too many, at the end, so that everything before can be made out.
            line.insert(line.len() - 1, b'"');
        }
        if self.is_cut {
            line.truncate(line.len() / 2);
        }
        let copy = [self.before.as_bytes(), &line, self.end.as_bytes()].concat();
        Ok(copy.repeat(self.copies))
    }
}

#[cfg(test)]
mod tests {
    use batchmock_client::types::{LineError, LineResponse};

    use super::*;

    fn chat() -> ResultLine<Value> {
        ResultLine {
            id: "batch_req_1".to_owned(),
            custom_id: "a".to_owned(),
            response: Some(LineResponse {
                status_code: 200,
                request_id: "r".to_owned(),
                body: json!({ "choices": [{ "message": { "content": "hi" } }] }),
            }),
            error: None,
        }
    }

    fn written(line: &ResultLine<Value>, deviations: &[Deviation]) -> String {
        let write = |value: &Value, _| Ok(serde_json::to_vec(value)?);
        String::from_utf8(deviating_line(line, deviations, write).unwrap()).unwrap()
    }

    #[test]
    fn each_deviation_is_what_it_is_called() {
        let each = [
            Deviation::Dropped,
            Deviation::Duplicated,
            Deviation::Renamed,
            Deviation::Cut,
            Deviation::NotJson,
            Deviation::StatusZero,
            Deviation::Crlf,
            Deviation::BlankLine,
            Deviation::LineSeparators,
            Deviation::Long(5),
            Deviation::UnknownFields,
        ];
        let told = each.map(|deviation| format!("{deviation:?}: {:?}", written(&chat(), &[deviation])));
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_line_without_a_text_deviates_as_well() {
        let error = LineError { code: "batch_expired".to_owned(), message: "gone".to_owned() };
        let line = ResultLine { response: None, error: Some(error), ..chat() };
        let line = written(&line, &[Deviation::UnknownFields, Deviation::LineSeparators]);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["text"], SEPARATORS);
        assert!(value["field_of_tomorrow"].is_object());
        assert_eq!(value["response"], Value::Null);
    }

    #[test]
    fn several_deviations_hold_at_once() {
        let long = written(&chat(), &[Deviation::Long(1_200_000), Deviation::Crlf, Deviation::Duplicated]);
        assert_eq!(long.matches("\r\n").count(), 2);
        assert!(long.lines().all(|line| line.len() > 1_200_000));
    }
}
