//! Tests of the records.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod wire;
