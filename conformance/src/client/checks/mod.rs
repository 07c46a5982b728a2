//! The checks, one file a subject.

mod batches;
mod care;
mod endings;
mod polling;
mod results;
mod shapes;
mod trouble;

use super::check::Check;

/// All checks, by their subjects.
pub fn all() -> impl Iterator<Item = &'static Check> {
    [
        endings::CHECKS,
        results::CHECKS,
        batches::CHECKS,
        trouble::CHECKS,
        shapes::CHECKS,
        polling::CHECKS,
        care::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// The check with this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests;
