//! Bad input and trouble: whatever comes, the server goes on, and says what was wrong.
//!
//! Nothing here sleeps or looks at a clock. What a server waits for is made short, and the tests wait until it
//! answers, or closes the connection.

mod crowds;
mod growth;
mod limits;
mod names;
mod raw;
#[cfg(unix)]
mod released;
#[cfg(unix)]
pub(crate) mod storage;
mod uploads;
mod wire;
