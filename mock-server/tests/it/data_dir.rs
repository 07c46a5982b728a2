//! What outlives the mock.

mod answers;
#[cfg(unix)]
mod kills;
mod refusals;
mod restarts;
#[cfg(unix)]
mod trouble;
