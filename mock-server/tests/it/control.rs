//! The control API: what its document says, and what it does.
//!
//! Each answer in here is held against the document that the server serves (see [`bench`]), whatever else a
//! test looks at. All clocks start at [`bench::START`] and stand still, so every value is exact.

mod bench;
mod clock;
mod document;
mod endings;
mod guard;
mod plan;
mod webhooks;
mod worlds;
