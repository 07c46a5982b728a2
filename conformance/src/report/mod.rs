//! What a run found, as data, and the forms in which it is told.
//!
//! All of them take a [`Report`], which owns what it says and is read again from its JSON; none knows what was run.

mod catalog;
mod diff;
mod document;
mod form;
mod html;
mod json;
mod junit;
mod markdown;
mod matrix;
mod tap;
mod text;
mod visible;

pub use catalog::{case as case_as_text, cases_as_json};
pub use diff::{Change, Diff, Incomparable, News};
pub use document::{Conclusion, Judged, Report, Source, SubjectKind};
pub use form::{Form, UnknownForm};
pub use html::html;
pub use json::{FORMAT, ReadError, json, read};
pub use junit::junit;
pub use markdown::markdown;
pub use matrix::{Matrix, Row, Subject};
pub use tap::tap;
pub use text::{found as found_in_a_line, judged as judged_as_text, text};

#[cfg(test)]
mod samples;
