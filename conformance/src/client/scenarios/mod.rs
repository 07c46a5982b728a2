//! The scenarios, in the order in which reports have them.

mod care;
mod endings;
mod shapes;
mod trouble;

use std::time::Duration;

use super::evidence::Staged;
use super::mock::{Clock, Staging};
use super::scenario::{Course, Hint, Items, On, Scenario, Work};
use crate::case::Level;

/// All scenarios.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [endings::SCENARIOS, trouble::SCENARIOS, shapes::SCENARIOS, care::SCENARIOS].into_iter().flatten()
}

/// The scenario with this id.
pub fn find(id: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.id == id)
}

/// A scenario in which nothing is out of the ordinary yet.
const fn scenario(id: &'static str, title: &'static str) -> Scenario {
    Scenario {
        id,
        title,
        seen: &[],
        staging: PLAIN,
        staged: NOTHING_STAGED,
        work: run(6),
        judged_by: &[],
        is_alone: false,
        course: Course::Once,
        deadline: Duration::from_secs(30),
        hint: Hint::AsUsual,
    }
}

/// Nothing of what is done that checks must know.
const NOTHING_STAGED: Staged = Staged { wait_ms: None, poll_ms: None, redirects: false };

/// A batch that ends well after a few looks.
const PLAIN: Staging = named("happy-shuffled");

/// A scenario of the mock.
const fn named(name: &'static str) -> Staging {
    Staging { named: Some(name), toml: "", later: None, clock: Clock::Stepping }
}

/// A scenario that is written here.
const fn toml(toml: &'static str) -> Staging {
    Staging { named: None, toml, later: None, clock: Clock::Stepping }
}

/// Items in, results out.
const fn run(n: usize) -> Work {
    Work::Run(Items::new(n))
}

/// A check, with its usual level.
const fn on(check: &'static str) -> On {
    On { check, level: None }
}

/// A check, with another level than usual.
const fn at(check: &'static str, level: Level) -> On {
    On { check, level: Some(level) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::client::checks;

    #[test]
    fn ids_are_unique_and_each_scenario_is_judged_by_checks_that_there_are() {
        let mut ids = BTreeSet::new();
        let mut used = BTreeSet::new();
        for scenario in all() {
            assert!(ids.insert(scenario.id), "{} stands twice", scenario.id);
            assert!(scenario.id.split('/').count() == 2, "{}", scenario.id);
            assert!(!scenario.judged_by.is_empty(), "{}", scenario.id);
            let mut own = BTreeSet::new();
            for on in scenario.judged_by {
                assert!(checks::find(on.check).is_some(), "{}: there is no check {}", scenario.id, on.check);
                assert!(own.insert(on.check), "{}: {} stands twice", scenario.id, on.check);
                used.insert(on.check);
            }
        }
        let known: BTreeSet<_> = checks::all().map(|check| check.id).collect();
        assert_eq!(used, known, "every check is used somewhere");
    }
}
