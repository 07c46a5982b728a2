//! Bytes to lines.

use std::fmt;

/// Cuts bytes that come in pieces into lines, at `\n` and nowhere else: texts may hold U+2028 and its like (F-454). A
/// `\r` before the end is no part of a line, and blank lines are none.
///
/// ```
/// use batchmock_client::results::Splitter;
///
/// let (mut splitter, mut lines) = (Splitter::new(), Vec::new());
/// for piece in ["{\"a\":", "1}\r\n\n{\"b\"", ":2}"] {
///     splitter.push(piece.as_bytes(), |line| lines.push(line.to_vec()))?;
/// }
/// splitter.finish(|line| lines.push(line.to_vec()));
/// assert_eq!(lines, [b"{\"a\":1}", b"{\"b\":2}"]);
/// # Ok::<(), batchmock_client::results::TooLong>(())
/// ```
#[derive(Debug, Clone)]
pub struct Splitter {
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    longest: usize,
}

/// A line that is longer than any that is waited for the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// A splitter of lines of up to 256 MB.
    pub fn new() -> Self {
        Self { begun: Vec::new(), longest: 256 * 1024 * 1024 }
    }

    /// Takes more bytes, and gives each line that ends in them.
    ///
    /// # Errors
    ///
    /// If a line grows without an end.
    pub fn push(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) -> Result<(), TooLong> {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            if self.begun.is_empty() {
                give(&bytes[..end], &mut line);
            } else {
                self.begun.extend_from_slice(&bytes[..end]);
                give(&self.begun, &mut line);
                self.begun.clear();
            }
            bytes = &bytes[end + 1..];
        }
        if self.begun.len() + bytes.len() > self.longest {
            return Err(TooLong);
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }

    /// Gives the last line, if it had no end.
    pub fn finish(self, mut line: impl FnMut(&[u8])) {
        give(&self.begun, &mut line);
    }
}

fn give(bytes: &[u8], line: &mut impl FnMut(&[u8])) {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if !bytes.trim_ascii().is_empty() {
        line(bytes);
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line is longer than 256 MB")
    }
}

impl std::error::Error for TooLong {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut splitter, mut lines) = (Splitter::new(), Vec::new());
        for piece in pieces {
            splitter.push(piece, |line| lines.push(line.to_vec())).unwrap();
        }
        splitter.finish(|line| lines.push(line.to_vec()));
        lines
    }

    #[test]
    fn only_line_ends_end_lines() {
        let text = "\"a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\rg\"\r\n\"h\"";
        let lines = split(&[text.as_bytes()]);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], b"\"h\"");
    }

    proptest! {
        #[test]
        fn where_pieces_are_cut_makes_no_difference(
            text in "[a-cé\u{2028}\r\n ]{0,40}", cuts in prop::collection::vec(0..41_usize, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            let whole: Vec<_> = text
                .split('\n')
                .map(|line| line.strip_suffix('\r').unwrap_or(line).as_bytes())
                .filter(|line| !line.trim_ascii().is_empty())
                .collect();
            prop_assert_eq!(split(&pieces), whole);
        }
    }
}
