//! The tag of all that the suite makes, by which it is found when nobody remembers it any more.

use serde_json::{Value, json};

/// What names of files begin with, and what batches say of who made them.
const TAG: &str = "batchmock-conformance";

/// The key in the metadata of batches.
const MADE_BY: &str = "made_by";

/// A name for a file of a case.
pub(crate) fn file_name(case: &str, extension: &str) -> String {
    format!("{TAG}-{}.{extension}", case.replace('/', "-"))
}

/// Metadata for a batch.
pub(crate) fn metadata() -> Value {
    json!({ MADE_BY: TAG })
}

/// Whether a file has the tag.
pub(crate) fn is_on_file(file: &Value) -> bool {
    file["filename"].as_str().is_some_and(|name| name.starts_with(TAG))
}

/// Whether a batch has the tag.
pub(crate) fn is_on_batch(batch: &Value) -> bool {
    batch["metadata"][MADE_BY] == TAG
}
