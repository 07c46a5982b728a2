//! What outlives the mock.

#[cfg(unix)]
mod kills;
mod refusals;
mod restarts;
#[cfg(unix)]
mod trouble;
