//! What a run does next. Pure: all that it depends on comes in.

use std::time::Duration;

use super::split::Limits;
use super::state::{Stage, State};

/// The next thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Get the results of a batch.
    Fetch(usize),
    /// Upload the input of a batch, or find it if it may be there already.
    Upload(usize),
    /// Create a batch, or find it if it may be there already.
    Create(usize),
    /// Look at a batch.
    Look(usize),
    /// Wait.
    Wait(Duration),
    /// All batches have ended and their results are here.
    Conclude,
}

/// What is known of a batch in this process, and not kept.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Patience {
    /// Not to be touched before this time.
    pub(crate) not_before: Duration,
    /// It was refused for the queue when so many batches had ended: the end of another may have made room.
    pub(crate) refused_at: Option<usize>,
}

/// `tokens` is what each batch takes of the limit; `now` counts from where `not_before` does.
pub(crate) fn next(
    state: &State,
    patience: &[Patience],
    tokens: &[u64],
    limits: &Limits,
    now: Duration,
) -> Step {
    let ended = ended(state);
    let with = |wanted: &'static [Stage]| {
        let all = state.batches.iter().enumerate();
        all.filter(move |(_, batch)| wanted.contains(&batch.stage)).map(|(number, _)| number)
    };
    if let Some(batch) = with(&[Stage::Ended]).next() {
        return Step::Fetch(batch);
    }
    let mut wake: Option<Duration> = None;
    let mut is_due = |batch: usize| {
        let Patience { not_before, refused_at } = patience[batch];
        let is_due = now >= not_before || refused_at.is_some_and(|before| ended > before);
        if !is_due {
            wake = Some(wake.map_or(not_before, |wake: Duration| wake.min(not_before)));
        }
        is_due
    };
    // What may be there already counts as there, and has its place in the queue.
    if let Some(batch) = with(&[Stage::Creating]).find(|batch| is_due(*batch)) {
        return Step::Create(batch);
    }
    let running: u64 = state.live().map(|(batch, _)| tokens[batch]).sum();
    let n_running = state.live().count();
    let has_room = |batch: usize| {
        n_running == 0
            || (n_running < limits.batches
                && limits.enqueued_tokens.is_none_or(|most| running + tokens[batch] <= most))
    };
    let waiting = with(&[Stage::Uploading, Stage::Planned, Stage::Uploaded]);
    for batch in waiting.filter(|batch| has_room(*batch)) {
        if is_due(batch) {
            let has_input = state.batches[batch].stage == Stage::Uploaded;
            return if has_input { Step::Create(batch) } else { Step::Upload(batch) };
        }
    }
    if let Some(batch) = with(&[Stage::Live]).find(|batch| is_due(*batch)) {
        return Step::Look(batch);
    }
    wake.map_or(Step::Conclude, |wake| Step::Wait(wake.saturating_sub(now)))
}

/// How many batches have ended.
pub(crate) fn ended(state: &State) -> usize {
    state.batches.iter().filter(|batch| matches!(batch.stage, Stage::Ended | Stage::Fetched)).count()
}

#[cfg(test)]
mod tests {
    use super::super::split::Lines;
    use super::super::state::{Ending, Entry, Input};
    use super::*;
    use crate::types::BatchStatus;

    /// Batches at these stages.
    fn state(stages: &[Stage]) -> State {
        let mut state = State::default();
        for (batch, stage) in stages.iter().enumerate() {
            let file = Input { id: "file-1".to_owned(), created_at: 0 };
            let ending =
                Ending { status: BatchStatus::Completed, output: None, error: None, errors: Vec::new() };
            let entries = [
                (Stage::Planned, Entry::Planned { lines: Lines::default(), endpoint: String::new() }),
                (Stage::Uploading, Entry::Uploading { batch }),
                (Stage::Uploaded, Entry::Uploaded { batch, file }),
                (Stage::Creating, Entry::Creating { batch, time: 1 }),
                (Stage::Live, Entry::Created { batch, id: "batch_1".to_owned() }),
                (Stage::Ended, Entry::Ended { batch, ending }),
                (Stage::Fetched, Entry::Fetched { batch }),
            ];
            for (reached, entry) in entries {
                state.apply(entry).unwrap();
                assert_eq!(state.batches[batch].stage, reached);
                if reached == *stage {
                    break;
                }
            }
        }
        state
    }

    fn step(stages: &[Stage], patience: &[(usize, Patience)], limits: &Limits) -> Step {
        let mut all = vec![Patience::default(); stages.len()];
        for (batch, patience) in patience {
            all[*batch] = *patience;
        }
        next(&state(stages), &all, &vec![10; stages.len()], limits, Duration::from_secs(100))
    }

    fn until(seconds: u64) -> Patience {
        Patience { not_before: Duration::from_secs(seconds), refused_at: None }
    }

    #[test]
    fn each_stage_has_its_step() {
        let alone = |stage| step(&[stage], &[], &Limits::default());
        assert_eq!(alone(Stage::Planned), Step::Upload(0));
        assert_eq!(alone(Stage::Uploading), Step::Upload(0));
        assert_eq!(alone(Stage::Uploaded), Step::Create(0));
        assert_eq!(alone(Stage::Creating), Step::Create(0));
        assert_eq!(alone(Stage::Live), Step::Look(0));
        assert_eq!(alone(Stage::Ended), Step::Fetch(0));
        assert_eq!(alone(Stage::Fetched), Step::Conclude);
        assert_eq!(step(&[], &[], &Limits::default()), Step::Conclude);
    }

    #[test]
    fn results_are_fetched_before_more_is_begun() {
        assert_eq!(step(&[Stage::Planned, Stage::Ended], &[], &Limits::default()), Step::Fetch(1));
    }

    #[test]
    fn a_run_waits_for_what_comes_first() {
        let stages = [Stage::Live, Stage::Live, Stage::Uploaded];
        let patience = [(0, until(130)), (1, until(120)), (2, until(190))];
        assert_eq!(step(&stages, &patience, &Limits::default()), Step::Wait(Duration::from_secs(20)));
    }

    #[test]
    fn the_queue_is_not_overfilled() {
        let stages = [Stage::Live, Stage::Planned];
        let waiting = [(0, until(130))];
        let limits = |tokens, batches| Limits { enqueued_tokens: Some(tokens), batches, ..Limits::default() };
        assert_eq!(step(&stages, &waiting, &limits(20, 9)), Step::Upload(1));
        assert_eq!(step(&stages, &waiting, &limits(19, 9)), Step::Wait(Duration::from_secs(30)));
        assert_eq!(step(&stages, &waiting, &limits(20, 1)), Step::Wait(Duration::from_secs(30)));
        // What is larger than the limit runs alone, and the service decides.
        assert_eq!(step(&[Stage::Planned], &[], &limits(5, 1)), Step::Upload(0));
    }

    #[test]
    fn who_was_refused_for_the_queue_waits_for_an_end_or_for_some_time() {
        let refused = |at| Patience { not_before: Duration::from_secs(160), refused_at: Some(at) };
        let stages = [Stage::Fetched, Stage::Uploaded];
        assert_eq!(step(&stages, &[(1, refused(1))], &Limits::default()), Step::Wait(Duration::from_mins(1)));
        assert_eq!(step(&stages, &[(1, refused(0))], &Limits::default()), Step::Create(1));
    }
}
