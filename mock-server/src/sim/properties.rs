//! What holds for every plan, whatever happens to it, at every time.

use std::collections::HashSet;

use proptest::prelude::*;

use super::strategies::{CREATED_AT, interventions, plan, time};
use super::{Intervention, LineEnd, LineFate, Observation, Plan, Status, Times, Timestamp};

/// Later states have higher ranks; a batch never goes back.
fn rank(status: Status) -> u8 {
    match status {
        Status::Validating => 0,
        Status::InProgress => 1,
        Status::Finalizing | Status::Cancelling => 2,
        Status::Completed | Status::Failed | Status::Expired | Status::Cancelled => 3,
    }
}

fn listed(times: &Times) -> [Option<Timestamp>; 7] {
    let Times {
        in_progress_at,
        finalizing_at,
        completed_at,
        failed_at,
        expired_at,
        cancelling_at,
        cancelled_at,
    } = *times;
    [in_progress_at, finalizing_at, completed_at, failed_at, expired_at, cancelling_at, cancelled_at]
}

fn whole_life(plan: &Plan, facts: &[Intervention]) -> Vec<Observation> {
    std::iter::once(plan.observe(facts, CREATED_AT))
        .chain(plan.changes(facts, CREATED_AT).map(|change| change.observation))
        .collect()
}

proptest! {
    #[test]
    fn nothing_ever_goes_back(plan in plan(), facts in interventions(), a in time(), b in time()) {
        let (earlier, later) = (a.min(b), a.max(b));
        let (before, after) = (plan.observe(&facts, earlier), plan.observe(&facts, later));
        prop_assert!(rank(before.status) <= rank(after.status));
        prop_assert!(before.counts.total <= after.counts.total);
        prop_assert!(before.counts.completed <= after.counts.completed);
        prop_assert!(before.counts.failed <= after.counts.failed);
        for (was, is) in listed(&before.times).into_iter().zip(listed(&after.times)) {
            prop_assert!(was.is_none() || was == is, "a time that was set has changed");
        }
    }

    #[test]
    fn no_time_is_in_the_future(plan in plan(), facts in interventions(), now in time()) {
        for set in listed(&plan.observe(&facts, now).times).into_iter().flatten() {
            prop_assert!(CREATED_AT <= set && set <= now);
        }
    }

    #[test]
    fn counts_never_exceed_the_total(plan in plan(), facts in interventions(), now in time()) {
        let seen = plan.observe(&facts, now);
        prop_assert!(seen.counts.completed + seen.counts.failed <= seen.counts.total);
        prop_assert!(seen.status.is_terminal() || !(seen.has_output_file || seen.has_error_file));
    }

    #[test]
    fn nothing_changes_between_changes(plan in plan(), facts in interventions(), now in time(), later in time()) {
        // An intervention is not foreseen, so look only as far as the next one.
        let foreseen = facts.iter().map(|fact| fact.at).find(|at| *at > now);
        let next = plan.next_change(&facts, now);
        let quiet_until = next.into_iter().chain(foreseen).min();
        if later > now && quiet_until.is_none_or(|change| later < change) {
            prop_assert_eq!(plan.observe(&facts, now), plan.observe(&facts, later));
        }
        if let Some(next) = next.filter(|next| foreseen.is_none_or(|at| *next < at)) {
            prop_assert_ne!(plan.observe(&facts, now), plan.observe(&facts, next));
        }
    }

    #[test]
    fn every_life_ends_once_and_stays_ended(plan in plan(), facts in interventions()) {
        let end = plan.ends_at(&facts);
        let last = plan.observe(&facts, end);
        prop_assert!(last.status.is_terminal());
        prop_assert_eq!(plan.next_change(&facts, end), None);
        prop_assert_eq!(last, plan.observe(&facts, Timestamp::MAX));
        if let Some(last_fact) = facts.last().filter(|fact| fact.at < end) {
            prop_assert!(!plan.observe(&facts, last_fact.at).status.is_terminal());
        }
    }

    #[test]
    fn only_recorded_paths_are_taken(plan in plan(), facts in interventions()) {
        let forced = facts.iter().any(|fact| matches!(fact.kind, super::InterventionKind::Force(_)));
        for pair in whole_life(&plan, &facts).windows(2) {
            let step = (pair[0].status, pair[1].status);
            // F-251, and the expiry of a batch that was never seen to leave `validating` (assumed).
            let recorded = step.0 == step.1
                || matches!(
                    step,
                    (
                            Status::Validating,
                            Status::InProgress | Status::Failed | Status::Cancelling | Status::Finalizing
                        )
                        | (Status::InProgress, Status::Finalizing | Status::Cancelling)
                        | (Status::Finalizing, Status::Completed | Status::Expired)
                        | (Status::Cancelling, Status::Cancelled)
                );
            // Phases of no length are passed through unseen; a forced ending skips what is between.
            let skipped = rank(step.1) > rank(step.0);
            prop_assert!(recorded || forced || skipped, "{:?} to {:?}", step.0, step.1);
        }
    }

    #[test]
    fn result_files_hold_what_the_counts_say(plan in plan(), facts in interventions()) {
        let last = plan.observe(&facts, Timestamp::MAX);
        let ends: Vec<_> = plan.line_ends(&last).collect();
        let count = |wanted: LineEnd| u32::try_from(ends.iter().filter(|(_, end)| *end == wanted).count()).unwrap();
        prop_assert_eq!(count(LineEnd::Ran(LineFate::Succeeds)), last.counts.completed);
        prop_assert_eq!(count(LineEnd::Ran(LineFate::Fails)), last.counts.failed);
        prop_assert_eq!(u32::try_from(ends.len()).unwrap(), last.counts.total);
        let lines: HashSet<_> = ends.iter().map(|(line, _)| line).collect();
        prop_assert_eq!(lines.len(), ends.len(), "a line is told twice");
        let successes = last.counts.completed;
        prop_assert_eq!(last.has_output_file, successes > 0);
        prop_assert_eq!(last.has_error_file, successes < last.counts.total);
    }

    #[test]
    fn results_of_two_or_more_lines_are_never_in_the_order_of_the_input(plan in plan(), facts in interventions()) {
        let last = plan.observe(&facts, Timestamp::MAX);
        for fate in [LineFate::Succeeds, LineFate::Fails] {
            let lines: Vec<_> = plan
                .line_ends(&last)
                .filter(|(_, end)| *end == LineEnd::Ran(fate))
                .map(|(line, _)| line)
                .collect();
            prop_assert!(lines.len() < 2 || !lines.is_sorted());
        }
    }

    #[test]
    fn looking_more_often_changes_nothing(plan in plan(), facts in interventions(), looks in proptest::collection::vec(time(), 0..20)) {
        for look in looks {
            let _ = plan.observe(&facts, look);
        }
        let lives = (whole_life(&plan, &facts), whole_life(&plan.clone(), &facts));
        prop_assert_eq!(lives.0, lives.1);
    }
}
