//! What happens in a scenario, as a table.

use std::fmt;
use std::time::Duration;

use super::Scenario;
use crate::answers::RuleTrial;
use crate::sim::{
    Intervention, InterventionKind, LineFate, Observation, Pace, Plan, Seed, Timestamp, Workload,
};

/// What happens to one batch in a scenario: each change, with the time since its creation. It prints as a table.
#[derive(Debug, Clone)]
pub struct Timeline {
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
struct Row {
    after: Duration,
    status: String,
    observation: Observation,
    /// Whether the client cancels here.
    is_cancelled_here: bool,
}

/// How many lines the example has unless the scenario says it.
const N_LINES: u32 = 10;

impl Scenario {
    /// What happens to a batch of so many lines of chat, or of as many as the scenario is shown with, on a server that
    /// has every setting at its default. If somebody has to cancel the batch for something to happen, somebody does.
    pub fn timeline(&self, n_lines: Option<u32>) -> Timeline {
        let n_lines = n_lines.or(self.parts.example.n_lines).unwrap_or(N_LINES);
        let created_at = Timestamp::from_unix_seconds(0);
        let workload = if self.problems().is_empty() {
            Workload::Accepted(self.fates(n_lines))
        } else {
            Workload::Rejected
        };
        let pace = self.pace(&Pace::QUICK);
        // Who cancels it in any case need not be helped.
        let cancel_after = self.parts.example.cancel_after.filter(|_| pace.cancelled_after.is_none());
        let cancel =
            cancel_after.map(|after| Intervention { at: created_at + after, kind: InterventionKind::Cancel });
        let interventions: Vec<_> = cancel.into_iter().collect();
        let plan = Plan::new(&workload, &pace, Seed::new(0), created_at);

        let mut rows = Vec::new();
        let mut at = Some(created_at);
        while let Some(now) = at {
            let observation = plan.observe(&interventions, now);
            rows.push(Row {
                after: now.since(created_at),
                status: self.word(observation.status).to_owned(),
                observation,
                is_cancelled_here: cancel.is_some_and(|cancel| cancel.at == now),
            });
            let cancelled = cancel.map(|cancel| cancel.at).filter(|at| *at > now);
            at = plan.next_change(&interventions, now).into_iter().chain(cancelled).min();
        }
        Timeline { rows }
    }

    /// How so many plain lines end.
    fn fates(&self, n_lines: u32) -> Vec<LineFate> {
        let mut trial = RuleTrial::new(self.rules().cloned().unwrap_or_default());
        (1..=n_lines)
            .map(|number| {
                let line = format!(
                    r#"{{"custom_id": "line-{number}", "method": "POST", "url": "/v1/chat/completions", "body": {{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "{number}"}}]}}}}"#
                );
                let fails = trial.next_line(&line).is_ok_and(|tried| tried.fails);
                if fails { LineFate::Fails } else { LineFate::Succeeds }
            })
            .collect()
    }
}

/// A duration in hours, as windows are told: `T+24h 30m`.
fn since_creation(after: Duration) -> String {
    let (hours, rest) = (after.as_secs() / 3_600, after.as_secs() % 3_600);
    let units = [(hours, "h"), (rest / 60, "m"), (rest % 60, "s"), (u64::from(after.subsec_millis()), "ms")];
    let told: Vec<_> = units.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if told.is_empty() { "T+0s".to_owned() } else { format!("T+{}", told.join(" ")) }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times: Vec<_> = self.rows.iter().map(|row| since_creation(row.after)).collect();
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let time_width = widest(&mut times.iter().map(String::len)).max("time".len());
        let status_width = widest(&mut self.rows.iter().map(|row| row.status.len())).max("status".len());
        writeln!(
            f,
            "{:<time_width$}  {:<status_width$}  {:>5} {:>9} {:>6}  files",
            "time", "status", "total", "completed", "failed"
        )?;
        for (row, time) in self.rows.iter().zip(times) {
            let Row { status, observation, is_cancelled_here, .. } = row;
            let counts = observation.counts;
            let files = match (observation.has_output_file, observation.has_error_file) {
                (true, true) => "output, error",
                (true, false) => "output",
                (false, true) => "error",
                (false, false) => "-",
            };
            let note = if *is_cancelled_here { "  (the client cancels)" } else { "" };
            writeln!(
                f,
                "{time:<time_width$}  {status:<status_width$}  {:>5} {:>9} {:>6}  {files}{note}",
                counts.total, counts.completed, counts.failed
            )?;
        }
        Ok(())
    }
}
