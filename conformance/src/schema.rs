//! Bodies against the official document, `fixtures/schema/openapi.json`.
//!
//! The document contradicts what the service was seen to answer in a few places. They are mended in one list,
//! [`PATCHES`], each with the fact that speaks against the document. Members that the document does not name are no
//! fault: a server may say more.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// A place where the document is wrong.
pub struct Patch {
    /// The fact that speaks against it.
    pub fact: &'static str,
    /// What is mended.
    pub what: &'static str,
    /// The schemas that are mended, as pointers below `/components/schemas`.
    places: &'static [&'static str],
    mends: Mends,
}

/// How a schema is mended.
#[derive(Debug, Clone, Copy)]
enum Mends {
    /// Null is allowed as well.
    Nullable,
    /// So is this word.
    Word(&'static str),
}

/// Every contradiction between the document and the service that matters here.
pub const PATCHES: &[Patch] = &[
    Patch {
        fact: "F-202",
        what: "a batch shows what it does not have as null",
        places: &[
            "Batch/properties/model",
            "Batch/properties/errors",
            "Batch/properties/output_file_id",
            "Batch/properties/error_file_id",
            "Batch/properties/in_progress_at",
            "Batch/properties/finalizing_at",
            "Batch/properties/completed_at",
            "Batch/properties/failed_at",
            "Batch/properties/expired_at",
            "Batch/properties/cancelling_at",
            "Batch/properties/cancelled_at",
        ],
        mends: Mends::Nullable,
    },
    Patch {
        fact: "F-101",
        what: "status_details and expires_at of a file are null when unset",
        places: &["OpenAIFile/properties/status_details", "OpenAIFile/properties/expires_at"],
        mends: Mends::Nullable,
    },
    Patch {
        fact: "F-108",
        what: "files can be uploaded for evals, and then have that purpose",
        places: &["OpenAIFile/properties/purpose"],
        mends: Mends::Word("evals"),
    },
    Patch {
        fact: "F-128",
        what: "an empty page of files has no first and no last id",
        places: &["ListFilesResponse/properties/first_id", "ListFilesResponse/properties/last_id"],
        mends: Mends::Nullable,
    },
    Patch {
        fact: "F-244",
        what: "an empty page of batches has no first and no last id",
        places: &["ListBatchesResponse/properties/first_id", "ListBatchesResponse/properties/last_id"],
        mends: Mends::Nullable,
    },
];

/// The schemas of the answers to all operations.
pub struct Schemas {
    answers: BTreeMap<String, Validator>,
}

/// What is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer, or `/` for the whole.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

static OFFICIAL: LazyLock<Schemas> = LazyLock::new(|| {
    Schemas::with(PATCHES).expect("the document that comes with this crate has good schemas")
});

/// The document with all patches.
pub fn official() -> &'static Schemas {
    &OFFICIAL
}

impl Schemas {
    /// The document with these patches.
    ///
    /// # Errors
    ///
    /// If the document cannot be read so.
    pub fn with<'p>(patches: impl IntoIterator<Item = &'p Patch>) -> Result<Self, String> {
        let mut document: Value = serde_json::from_str(include_str!("../../fixtures/schema/openapi.json"))
            .map_err(|error| error.to_string())?;
        for patch in patches {
            for place in patch.places {
                let pointer = format!("/components/schemas/{place}");
                let schema = document
                    .pointer_mut(&pointer)
                    .ok_or_else(|| format!("{}: the document has no {pointer}", patch.fact))?;
                patch.mends.apply(schema)?;
            }
        }
        let components = document["components"].clone();
        let mut answers = BTreeMap::new();
        for operation in document["paths"]
            .as_object()
            .into_iter()
            .flat_map(|paths| paths.values())
            .filter_map(Value::as_object)
            .flat_map(|item| item.values())
        {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            let Some(schema) = schema.as_object() else { continue };
            let mut schema = schema.clone();
            schema.insert("components".to_owned(), components.clone());
            let validator = jsonschema::draft202012::new(&Value::Object(schema))
                .map_err(|error| format!("{id}: {error}"))?;
            answers.insert(id.to_owned(), validator);
        }
        Ok(Self { answers })
    }

    /// What is wrong with a body that answers an operation.
    ///
    /// # Errors
    ///
    /// If the document has no such operation, or none that answers in JSON.
    pub fn faults(&self, operation: &str, body: &Value) -> Result<Vec<Fault>, String> {
        let schema = self
            .answers
            .get(operation)
            .ok_or_else(|| format!("the official document has no answer in JSON to `{operation}`"))?;
        let fault = |error: jsonschema::ValidationError<'_>| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "/".to_owned() } else { place };
            Fault { place, message: error.to_string() }
        };
        Ok(schema.iter_errors(body).map(fault).collect())
    }
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fact, self.what)
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.answers.keys()).finish()
    }
}

impl Mends {
    fn apply(self, schema: &mut Value) -> Result<(), String> {
        match self {
            Self::Nullable => {
                let or_null = json!({"anyOf": [schema.take(), {"type": "null"}]});
                *schema = or_null;
            }
            Self::Word(word) => {
                let words = schema["enum"].as_array_mut().ok_or("there is no list of words to mend")?;
                words.push(json!(word));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &Value) -> Vec<String> {
        let faults = official().faults("deleteFile", body).unwrap();
        faults.into_iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect()
    }

    #[test]
    fn a_body_is_held_to_types_and_required_members() {
        assert_eq!(faults(&json!({"id": "file-a", "object": "file", "deleted": true, "more": 1})), [""; 0]);
        assert_eq!(
            faults(&json!({"id": "file-a", "object": "file", "deleted": "yes"})),
            ["/deleted: \"yes\" is not of type \"boolean\""]
        );
        assert_eq!(
            faults(&json!({"id": "file-a", "deleted": true})),
            ["/: \"object\" is a required property"]
        );
    }

    #[test]
    fn operations_that_there_are_not_are_told() {
        assert!(official().faults("createFiles", &json!({})).is_err());
    }
}
