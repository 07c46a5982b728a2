//! How many tokens a text has, by rule instead of by vocabulary.

use std::io;

use serde::Serialize;

/// The bytes that make one token.
const BYTES_PER_TOKEN: usize = 4;

/// The number of tokens of a text: one for every four bytes of UTF-8, rounded up.
///
/// The service counts with a vocabulary; four bytes is what people plan with (F-383).
///
/// ```
/// # use batchmock::responder::tokens;
/// assert_eq!((tokens(""), tokens("four"), tokens("fives")), (0, 1, 2));
/// ```
pub fn tokens(text: &str) -> u64 {
    count(text.len())
}

/// The number of tokens of a value written as JSON without spaces.
pub(super) fn json_tokens(value: &impl Serialize) -> u64 {
    let mut bytes = Counter(0);
    serde_json::to_writer(&mut bytes, value).expect("a value serializes, and a counter takes every byte");
    count(bytes.0)
}

/// The longest beginning of a text that has at most `limit` tokens.
pub(super) fn cut(text: &str, limit: u64) -> &str {
    let bytes = usize::try_from(limit).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_TOKEN);
    &text[..text.floor_char_boundary(bytes)]
}

/// The text in pieces of one token each; a character is never split, so a piece can be shorter.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let piece = cut(rest, 1);
        rest = &rest[piece.len()..];
        (!piece.is_empty()).then_some(piece)
    })
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).expect("a length fits 64 bits")
}

/// A sink that counts.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cut_text_has_no_more_tokens_than_the_limit() {
        assert_eq!(cut("violet-heron", 2), "violet-h");
        assert_eq!(cut("aéééé", 1), "aé");
        assert_eq!(cut("short", u64::MAX), "short");
        assert_eq!(cut("short", 0), "");
    }

    #[test]
    fn pieces_make_up_the_text() {
        assert_eq!(
            pieces("violet-heron 🦩🦩").collect::<Vec<_>>(),
            ["viol", "et-h", "eron", " ", "🦩", "🦩"]
        );
        assert_eq!(pieces("").count(), 0);
    }

    #[test]
    fn json_is_counted_without_spaces() {
        assert_eq!(json_tokens(&json!({"a": [1, 2]})), tokens(r#"{"a":[1,2]}"#));
    }
}
