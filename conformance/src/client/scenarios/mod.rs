//! The scenarios, in the order in which reports have them.

mod endings;

use super::scenario::Scenario;

/// All scenarios.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [endings::SCENARIOS].into_iter().flatten()
}

/// The scenario with this id.
pub fn find(id: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.id == id)
}
