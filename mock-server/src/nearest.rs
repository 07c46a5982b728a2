//! The nearest right word to a wrong one, for messages.

/// The name that is most like a text, if there are any names.
pub(crate) fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let likeness = |name: &&str| strsim::jaro_winkler(name, text);
    names.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// `` `a`, `b`, `c` ``
pub(crate) fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let names = ["custom_id", "model", "outcome"];
        assert_eq!(nearest("custom", names), Some("custom_id"));
        assert_eq!(nearest("modle", names), Some("model"));
        assert_eq!(nearest("x", []), None);
        assert_eq!(quoted(names), "`custom_id`, `model`, `outcome`");
    }
}
