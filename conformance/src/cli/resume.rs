//! `resume`.

use batchmock_conformance::state::State;
use batchmock_conformance::{Keys, run};

use super::args::ResumeArgs;
use super::run::{conclude, known_failing, runtime};
use super::show::Show;
use super::subject::probed;
use super::{Failure, fault, reports, usage};

pub(super) fn resume(args: &ResumeArgs) -> Result<u8, Failure> {
    reports::can_go_out(&args.report)?;
    let known = known_failing(args.known_failing.as_deref())?;
    let mut state = State::read(&args.state).map_err(|error| usage(error.to_string()))?;
    // A run that is over needs no server any more, only to be told once more.
    if !state.waiting.is_empty() {
        let keys = keys(args, &state)?;
        runtime()?.block_on(go_on(args, &mut state, keys))?;
    }
    conclude(&state, &args.state, &known, &args.report)
}

async fn go_on(args: &ResumeArgs, state: &mut State, keys: Keys) -> Result<(), Failure> {
    let target = probed(state.settings(keys)).await?;
    let waiting = std::mem::take(&mut state.waiting);
    let show = Show::new(args.progress, &target, waiting.len());
    let progress = run::go_on(&target, waiting, args.wait, args.jobs, |event| show.event(event)).await;
    drop(show);
    let progress = progress.map_err(|error| fault(error.to_string()))?;
    state.add(progress.into_iter().map(|(_, progress)| progress));
    Ok(())
}

/// The keys that the run had: they are not in its file.
fn keys(args: &ResumeArgs, state: &State) -> Result<Keys, Failure> {
    if !state.has_key {
        return Ok(Keys::of_the_suite());
    }
    let missing = |option: &str| usage(format!("the run had a key, which its file does not: say {option}"));
    let own = args.api_key.clone().ok_or_else(|| missing("--api-key"))?;
    let other = match (&args.other_api_key, state.has_other_key) {
        (Some(other), true) => Some(other.clone()),
        (None, true) => return Err(missing("--other-api-key")),
        (_, false) => None,
    };
    Ok(Keys::Given { own, other })
}
