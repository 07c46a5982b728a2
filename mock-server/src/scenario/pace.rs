//! What a scenario changes of a pace.

use std::time::Duration;

use super::reading::{duration, whole_duration};
use crate::sim::{Amount, Milestone, Pace, PaceDuration, Progress};
use crate::toml_reading::{Entry, Table, TomlError};

/// What a scenario changes of a pace.
#[derive(Debug, Clone, Default)]
pub(super) struct PaceChanges {
    /// What it starts from, instead of the server's.
    base: Option<Pace>,
    phases: [Option<Duration>; PHASES.len()],
    progress: Option<Progress>,
    while_cancelling: Option<Vec<Milestone>>,
    cancelled_after: Option<Duration>,
}

/// The phases that last as long as a scenario says, by key.
const PHASES: [&str; 6] = [
    "validating_for",
    "in_progress_for",
    "finalizing_for",
    "cancelling_for",
    "expiry_noticed_after",
    "expiring_for",
];

impl PaceChanges {
    /// What a table says.
    pub(super) fn from_table(table: Table<'_>) -> Result<Self, TomlError> {
        let others = ["base", "progress", "while_cancelling", "cancelled_after"];
        table.allow_only(&PHASES.into_iter().chain(others).collect::<Vec<_>>())?;
        let mut phases = [None; PHASES.len()];
        for (phase, key) in phases.iter_mut().zip(PHASES) {
            // A batch may expire at once; every other phase can be seen.
            let read = if key.contains("expir") { whole_duration } else { duration };
            *phase = table.get(key).map(|entry| read(&entry)).transpose()?;
        }
        let base = |entry: Entry<'_>| entry.choice(&[("quick", 0), ("instant", 1), ("realistic", 2)]);
        let base = table.get("base").map(base).transpose()?;
        let while_cancelling = table.get("while_cancelling").map(|entry| milestones(&entry)).transpose()?;
        Ok(Self {
            base: base.map(|place| [Pace::QUICK, Pace::INSTANT, Pace::REALISTIC][place].clone()),
            phases,
            progress: table.get("progress").map(|entry| progress(&entry)).transpose()?,
            while_cancelling,
            cancelled_after: table.get("cancelled_after").map(|entry| duration(&entry)).transpose()?,
        })
    }

    /// These changes where they are, and those of `base` elsewhere.
    pub(super) fn over(self, base: &Self) -> Self {
        let Self { base: start, phases, progress, while_cancelling, cancelled_after } = self;
        let mut all = base.phases;
        for (phase, changed) in all.iter_mut().zip(phases) {
            *phase = changed.or(*phase);
        }
        Self {
            base: start.or_else(|| base.base.clone()),
            phases: all,
            progress: progress.or_else(|| base.progress.clone()),
            while_cancelling: while_cancelling.or_else(|| base.while_cancelling.clone()),
            cancelled_after: cancelled_after.or(base.cancelled_after),
        }
    }

    /// A pace with the changes.
    pub(super) fn apply_to(&self, pace: &Pace) -> Pace {
        let Self { base, phases, progress, while_cancelling, cancelled_after } = self;
        let mut pace = base.as_ref().unwrap_or(pace).clone();
        let Pace {
            validating_for,
            in_progress_for,
            finalizing_for,
            cancelling_for,
            expiry_noticed_after,
            expiring_for,
            progress: _,
            while_cancelling: _,
            cancelled_after: _,
        } = &mut pace;
        let all = [
            validating_for,
            in_progress_for,
            finalizing_for,
            cancelling_for,
            expiry_noticed_after,
            expiring_for,
        ];
        for (phase, changed) in all.into_iter().zip(phases) {
            if let Some(duration) = changed {
                *phase = PaceDuration::Fixed(*duration);
            }
        }
        if let Some(progress) = progress {
            pace.progress = progress.clone();
        }
        if let Some(milestones) = while_cancelling {
            pace.while_cancelling = milestones.clone().into();
        }
        pace.cancelled_after = cancelled_after.or(pace.cancelled_after);
        pace
    }
}

/// A number of steps, or a list of milestones.
fn progress(entry: &Entry<'_>) -> Result<Progress, TomlError> {
    if entry.is_list() {
        return Ok(Progress::Milestones(milestones(entry)?.into()));
    }
    let steps = entry.integer(1..=1_000)?;
    Ok(Progress::Steps(u32::try_from(steps).unwrap_or(1)))
}

fn milestones(entry: &Entry<'_>) -> Result<Vec<Milestone>, TomlError> {
    let milestone = |table: Table<'_>| {
        table.allow_only(&["after", "ended"])?;
        let wanted = |key: &str| {
            table.get(key).ok_or_else(|| {
                table.refuse("a milestone is written `{ after = \"12h\", ended = \"10%\" }`, or with a number of lines")
            })
        };
        Ok(Milestone { after: whole_duration(&wanted("after")?)?, ended: amount(&wanted("ended")?)? })
    };
    entry.tables()?.into_iter().map(milestone).collect()
}

/// A number of lines, or a share such as `"10%"`.
fn amount(entry: &Entry<'_>) -> Result<Amount, TomlError> {
    let Ok(text) = entry.text() else {
        let lines = entry.integer(0..=i64::from(u32::MAX))?;
        return Ok(Amount::Lines(u32::try_from(lines).unwrap_or(u32::MAX)));
    };
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match percent {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Amount::Share(percent / 100.0)),
        _ => Err(entry
            .refuse("write a number of lines, such as `3`, or a share of them from `\"0%\"` to `\"100%\"`")),
    }
}
