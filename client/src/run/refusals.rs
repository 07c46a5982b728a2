//! What a refusal to run a batch means, by its words. Pure.

use crate::types::BatchError;

/// Whether a batch was refused because too much is waiting already.
pub(crate) fn is_full_queue(error: &BatchError) -> bool {
    error.code == "token_limit_exceeded"
        || (error.message.contains("nqueued") && error.message.contains("limit reached"))
}

/// The limit that a refusal for a full queue tells of: `Limit: 2,000,000 enqueued tokens` (F-310).
pub(crate) fn told_limit(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("Limit: ")?;
    let (number, _) = rest.split_once(" enqueued tokens")?;
    number.replace(',', "").parse().ok()
}

/// Whether a batch was refused because its input is not there, or not yet (F-137, F-232).
pub(crate) fn is_input_not_found(error: &BatchError) -> bool {
    error.message.starts_with("Cannot find file")
        || (error.param.as_deref() == Some("file_id") && error.message.contains("find"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_from_the_words_of_the_service() {
        let text = "Enqueued token limit reached for gpt-4o-mini in organization org-1. Limit: 2,000,000 enqueued \
            tokens. Please try again once some in_progress batches have been completed.";
        assert_eq!(told_limit(text), Some(2_000_000));
        assert_eq!(told_limit("Limit: many enqueued tokens"), None);
    }
}
