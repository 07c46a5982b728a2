//! Inputs that are texts or lists of token numbers, one or several.

use std::borrow::Cow;

use super::tokens::tokens;
use crate::arguments::Node;

/// One text of an input.
pub(super) struct Text<'v> {
    /// The text, or the numbers with a space between them.
    pub text: Cow<'v, str>,
    /// How many tokens it has.
    pub n_tokens: u64,
}

/// The texts of an input; `None` if it is something else, or empty.
pub(super) fn read<'v>(input: &'v Node<'_>) -> Option<Vec<Text<'v>>> {
    if let Node::String(text) = input {
        return Some(vec![Text::words(text)]);
    }
    let items = input.as_array()?;
    let first = items.first()?;
    if first.is_string() {
        items.iter().map(|item| item.as_str().map(Text::words)).collect()
    } else if first.is_array() {
        items.iter().map(|item| Text::numbers(item.as_array()?)).collect()
    } else {
        Some(vec![Text::numbers(items)?])
    }
}

impl<'v> Text<'v> {
    fn words(text: &'v str) -> Self {
        Self { text: Cow::Borrowed(text), n_tokens: tokens(text) }
    }

    fn numbers(numbers: &[Node<'_>]) -> Option<Self> {
        let words: Option<Vec<String>> =
            numbers.iter().map(|number| number.as_u64().map(|number| number.to_string())).collect();
        let n_tokens = u64::try_from(numbers.len()).expect("a length fits 64 bits");
        Some(Self { text: Cow::Owned(words?.join(" ")), n_tokens })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn texts(input: &Value) -> Option<Vec<(String, u64)>> {
        let input = Node::from(input);
        let texts = read(&input)?;
        Some(texts.into_iter().map(|text| (text.text.into_owned(), text.n_tokens)).collect())
    }

    #[test]
    fn every_form_of_an_input_is_read() {
        assert_eq!(texts(&json!("hello")), Some(vec![("hello".to_owned(), 2)]));
        assert_eq!(texts(&json!(["a", "b"])), Some(vec![("a".to_owned(), 1), ("b".to_owned(), 1)]));
        assert_eq!(texts(&json!([1212, 318])), Some(vec![("1212 318".to_owned(), 2)]));
        assert_eq!(texts(&json!([[1], [2, 3]])), Some(vec![("1".to_owned(), 1), ("2 3".to_owned(), 2)]));
        for input in [json!([]), json!(5), json!(["a", 1]), json!([1, "a"]), json!([[1], 2]), json!([-1])] {
            assert_eq!(texts(&input), None, "{input}");
        }
    }
}
