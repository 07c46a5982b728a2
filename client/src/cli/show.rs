//! What a run shows of itself: a bar on a terminal, lines without one, JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use batchmock_client::types::BatchUsage;
use batchmock_client::{Event, Progress, RealTime, Summary, Time as _, Usage};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::batches::progress as progress_of;
use super::output::{counted, talk, tell};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Progress")]
pub(super) struct ShowArgs {
    /// Prints what happens to standard output, one JSON object a line, the last with what it came to.
    #[arg(long)]
    json: bool,

    /// Says nothing but how it ended.
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,

    /// What a million tokens of input cost, in any currency: the cost is shown then.
    #[arg(long, value_name = "PRICE", value_parser = price)]
    price_input: Option<f64>,

    /// What a million tokens of output cost.
    #[arg(long, value_name = "PRICE", value_parser = price)]
    price_output: Option<f64>,
}

fn price(text: &str) -> Result<f64, String> {
    let price = text.parse::<f64>().ok().filter(|price| price.is_finite() && *price >= 0.0);
    price.ok_or_else(|| "it should be a number that is not below 0, such as 0.075".to_owned())
}

/// What shows a run.
pub(super) struct Show {
    args: ShowArgs,
    time: RealTime,
    bar: Option<ProgressBar>,
    /// What was last said of each batch, so that nothing is said twice.
    last: BTreeMap<usize, String>,
    /// What each batch has cost so far, as it says.
    usage: BTreeMap<usize, BatchUsage>,
}

