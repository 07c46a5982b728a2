//! Whole lives, one line a change.

use std::fmt::Write as _;
use std::time::Duration;

use super::strategies::CREATED_AT;
use super::{
    Amount, Ending, Intervention, InterventionKind, LineEnd, LineFate, Milestone, Observation, Pace,
    PaceDuration, Plan, Progress, Seed, Workload,
};

/// Renders a whole life: for each change the time since creation, the state, the counts as
/// completed+failed/total, the files, and the times that are set.
fn life(plan: &Plan, facts: &[Intervention]) -> String {
    let mut text = String::new();
    let mut tell = |at: super::Timestamp, seen: &Observation| {
        let Observation { status, times, counts, has_output_file, has_error_file } = seen;
        let since = humantime::format_duration(at.since(CREATED_AT)).to_string();
        let set: Vec<_> = [
            ("in_progress", times.in_progress_at),
            ("finalizing", times.finalizing_at),
            ("completed", times.completed_at),
            ("failed", times.failed_at),
            ("expired", times.expired_at),
            ("cancelling", times.cancelling_at),
            ("cancelled", times.cancelled_at),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.map(|_| name))
        .collect();
        let files = match (has_output_file, has_error_file) {
            (true, true) => "output+error",
            (true, false) => "output",
            (false, true) => "error",
            (false, false) => "-",
        };
        let (completed, failed, total) = (counts.completed, counts.failed, counts.total);
        writeln!(
            text,
            "{since:>12}  {:<11} {completed}+{failed}/{total} {files:<12} {}",
            status.as_str(),
            set.join(",")
        )
        .unwrap();
    };
    tell(CREATED_AT, &plan.observe(facts, CREATED_AT));
    let mut after = CREATED_AT;
    loop {
        // Interventions are not foreseen by `next_change`, so the walk stops at each of them too.
        let intervened = facts.iter().map(|fact| fact.at).find(|at| *at > after);
        let Some(at) = plan.next_change(facts, after).into_iter().chain(intervened).min() else { break };
        tell(at, &plan.observe(facts, at));
        after = at;
    }
    text
}

fn plan(fates: &[LineFate], pace: &Pace) -> Plan {
    Plan::new(&Workload::Accepted(fates.to_vec()), pace, Seed::new(1), CREATED_AT)
}

fn after(seconds: u64, kind: InterventionKind) -> Intervention {
    Intervention { at: CREATED_AT + Duration::from_secs(seconds), kind }
}

const FOUR_LINES: [LineFate; 4] =
    [LineFate::Succeeds, LineFate::Fails, LineFate::Succeeds, LineFate::Succeeds];

fn hours_long() -> Pace {
    Pace { in_progress_for: PaceDuration::seconds(40 * 3600), ..Pace::REALISTIC }
}

#[test]
fn a_quick_batch_completes_in_four_seconds() {
    insta::assert_snapshot!(life(&plan(&FOUR_LINES, &Pace::QUICK), &[]));
}

#[test]
fn a_batch_whose_lines_all_fail_completes_without_an_output_file() {
    insta::assert_snapshot!(life(&plan(&[LineFate::Fails; 3], &Pace::QUICK), &[]));
}

#[test]
fn a_rejected_batch_fails_without_counts_and_files() {
    let rejected = Plan::new(&Workload::Rejected, &Pace::QUICK, Seed::new(1), CREATED_AT);
    insta::assert_snapshot!(life(&rejected, &[]));
}

#[test]
fn an_expired_batch_keeps_what_was_done_and_waits_ten_minutes_in_finalizing() {
    insta::assert_snapshot!(life(&plan(&FOUR_LINES, &hours_long()), &[]));
}

#[test]
fn a_running_batch_that_is_cancelled_keeps_what_was_done() {
    insta::assert_snapshot!(life(
        &plan(&FOUR_LINES, &hours_long()),
        &[after(18 * 3600, InterventionKind::Cancel)]
    ));
}

#[test]
fn a_validating_batch_that_is_cancelled_never_was_in_progress() {
    insta::assert_snapshot!(life(&plan(&FOUR_LINES, &Pace::QUICK), &[after(0, InterventionKind::Cancel)]));
}

#[test]
fn cancelling_while_finalizing_is_too_late() {
    let plan = plan(&FOUR_LINES, &Pace::QUICK);
    let cancel = after(3, InterventionKind::Cancel);
    assert!(!plan.is_changed_by(&[], cancel));
    assert_eq!(life(&plan, &[cancel]), life(&plan, &[]));
}

