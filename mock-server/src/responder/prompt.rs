//! The text of a request's input.

use std::ops::Range;

use super::texts::Text;
use super::tokens::tokens;

/// All text of an input, joined by newlines, roles left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Prompt {
    text: String,
    last_user: Range<usize>,
    n_parts: usize,
    n_tokens: u64,
    /// What stands for the text when it was let go.
    canary_number: Option<u64>,
}

impl Prompt {
    /// The prompt of an input that is one text.
    pub(super) fn of(text: &str) -> Self {
        let mut prompt = Self::default();
        prompt.push_message([text], true);
        prompt
    }

    /// A prompt whose text was let go.
    pub(super) fn without_text(canary_number: u64, n_tokens: u64) -> Self {
        Self { canary_number: Some(canary_number), n_tokens, ..Self::default() }
    }

    /// The number that its canary is made from, if its text was let go.
    pub(super) fn canary_number(&self) -> Option<u64> {
        self.canary_number
    }

    /// Adds the texts of one message; those of the last user message are what an echo repeats.
    pub(super) fn push_message<'t>(&mut self, parts: impl IntoIterator<Item = &'t str>, of_user: bool) {
        let start = if self.n_parts == 0 { 0 } else { self.text.len() + 1 };
        for part in parts {
            if self.n_parts > 0 {
                self.text.push('\n');
            }
            self.text.push_str(part);
            self.n_parts += 1;
            self.n_tokens += tokens(part);
        }
        if of_user {
            self.last_user = start.min(self.text.len())..self.text.len();
        }
    }

    /// Adds an input that may be token numbers.
    pub(super) fn push_text(&mut self, text: &Text<'_>) {
        let before = self.n_tokens;
        self.push_message([&*text.text], true);
        self.n_tokens = before + text.n_tokens;
    }

    /// Counts tokens that no text stands for.
    pub(super) fn add_tokens(&mut self, n: u64) {
        self.n_tokens += n;
    }

    /// All text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text of the last user message.
    pub(super) fn last_user(&self) -> &str {
        &self.text[self.last_user.clone()]
    }

    /// The tokens of all parts.
    pub(super) fn tokens(&self) -> u64 {
        self.n_tokens
    }

    /// Whether a word occurs anywhere, in any case.
    pub(super) fn mentions(&self, word: &str) -> bool {
        self.text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_user_message_keeps_all_its_parts() {
        let mut prompt = Prompt::default();
        prompt.push_message(["be brief"], false);
        prompt.push_message(["first"], true);
        prompt.push_message(["second", "part"], true);
        prompt.push_message([], false);
        assert_eq!(prompt.text(), "be brief\nfirst\nsecond\npart");
        assert_eq!(prompt.last_user(), "second\npart");
        assert_eq!(prompt.tokens(), 2 + 2 + 2 + 1);
        assert!(prompt.mentions("FIRST"));
    }

    #[test]
    fn a_message_without_text_echoes_nothing() {
        let mut prompt = Prompt::default();
        prompt.push_message(["a"], true);
        prompt.push_message([], true);
        assert_eq!(prompt.last_user(), "");
    }
}
