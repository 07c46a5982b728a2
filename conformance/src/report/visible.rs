//! Text that was made by who is judged, in a form that is safe to show.
//!
//! It can hold anything: escapes of terminals, marks that turn the order of a line round, characters that XML does not
//! have. They are written in a way that can be seen, so that a report shows what was there and does none of it.

/// As one line: what would end it is shown, too.
pub(super) fn line(text: &str) -> String {
    shown(text, |_| false)
}

/// As one line that can be taken in at a glance: space is space, and the rest of what is long is left out.
pub(super) fn glance(text: &str) -> String {
    const SHOWN_CHARS: usize = 200;
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    cut(&line(&words.join(" ")), SHOWN_CHARS)
}

/// The first so many characters.
pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// The pieces of a text, and which of them stand between backticks, as code. A backtick without another stands for itself.
pub(super) fn spans(text: &str) -> Vec<(bool, &str)> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((before, (code, after))) =
        rest.split_once('`').and_then(|(before, after)| Some((before, after.split_once('`')?)))
    {
        spans.extend([(false, before), (true, code)]);
        rest = after;
    }
    spans.push((false, rest));
    spans.retain(|(_, span)| !span.is_empty());
    spans
}

/// As lines, with their tabs.
pub(super) fn block(text: &str) -> String {
    shown(&text.replace("\r\n", "\n"), |c| matches!(c, '\n' | '\t'))
}

fn shown(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if stays(c) => shown.push(c),
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if c.is_control() || is_unseen(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// What is no control character, and still cannot be seen, or changes how others are.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{e0000}'..='\u{e007f}')
        // What Unicode promises never to be a character ends every plane.
        || c as u32 & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(line("a\nb\t\u{1b}[31m\u{7f}"), r"a\nb\t\u{1b}[31m\u{7f}");
        assert_eq!(block("a\r\nb\rc\n\td"), "a\nb\\rc\n\td");
        assert_eq!(
            line("\u{202e}\u{2028}\u{feff}\u{ffff}\u{1fffe}\u{85}"),
            "\\u{202e}\\u{2028}\\u{feff}\\u{ffff}\\u{1fffe}\\u{85}"
        );
        assert_eq!(glance(" {\n  \"a\": 1\n}\u{0}"), "{ \"a\": 1 }\\u{0}");
        assert_eq!(glance(&"é".repeat(201)), "é".repeat(200) + "…");
        assert_eq!(spans("a `b` c ` d"), [(false, "a "), (true, "b"), (false, " c ` d")]);
        let plain = "Ünï – 日本語 👩\u{200d}💻 한";
        assert_eq!(line(plain), plain);
    }
}
