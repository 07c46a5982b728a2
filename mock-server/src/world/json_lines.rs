//! The bytes of a result file.

use std::io::{self, Write};

use batchmock_client::types::ResultLine;
use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};

use crate::deviations::{Deviation, deviating_line};
use crate::switches::ResultText;

/// Writes one JSON object a line, as result files have them: `, ` and `: ` between, a line end after each
/// line (F-350).
#[derive(Debug)]
pub(super) struct JsonLines<W> {
    writer: W,
    text: ResultText,
}

impl<W: Write> JsonLines<W> {
    pub(super) fn new(writer: W, text: ResultText) -> Self {
        Self { writer, text }
    }

    /// Writes one line.
    pub(super) fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.write_value(line)?;
        self.writer.write_all(b"\n")
    }

    /// Writes a value that is a part of a line.
    pub(super) fn write_value<T: Serialize + ?Sized>(&mut self, value: &T) -> io::Result<()> {
        let form = Spaced { escapes: self.text == ResultText::Escaped };
        Ok(value.serialize(&mut serde_json::Serializer::with_formatter(&mut self.writer, form))?)
    }

    /// Writes a part of a line that is in its form already.
    pub(super) fn write_raw(&mut self, text: &[u8]) -> io::Result<()> {
        self.writer.write_all(text)
    }

    pub(super) fn into_inner(self) -> W {
        self.writer
    }
}

impl JsonLines<Vec<u8>> {
    /// Lines in the same form, none of them written yet.
    pub(super) fn empty(&self) -> Self {
        Self::new(Vec::new(), self.text)
    }

    /// Writes a line that is not as it should be.
    pub(super) fn write_deviating<B: Serialize>(
        &mut self,
        line: &ResultLine<B>,
        deviations: &[Deviation],
    ) -> io::Result<()> {
        let bytes = deviating_line(line, deviations, |value, is_raw| {
            let text = if is_raw { ResultText::Raw } else { self.text };
            let mut line = Self::new(Vec::new(), text);
            line.write_value(value)?;
            Ok(line.into_inner())
        })?;
        self.write_raw(&bytes)
    }
}

/// The form of Python's `json.dumps`, which recorded files have.
struct Spaced {
    /// Whether everything outside ASCII is escaped, as it is by default.
    escapes: bool,
}

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let digits = format!("{value:e}");
        let (digits, exponent) = digits.split_once('e').expect("that is how it is written");
        let exponent: i32 = exponent.parse().expect("that is how it is written");
        match exponent {
            -4..16 if value.fract() == 0.0 => write!(writer, "{value}.0"),
            -4..16 => write!(writer, "{value}"),
            _ => write!(writer, "{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Control characters are never in a fragment: they have been escaped.
        // The highest byte is found several at a time.
        if !self.escapes || fragment.bytes().fold(0, u8::max) < 0x7f {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.bytes().position(|byte| !(0x20..0x7f).contains(&byte)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let character = rest[at..].chars().next().expect("there is a byte, so there is a character");
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        let short: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(writer, "\\u{byte:04x}"),
        };
        writer.write_all(short)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &Value, text: ResultText) -> String {
        let mut lines = JsonLines::new(Vec::new(), text);
        lines.write(value).unwrap();
        String::from_utf8(lines.writer).unwrap()
    }

    #[test]
    fn lines_have_the_recorded_form() {
        let value = json!({"a": [1, 2.5, null], "b": {"c": "猫 \u{1f600} \"\\\n\u{7f}"}, "d": {}, "e": []});
        assert_eq!(
            written(&value, ResultText::Escaped),
            "{\"a\": [1, 2.5, null], \"b\": {\"c\": \"\\u732b \\ud83d\\ude00 \\\"\\\\\\n\\u007f\"}, \"d\": {}, \"e\": []}\n"
        );
        assert_eq!(written(&json!({"b": "猫 \n"}), ResultText::Raw), "{\"b\": \"猫 \\n\"}\n");
    }

    #[test]
    fn numbers_have_the_recorded_form() {
        let numbers = json!([0.0, 1.0, -0.5, 0.0001, -9.131_431_579_589_844e-5, 1e15, 1e16, 2.5e-10, 1e300]);
        assert_eq!(
            written(&numbers, ResultText::Raw),
            "[0.0, 1.0, -0.5, 0.0001, -9.131431579589844e-05, 1000000000000000.0, 1e+16, 2.5e-10, 1e+300]\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_stays_on_its_line(text: String) {
            for form in [ResultText::Escaped, ResultText::Raw] {
                let line = written(&json!({ "text": text.clone() }), form);
                prop_assert!(line.is_ascii() || form == ResultText::Raw);
                prop_assert_eq!(line.bytes().filter(|byte| *byte == b'\n').count(), 1);
                let back: Value = serde_json::from_str(&line).unwrap();
                prop_assert_eq!(back["text"].as_str(), Some(text.as_str()));
            }
        }
    }
}