#[test]
fn cancelling_twice_changes_nothing_more() {
    let plan = plan(&FOUR_LINES, &Pace::QUICK);
    let first = after(2, InterventionKind::Cancel);
    for second in [2, 3, 60] {
        assert!(!plan.is_changed_by(&[first], after(second, InterventionKind::Cancel)));
    }
}

#[test]
fn a_batch_whose_input_goes_while_validating_fails() {
    insta::assert_snapshot!(life(&plan(&FOUR_LINES, &Pace::QUICK), &[after(0, InterventionKind::InputGone)]));
}

#[test]
fn a_batch_whose_input_goes_later_does_not_care() {
    let plan = plan(&FOUR_LINES, &Pace::QUICK);
    assert_eq!(life(&plan, &[after(1, InterventionKind::InputGone)]), life(&plan, &[]));
}

#[test]
fn each_ending_can_be_forced_at_any_time() {
    let plan = plan(&FOUR_LINES, &hours_long());
    let mut text = String::new();
    for ending in [Ending::Completed, Ending::Failed, Ending::Expired, Ending::Cancelled] {
        for seconds in [0, 18 * 3600] {
            let force = after(seconds, InterventionKind::Force(ending));
            writeln!(text, "{ending:?} after {seconds} s").unwrap();
            text.push_str(&life(&plan, &[force]));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn two_lines_end_in_the_other_order() {
    for seed in 0..20 {
        let plan = Plan::new(
            &Workload::Accepted(vec![LineFate::Succeeds; 2]),
            &Pace::QUICK,
            Seed::new(seed),
            CREATED_AT,
        );
        let last = plan.observe(&[], plan.ends_at(&[]));
        let lines: Vec<_> = plan.line_ends(&last).collect();
        assert_eq!(lines, [(1, LineEnd::Ran(LineFate::Succeeds)), (0, LineEnd::Ran(LineFate::Succeeds))]);
    }
}

#[test]
fn lines_can_end_in_the_order_of_the_input() {
    let ended = |plan: &Plan| {
        let last = plan.observe(&[], plan.ends_at(&[]));
        plan.line_ends(&last).collect::<Vec<_>>()
    };
    let plan = plan(&FOUR_LINES, &Pace::QUICK);
    let in_order: Vec<_> = (0..).zip(FOUR_LINES.map(LineEnd::Ran)).collect();
    assert_ne!(ended(&plan), in_order);
    assert_eq!(ended(&plan.in_input_order()), in_order);
}

fn milestone(minutes: u64, ended: Amount) -> Milestone {
    Milestone { after: Duration::from_mins(minutes), ended }
}

#[test]
fn counts_can_rise_at_given_times() {
    let progress = Progress::Milestones(
        vec![
            milestone(0, Amount::Lines(1)),
            milestone(720, Amount::Share(0.5)),
            milestone(9_000, Amount::Lines(4)),
        ]
        .into(),
    );
    insta::assert_snapshot!(life(&plan(&FOUR_LINES, &Pace { progress, ..hours_long() }), &[]));
}

#[test]
fn lines_that_are_under_way_end_while_a_batch_is_cancelled() {
    let pace = Pace {
        progress: Progress::Milestones(vec![milestone(30, Amount::Lines(1))].into()),
        while_cancelling: vec![
            milestone(5, Amount::Lines(2)),
            milestone(9, Amount::Lines(3)),
            milestone(60, Amount::Lines(4)),
        ]
        .into(),
        cancelling_for: PaceDuration::seconds(25 * 60),
        ..hours_long()
    };
    let cancel = after(3600, InterventionKind::Cancel);
    let forced = after(3600 + 6 * 60, InterventionKind::Force(Ending::Cancelled));
    let plan = plan(&FOUR_LINES, &pace);
    insta::assert_snapshot!(format!(
        "{}\nforced on the way\n{}",
        life(&plan, &[cancel]),
        life(&plan, &[cancel, forced])
    ));
}

#[test]
fn somebody_else_can_cancel_a_batch() {
    let pace = Pace { cancelled_after: Some(Duration::from_hours(18)), ..hours_long() };
    let cancelled = life(&plan(&FOUR_LINES, &pace), &[]);
    insta::assert_snapshot!(cancelled);
    let earlier = life(&plan(&FOUR_LINES, &pace), &[after(3600, InterventionKind::Cancel)]);
    assert_eq!(earlier, life(&plan(&FOUR_LINES, &hours_long()), &[after(3600, InterventionKind::Cancel)]));
    let later = life(&plan(&FOUR_LINES, &pace), &[after(18 * 3600 + 1, InterventionKind::Cancel)]);
    assert_eq!(later.lines().filter(|line| line.contains(" cancelling ")).count(), 2, "{later}");
}
