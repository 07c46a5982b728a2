//! What a run found, as data, and the forms in which it is told.
//!
//! All of them take a [`Report`], which owns what it says and is read again from its JSON; none knows what was run.

mod document;
mod json;
mod text;

pub use document::{Conclusion, Judged, Report, Source, SubjectKind};
pub use json::{FORMAT, ReadError, json, read};
pub use text::{case as case_as_text, judged as judged_as_text, summary, text};

#[cfg(test)]
mod samples;
