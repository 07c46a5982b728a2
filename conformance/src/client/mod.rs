//! Judges a client of the Files and Batches API, of any language, that is pointed at a batchmock.
//!
//! A client is put into [scenarios](scenario::Scenario), one after the other: batches that expire half done, answers in
//! another order, connections that break. It is not told which. What it asked stands in the journal of the mock, and what
//! it made of the answers in an [account] that it gives in the end. Both are [evidence], by which [checks](check::Check)
//! judge it: nothing is believed that the client says of itself.
//!
//! Each check has a gate, which is what must have been observed. A client that does nothing, that crashes, hangs, or answers
//! at random passes no gate, and so passes nothing.

pub mod account;
mod asking;
pub mod attach;
mod blind;
pub mod certificate;
pub mod certify;
pub mod check;
pub mod checks;
pub mod choice;
pub mod drive;
mod elsewhere;
pub mod evidence;
pub mod explaining;
#[cfg(test)]
pub(crate) mod made_up;
mod mock;
pub mod report;
pub mod scenario;
pub mod scenarios;
pub mod standing;
pub mod summary;
pub mod task;

pub use mock::{Clock, Staging};
