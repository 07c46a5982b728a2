//! All there is to know of a scenario, or of a check, beforehand.

use std::fmt::Write as _;

use super::check::Check;
use super::scenario::Scenario;
use super::{checks, scenarios};
use crate::facts;

/// All about a scenario or a check with this id; nothing if there is none.
pub fn text(id: &str) -> Option<String> {
    scenarios::find(id).map(scenario).or_else(|| checks::find(id).map(check))
}

fn scenario(scenario: &Scenario) -> String {
    let mut text = format!("{}\n\nWhat happens: {}.\n", scenario.id, scenario.title);
    for place in scenario.seen {
        let _ = writeln!(text, "Seen in https://github.com/{}", place.replacen('#', "/issues/", 1));
    }
    text.push('\n');
    for (check, level) in scenario.checks() {
        let _ = writeln!(text, "{:4} {level:6} {}", check.id, check.title);
    }
    text
}

fn check(check: &Check) -> String {
    let Check { id, title, requirement, gated_by, reason, level, needs_account: _, facts, gate: _, judge: _ } =
        check;
    let mut text =
        format!("{id}: {title}\n\n{level} {requirement}\n\nWhy: {reason}\n\nJudged only if: {gated_by}\n");
    for fact in facts.iter().flat_map(|number| facts::of(number)) {
        let _ = writeln!(text, "\n{} ({}): {}\n    {}", fact.number, fact.level, fact.source, fact.behavior);
    }
    text.push_str("\nIn the scenarios:\n");
    for scenario in scenarios::all() {
        for (_, level) in scenario.checks().filter(|(other, _)| other.id == *id) {
            let _ = writeln!(text, "{level:6} {:32} {}", scenario.id, scenario.title);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_and_checks_are_explained() {
        insta::assert_snapshot!(text("expired/no-error-file").unwrap() + &text("k9").unwrap());
        assert_eq!(text("K99"), None);
    }
}
