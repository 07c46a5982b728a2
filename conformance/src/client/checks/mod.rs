//! The checks, in the order in which reports have them.

mod batches;
mod endings;
mod results;

use super::check::Check;

/// All checks.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [endings::CHECKS, results::CHECKS, batches::CHECKS].into_iter().flatten()
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id.eq_ignore_ascii_case(id))
}
