//! What a part of a form says of itself.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_DISPOSITION;
use percent_encoding::percent_decode_str;

/// A `Content-Disposition`, as far as it matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Disposition {
    /// The name of the field.
    pub(super) name: String,
    /// The name of the file. Where there are two, the encoded one, `filename*`, wins (F-506); one that
    /// cannot be decoded does not count.
    pub(super) filename: Option<String>,
}

impl Disposition {
    /// Reads the header of a part.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let header = headers.get(CONTENT_DISPOSITION).map(|value| String::from_utf8_lossy(value.as_bytes()));
        header.map(|header| Self::read(&header)).unwrap_or_default()
    }

    fn read(header: &str) -> Self {
        let (mut name, mut plain, mut encoded) = (None, None, None);
        for (parameter, value) in parameters(header) {
            match parameter.as_str() {
                "name" => name = name.or(Some(value)),
                "filename" => plain = plain.or(Some(value)),
                "filename*" => encoded = encoded.or_else(|| decoded(&value)),
                _ => {}
            }
        }
        Self { name: name.unwrap_or_default(), filename: encoded.or(plain) }
    }
}

/// The parameters behind the type, names in lower case. Values may be quoted or not.
fn parameters(header: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = header.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        // What stands before the name without a value of its own is passed over.
        let name = name.rsplit(';').next().unwrap_or(name).trim().to_ascii_lowercase();
        let (value, behind) = if let Some(quoted) = value.trim_start().strip_prefix('"') {
            unquoted(quoted)
        } else {
            let (value, behind) = value.split_once(';').unwrap_or((value, ""));
            (value.trim().to_owned(), behind)
        };
        parameters.push((name, value));
        rest = behind;
    }
    parameters
}

/// Reads to the closing quote. A backslash is one of the name, as in paths of Windows, unless it stands
/// before a quote or another backslash.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => {
                let escaped = characters.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or('\\', |(_, escaped)| escaped));
            }
            _ => value.push(character),
        }
    }
    (value, "")
}

/// Decodes `UTF-8'language'%E4%BD%A0` (RFC 8187).
fn decoded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &str) -> (String, Option<String>) {
        let Disposition { name, filename } = Disposition::read(header);
        (name, filename)
    }

    #[test]
    fn names_are_found_quoted_or_not() {
        let expected = ("file".to_owned(), Some("a.jsonl".to_owned()));
        assert_eq!(read(r#"form-data; name="file"; filename="a.jsonl""#), expected);
        assert_eq!(read("form-data;name=file;filename=a.jsonl"), expected);
        assert_eq!(read(r#"form-data; FileName = "a.jsonl" ; Name = "file" ;"#), expected);
        assert_eq!(read(r#"form-data; filename="a.jsonl"; odd; name="file""#), expected);
    }

    #[test]
    fn what_stands_in_quotes_is_no_parameter() {
        assert_eq!(
            read(r#"form-data; filename="x; name=y; filename*=UTF-8''z"; name="file""#),
            ("file".to_owned(), Some("x; name=y; filename*=UTF-8''z".to_owned()))
        );
    }

    #[test]
    fn backslashes_stay_unless_they_escape() {
        let filename = |header: &str| read(header).1.unwrap();
        assert_eq!(filename(r#"form-data; filename="C:\a\b.txt""#), r"C:\a\b.txt");
        assert_eq!(filename(r#"form-data; filename="C:\\a \"b\"""#), r#"C:\a "b""#);
        assert_eq!(filename(r#"form-data; filename="never closed"#), "never closed");
    }

    #[test]
    fn a_part_may_say_nothing() {
        for header in ["", "form-data", "form-data;", "form-data; =", "form-data; ;;"] {
            assert_eq!(read(header), (String::new(), None), "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text: String, odd in "[;=\"\\\\ '%*a-fU8]{0,60}") {
            read(&text);
            read(&format!("form-data;{odd}"));
            read(&format!("form-data; filename*={odd}"));
        }

        #[test]
        fn a_quoted_name_comes_back(name: String) {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!("form-data; name=\"file\"; filename=\"{quoted}\"");
            prop_assert_eq!(read(&header), ("file".to_owned(), Some(name)));
        }
    }
}
