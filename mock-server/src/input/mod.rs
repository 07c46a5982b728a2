//! The JSONL of a batch, read once.
//!
//! A [`Scanner`] is fed the bytes of an upload as they pass by. It splits them into lines, reads each line
//! and keeps a few facts about it: where it stands, which endpoint and model it names, whether its endpoint takes it. What
//! remains, the [`Scan`], is small whatever the size of the file. When a batch is created, [`check()`] holds
//! the scan against the batch's endpoint and gives either the fate of every line or all problems, in line
//! order.
//!
//! Reading never fails as a whole: a bad line is a fact like any other. This module knows no HTTP and does
//! no I/O.

mod check;
mod digests;
mod line;
mod problem;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use check::{Limits as InputLimits, check};
pub(crate) use digests::{Digest, Digests};
pub(crate) use line::{Line, LineContent, Reading, RequestFacts};
pub(crate) use problem::Problem;
pub(crate) use scan::{Scan, Scanner, UploadFault};
