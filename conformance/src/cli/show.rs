//! What a run shows while it goes on: a bar on a terminal, and lines without one where it takes its time.

use std::cell::RefCell;
use std::time::Duration;

use batchmock_conformance::client::certify::Played;
use batchmock_conformance::run::Event;
use batchmock_conformance::{Target, Verdict, report};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::note;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Showing {
    /// A bar on a terminal; without one, lines if time cannot be moved, so that the run takes long
    Auto,
    /// A line for each case that has ended
    Lines,
    /// Nothing
    None,
}

/// What shows a run. What it showed is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Show {
    how: How,
    cases: usize,
    state: RefCell<State>,
}

#[derive(Debug)]
enum How {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

#[derive(Debug, Default)]
struct State {
    done: usize,
    failed: usize,
    running: Vec<&'static str>,
}

impl Show {
    /// What shows a run of so many cases.
    pub(super) fn new(showing: Showing, target: &Target, cases: usize) -> Self {
        let how = match showing {
            Showing::None => How::Nothing,
            Showing::Lines => How::Lines,
            Showing::Auto => match bar(cases) {
                Some(bar) => How::Bar(bar),
                None if target.has_control() => How::Nothing,
                None => How::Lines,
            },
        };
        Self { how, cases, state: RefCell::default() }
    }

    /// What shows how so many scenarios are played. A client may take its time.
    pub(super) fn of_scenarios(showing: Showing, scenarios: usize) -> Self {
        let how = match showing {
            Showing::None => How::Nothing,
            Showing::Lines => How::Lines,
            Showing::Auto => bar(scenarios).map_or(How::Lines, How::Bar),
        };
        Self { how, cases: scenarios, state: RefCell::default() }
    }

    /// Shows that a scenario is over, and what has failed in it.
    pub(super) fn played(&self, played: &Played) {
        let mut state = self.state.borrow_mut();
        let failed: Vec<_> = played.failed().map(|check| check.id).collect();
        state.done += 1;
        state.failed += failed.len();
        let line = match failed.as_slice() {
            [] => format!("ok   {}", played.scenario.id),
            failed => format!("FAIL {}: {}", played.scenario.id, failed.join(", ")),
        };
        self.draw(&state, Some(line));
    }

    /// Shows what happens.
    pub(super) fn event(&self, event: Event<'_>) {
        let mut state = self.state.borrow_mut();
        let ended = match event {
            Event::Began(case) => {
                state.running.push(case.id);
                None
            }
            Event::Ended(found) => {
                state.failed += usize::from(found.verdict == Verdict::Failed);
                state.has_ended(found.case.id);
                Some(report::found_in_a_line(found))
            }
            Event::PutDown(case) => {
                state.has_ended(case.id);
                Some(format!("WAIT {:6} {}", case.level, case.id))
            }
        };
        self.draw(&state, ended);
    }

    fn draw(&self, state: &State, ended: Option<String>) {
        match &self.how {
            How::Nothing => {}
            How::Lines => {
                if let Some(line) = ended {
                    let width = self.cases.to_string().len();
                    note(&format!("{:>width$}/{} {line}", state.done, self.cases));
                }
            }
            How::Bar(bar) => {
                bar.set_position(u64::try_from(state.done).unwrap_or(u64::MAX));
                bar.set_message(state.message());
            }
        }
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}

impl State {
    fn has_ended(&mut self, id: &str) {
        self.done += 1;
        self.running.retain(|running| *running != id);
    }

    /// What stands behind the bar: the case that runs the longest, and whether anything has failed.
    fn message(&self) -> String {
        let mut message = if self.failed == 0 { String::new() } else { format!("{} failed  ", self.failed) };
        message.push_str(self.running.first().copied().unwrap_or_default());
        message
    }
}

/// A bar, if there is a terminal to draw it on.
fn bar(cases: usize) -> Option<ProgressBar> {
    let bar = ProgressBar::new(u64::try_from(cases).unwrap_or(u64::MAX));
    if bar.is_hidden() {
        return None;
    }
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {pos}/{len}  {wide_msg}");
    bar.set_style(style.expect("the template is well-formed"));
    // The time goes on while nothing else does.
    bar.enable_steady_tick(Duration::from_secs(1));
    Some(bar)
}