impl Show {
    pub(super) fn new(args: ShowArgs) -> Self {
        let bar = (!args.json && !args.quiet && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {msg}");
            bar.set_style(style.expect("the template is well-formed"));
            bar
        });
        Self { args, time: RealTime::default(), bar, last: BTreeMap::new(), usage: BTreeMap::new() }
    }

    /// Shows what happens.
    pub(super) fn progress(&mut self, progress: &Progress<'_>) {
        if let Event::Looked { batch, shown } = progress.event
            && let Some(usage) = shown.usage
        {
            self.usage.insert(batch, usage);
        }
        if self.args.json {
            return tell!("{}", self.event(progress));
        }
        if self.args.quiet {
            return;
        }
        if let Some(bar) = &self.bar {
            bar.set_length(progress.requests as u64);
            bar.set_position(progress.done as u64);
            bar.set_message(self.state(progress));
        }
        if let Some(text) = self.line(progress) {
            match &self.bar {
                Some(bar) => bar.println(text),
                None => talk!("[{}] {text}", clock(self.time.elapsed())),
            }
        }
    }

    /// Clears what is shown until now.
    pub(super) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Shows what a run came to.
    pub(super) fn summary(&mut self, summary: &Summary) {
        self.end();
        let usage = summary.total_usage();
        let cost = self.cost(&usage);
        if self.args.json {
            let mut event = json!({
                "event": "summary",
                "requests": summary.requests,
                "succeeded": summary.succeeded,
                "failed": summary.failed,
                "expired": summary.expired,
                "cancelled": summary.cancelled,
                "missing": summary.missing,
                "usage": summary.usage,
                "batches": summary.batches.iter().map(|batch| json!({
                    "id": batch.id,
                    "status": batch.status.as_str(),
                    "requests": batch.requests,
                    "errors": batch.errors,
                })).collect::<Vec<_>>(),
            });
            if let Some(cost) = cost {
                event["cost"] = cost.into();
            }
            return tell!("{event}");
        }
        for batch in &summary.batches {
            for error in &batch.errors {
                let line = error.line.map(|line| format!("line {line}: ")).unwrap_or_default();
                talk!("{} refused: {line}{} ({})", batch.id, error.message, error.code);
            }
        }
        let mut text = format!("{} of {} succeeded", summary.succeeded, counted(summary.requests, "request"));
        let others = [
            (summary.failed, "failed"),
            (summary.expired, "expired"),
            (summary.cancelled, "cancelled"),
            (summary.missing, "missing"),
        ];
        for (number, what) in others.into_iter().filter(|(number, _)| *number > 0) {
            let _ = write!(text, ", {number} {what}");
        }
        let _ = write!(text, "; {} tokens in, {} out", usage.input_tokens, usage.output_tokens);
        if let Some(cost) = cost {
            let _ = write!(text, "; cost {cost:.4}");
        }
        talk!("{text}");
    }

    /// What tokens cost, if a price is known.
    fn cost(&self, usage: &Usage) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a price is no more precise")]
        let of = |tokens: u64, price: Option<f64>| tokens as f64 * price.unwrap_or_default() / 1e6;
        let ShowArgs { price_input, price_output, .. } = self.args;
        price_input.or(price_output)?;
        Some(of(usage.input_tokens, price_input) + of(usage.output_tokens, price_output))
    }

    /// What stands beside the bar.
    fn state(&self, progress: &Progress<'_>) -> String {
        let mut text = format!("{} failed, {}/{} batches", progress.failed, progress.ended, progress.batches);
        let so_far = self.cost(&self.usage());
        if let Some(cost) = so_far {
            let _ = write!(text, ", cost {cost:.4}");
        }
        text
    }

    /// What all batches say they have cost.
    fn usage(&self) -> Usage {
        let mut total = Usage::default();
        for usage in self.usage.values() {
            total.input_tokens += usage.input_tokens;
            total.output_tokens += usage.output_tokens;
        }
        total
    }

    /// What is new, for people; `None` if it was said before, or is of no interest.
    fn line(&mut self, progress: &Progress<'_>) -> Option<String> {
        let of = |batch: usize, text: String| Some(format!("batch {}: {text}", batch + 1));
        match &progress.event {
            Event::Checked { bytes, resumed } => {
                let input = format!("{}, {bytes} bytes", counted(progress.requests, "request"));
                Some(if *resumed { format!("{input}; going on where it was") } else { input })
            }
            Event::Planned { batch, requests, attempt: 0 } => of(*batch, counted(*requests, "request")),
            Event::Planned { batch, requests, attempt } => {
                let requests = counted(*requests, "request");
                of(*batch, format!("{requests} once more, attempt {}", attempt + 1))
            }
            Event::Uploading { batch, bytes } => of(*batch, format!("uploading {bytes} bytes")),
            Event::Uploaded { batch, file_id } => of(*batch, format!("uploaded as {file_id}")),
            Event::Created { batch, id } => of(*batch, format!("created as {id}")),
            Event::Deferred { batch, why, pause } => {
                of(*batch, format!("put off for {}: {why}", clock(*pause)))
            }
            Event::Failed { error, pause } => Some(format!("{error}; once more in {}", clock(*pause))),
            Event::Looked { batch, shown } => {
                let now = progress_of(shown);
                if self.last.get(batch) == Some(&now) {
                    return None;
                }
                self.last.insert(*batch, now.clone());
                of(*batch, now)
            }
            Event::Fetching { batch, file_id } => of(*batch, format!("fetching {file_id}")),
            Event::Writing => Some("writing the results".to_owned()),
            // What is begun or ended right before or after something that is told, and what later versions add.
            Event::Creating { .. } | Event::Fetched { .. } | Event::Written | _ => None,
        }
    }

    /// What is new, for programs.
    fn event(&self, progress: &Progress<'_>) -> Value {
        let seconds = |pause: &Duration| pause.as_secs_f64();
        let mut event = match &progress.event {
            Event::Checked { bytes, resumed } => {
                json!({"event": "checked", "bytes": bytes, "resumed": resumed})
            }
            Event::Planned { batch, requests, attempt } => {
                json!({"event": "planned", "batch": batch, "batch_requests": requests, "attempt": attempt})
            }
            Event::Uploading { batch, bytes } => {
                json!({"event": "uploading", "batch": batch, "bytes": bytes})
            }
            Event::Uploaded { batch, file_id } => {
                json!({"event": "uploaded", "batch": batch, "file_id": file_id})
            }
            Event::Creating { batch } => json!({"event": "creating", "batch": batch}),
            Event::Created { batch, id } => json!({"event": "created", "batch": batch, "id": id}),
            Event::Deferred { batch, why, pause } => {
                json!({"event": "deferred", "batch": batch, "why": why, "pause": seconds(pause)})
            }
            Event::Failed { error, pause } => {
                json!({"event": "failed", "error": error.to_string(), "pause": seconds(pause)})
            }
            Event::Looked { batch, shown } => {
                json!({"event": "looked", "batch": batch, "id": shown.id, "status": shown.status.as_str()})
            }
            Event::Fetching { batch, file_id } => {
                json!({"event": "fetching", "batch": batch, "file_id": file_id})
            }
            Event::Fetched { batch } => json!({"event": "fetched", "batch": batch}),
            Event::Writing => json!({"event": "writing"}),
            Event::Written => json!({"event": "written"}),
            _ => json!({"event": "other"}),
        };
        event["requests"] = progress.requests.into();
        event["done"] = progress.done.into();
        event["requests_failed"] = progress.failed.into();
        event["elapsed"] = self.time.elapsed().as_secs_f64().into();
        if let Some(cost) = self.cost(&self.usage()) {
            event["cost"] = cost.into();
        }
        event
    }
}

/// A time as minutes and seconds, with hours where there are any.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
