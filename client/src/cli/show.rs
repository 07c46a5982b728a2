//! What a run shows of itself: a bar on a terminal, lines without one, JSON for programs.

mod events;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use batchmock_client::types::BatchUsage;
use batchmock_client::{Event, Problem, Progress, RealTime, Summary, Time as _, Usage};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::batches::progress as progress_of;
use super::exit::Failure;
use super::output::{self, counted, talk};
use events::{Account, HowFar, Line, Told};

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
    /// What each batch is at.
    at: BTreeMap<usize, String>,
    /// What was last said of each batch, so that nothing is said twice.
    last: BTreeMap<usize, String>,
    /// What each batch has cost so far, as it says.
    usage: BTreeMap<usize, BatchUsage>,
    /// How many events were told.
    number: u64,
    /// Whether nobody reads them any more.
    is_left: bool,
}

impl Show {
    pub(super) fn new(args: ShowArgs) -> Self {
        let bar = (!args.json && !args.quiet && stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {msg}");
            bar.set_style(style.expect("the template is well-formed"));
            // The time goes on while nothing else does.
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        });
        let time = RealTime::default();
        let (at, last, usage) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { args, time, bar, at, last, usage, number: 0, is_left: false }
    }

    /// Shows what happens.
    pub(super) fn progress(&mut self, progress: &Progress<'_>) {
        if let Event::Looked { batch, shown } = progress.event
            && let Some(usage) = shown.usage
        {
            self.usage.insert(batch, usage);
        }
        if self.args.json {
            let cost = self.cost(&self.usage());
            return self.event(Told::of(&progress.event), Some(HowFar::of(progress)), cost);
        }
        if self.args.quiet {
            return;
        }
        self.place(&progress.event);
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

    /// Shows why a run did not come to an end, where that is not said to people alone.
    pub(super) fn failure(&mut self, failure: &Failure, problems: &[Problem]) {
        self.end();
        if self.args.json {
            let (exit_code, message) = (failure.code(), failure.message());
            let problems = problems.iter().map(Into::into).collect();
            let cost = self.cost(&self.usage());
            self.event(Told::Error { exit_code, message, problems }, None, cost);
        }
    }

    /// Shows what a run came to.
    pub(super) fn summary(&mut self, summary: &Summary, exit_code: u8) {
        self.end();
        let usage = summary.total_usage();
        let cost = self.cost(&usage);
        if self.args.json {
            return self.event(Told::Summary(Account::of(summary, exit_code)), None, cost);
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
            let _ = write!(text, "; cost {}", money(cost));
        }
        talk!("{text}");
    }

    fn event(&mut self, event: Told<'_>, progress: Option<HowFar>, cost: Option<f64>) {
        if self.is_left {
            return;
        }
        self.number += 1;
        let line =
            Line { number: self.number, elapsed: self.time.elapsed().as_secs_f64(), event, progress, cost };
        let text =
            serde_json::to_string(&line).expect("events have keys of text, and numbers that are finite");
        // Who has heard enough does not want the work undone.
        self.is_left = !output::offer(format!("{text}\n").as_bytes());
    }

    /// What tokens cost, if a price is known.
    fn cost(&self, usage: &Usage) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a price is no more precise")]
        let of = |tokens: u64, price: Option<f64>| tokens as f64 * price.unwrap_or_default() / 1e6;
        let ShowArgs { price_input, price_output, .. } = self.args;
        price_input.or(price_output)?;
        Some(of(usage.input_tokens, price_input) + of(usage.output_tokens, price_output))
    }

    /// Keeps what batches are at.
    fn place(&mut self, event: &Event<'_>) {
        let (batch, at) = match event {
            Event::Uploading { batch, .. } => (*batch, "uploading".to_owned()),
            Event::Sent { batch, bytes, sent } => {
                (*batch, format!("uploading {} of {}", mega(*sent), mega(*bytes)))
            }
            Event::Creating { batch } => (*batch, "creating".to_owned()),
            Event::Deferred { batch, pause, .. } if !pause.is_zero() => (*batch, "put off".to_owned()),
            Event::Looked { batch, shown } => (*batch, shown.status.as_str().to_owned()),
            Event::Fetching { batch, .. } => (*batch, "fetching".to_owned()),
            // It is over, or its requests are divided among others.
            Event::Fetched { batch } | Event::Deferred { batch, .. } => {
                self.at.remove(batch);
                return;
            }
            Event::Checked { .. }
            | Event::Planned { .. }
            | Event::Uploaded { .. }
            | Event::Created { .. }
            | Event::Failed { .. }
            | Event::Writing
            | Event::Written
            | _ => return,
        };
        self.at.insert(batch, at);
    }

    /// What stands beside the bar.
    fn state(&self, progress: &Progress<'_>) -> String {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for at in self.at.values() {
            *places.entry(at).or_default() += 1;
        }
        let one =
            |(at, number): (&str, usize)| if number == 1 { at.to_owned() } else { format!("{number} {at}") };
        let mut all: Vec<_> = places.into_iter().map(one).collect();
        if progress.failed > 0 {
            all.push(format!("{} failed", progress.failed));
        }
        if progress.batches > 1 {
            all.push(format!("{}/{} batches", progress.ended, progress.batches));
        }
        if let Some(cost) = self.cost(&self.usage()) {
            all.push(format!("cost {}", money(cost)));
        }
        all.join(", ")
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
            // A bar shows it anyhow; lines, each quarter.
            Event::Sent { batch, bytes, sent } if self.bar.is_none() => {
                let quarter = sent * 4 / bytes.max(&1);
                let text = format!("{}% sent", quarter * 25);
                self.is_new(*batch, &text).filter(|_| quarter > 0).and_then(|text| of(*batch, text))
            }
            Event::Uploaded { batch, file_id } => of(*batch, format!("uploaded as {file_id}")),
            Event::Created { batch, id } => of(*batch, format!("created as {id}")),
            Event::Deferred { batch, why, pause } => {
                of(*batch, format!("put off for {}: {why}", clock(*pause)))
            }
            Event::Failed { error, pause } => Some(format!("{error}; once more in {}", clock(*pause))),
            Event::Looked { batch, shown } => {
                self.is_new(*batch, &progress_of(shown)).and_then(|text| of(*batch, text))
            }
            Event::Fetching { batch, file_id } => of(*batch, format!("fetching {file_id}")),
            Event::Writing => Some("writing the results".to_owned()),
            // What is begun or ended right before or after something that is told, and what later versions add.
            Event::Sent { .. } | Event::Creating { .. } | Event::Fetched { .. } | Event::Written | _ => None,
        }
    }

    /// What is to be said of a batch, if it was not said last.
    fn is_new(&mut self, batch: usize, text: &str) -> Option<String> {
        if self.last.get(&batch).is_some_and(|last| last == text) {
            return None;
        }
        self.last.insert(batch, text.to_owned());
        Some(text.to_owned())
    }
}

/// A cost, of which there is little as a rule.
fn money(cost: f64) -> String {
    if cost > 0.0 && cost < 0.01 { format!("{cost:.6}") } else { format!("{cost:.4}") }
}

/// Bytes as megabytes.
fn mega(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

/// A time as minutes and seconds, with hours where there are any.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}
