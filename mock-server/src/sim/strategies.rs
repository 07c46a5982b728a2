//! proptest strategies for plans and what may happen to them.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    Amount, Ending, Intervention, InterventionKind, LineFate, Milestone, Pace, PaceDuration, Plan, Progress,
    Seed, Timestamp, Workload,
};

/// When every generated batch is created.
pub const CREATED_AT: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

/// Inputs of up to 30 lines, and refused ones.
pub fn workload() -> impl Strategy<Value = Workload> {
    let fate = prop_oneof![3 => Just(LineFate::Succeeds), 1 => Just(LineFate::Fails)];
    prop_oneof![
        9 => vec(fate, 1..30).prop_map(Workload::Accepted),
        1 => Just(Workload::Rejected),
    ]
}

/// Paces that are over at once, and paces that last longer than the completion window.
pub fn pace() -> impl Strategy<Value = Pace> {
    let duration = || {
        prop_oneof![
            Just(PaceDuration::millis(0)),
            (0..5_000_u64).prop_map(PaceDuration::millis),
            (0..100_000_u64).prop_map(PaceDuration::seconds),
        ]
    };
    let phases = (duration(), duration(), duration(), duration(), duration(), duration());
    let cancelled_after = proptest::option::weighted(0.2, (0..100_000_u64).prop_map(Duration::from_secs));
    (phases, progress(), vec(milestone(), 0..3), cancelled_after).prop_map(
        |(phases, progress, while_cancelling, cancelled_after)| Pace {
            validating_for: phases.0,
            in_progress_for: phases.1,
            finalizing_for: phases.2,
            cancelling_for: phases.3,
            expiry_noticed_after: phases.4,
            expiring_for: phases.5,
            progress,
            while_cancelling: while_cancelling.into(),
            cancelled_after,
        },
    )
}

fn progress() -> impl Strategy<Value = Progress> {
    prop_oneof![
        3 => (1..8_u32).prop_map(Progress::Steps),
        1 => vec(milestone(), 0..4).prop_map(|milestones| Progress::Milestones(milestones.into())),
    ]
}

fn milestone() -> impl Strategy<Value = Milestone> {
    let amount = prop_oneof![(0..40_u32).prop_map(Amount::Lines), (0.0..=1.0).prop_map(Amount::Share)];
    ((0..100_000_u64).prop_map(Duration::from_secs), amount)
        .prop_map(|(after, ended)| Milestone { after, ended })
}

/// Plans of batches created at [`CREATED_AT`].
pub fn plan() -> impl Strategy<Value = Plan> {
    (workload(), pace(), any::<u64>())
        .prop_map(|(workload, pace, seed)| Plan::new(&workload, &pace, Seed::new(seed), CREATED_AT))
}

/// Points in time around the life of a batch: milliseconds to two days after [`CREATED_AT`].
pub fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..10_000_u64, 0..172_800_000_u64]
        .prop_map(|millis| CREATED_AT + Duration::from_millis(millis))
}

/// Up to three interventions, in the order of their times.
pub fn interventions() -> impl Strategy<Value = Vec<Intervention>> {
    let kind = prop_oneof![
        Just(InterventionKind::Cancel),
        Just(InterventionKind::InputGone),
        Just(InterventionKind::Force(Ending::Completed)),
        Just(InterventionKind::Force(Ending::Failed)),
        Just(InterventionKind::Force(Ending::Expired)),
        Just(InterventionKind::Force(Ending::Cancelled)),
    ];
    vec((time(), kind).prop_map(|(at, kind)| Intervention { at, kind }), 0..3).prop_map(|mut facts| {
        facts.sort_by_key(|fact| fact.at);
        facts
    })
}
