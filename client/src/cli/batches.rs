//! `status`, `watch`, `cancel` and `list`: batches by themselves.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use batchmock_client::types::Batch;
use batchmock_client::{Received, Time as _};
use clap::Args;

use super::exit::{self, Failure};
use super::output::{counted, talk, tell};
use super::service::ServiceArgs;
use super::show::clock;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The id of the batch.
    batch: String,

    /// Prints what the service says, to the letter.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Prints what the service says, a line for each batch.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let batch = args.service.client()?.batches().retrieve(&args.batch).await?;
    show(&batch, args.json);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn cancel(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let batch = args.service.client()?.batches().cancel(&args.batch).await?;
    show(&batch, args.json);
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn watch(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let client = args.service.client()?;
    let time = batchmock_client::RealTime::default();
    let mut last = String::new();
    let wait = client.batches().wait(&args.batch).on_look(|batch| {
        let now = progress(batch);
        if now != last {
            talk!("[{}] {now}", clock(time.elapsed()));
            last = now;
        }
    });
    let batch = tokio::select! {
        // First, so that it is listened for before anything is done.
        biased;
        () = interrupt() => {
            return Err(Failure::interrupted("interrupted; the batch goes on without being watched"));
        }
        batch = wait => batch?,
    };
    show(&batch, args.json);
    Ok(exit::of_batch(&batch))
}

pub(super) async fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let client = args.service.client()?;
    let page = u32::try_from(args.limit.clamp(1, 100)).unwrap_or(100);
    let mut batches = client.batches().list_of(page);
    for _ in 0..args.limit {
        let Some(batch) = batches.next().await.transpose()? else { break };
        if args.json {
            tell!("{}", one_line(batch.raw()));
        } else {
            let counts = batch.request_counts.unwrap_or_default();
            tell!(
                "{}  {:<11}  {}/{} done, {} failed  {}  {}",
                batch.id,
                batch.status.as_str(),
                counts.completed + counts.failed,
                counts.total,
                counts.failed,
                date(batch.created_at),
                batch.endpoint,
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Until the user wants no more. Where the system cannot tell, that is never.
pub(super) async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Does something unless the user wants no more; then nothing is left of what was half done.
pub(super) async fn until_interrupted(
    doing: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    tokio::select! {
        biased;
        () = interrupt() => Err(Failure::interrupted("interrupted")),
        done = doing => done,
    }
}

/// How far a batch is.
pub(super) fn progress(batch: &Batch) -> String {
    let mut text = batch.status.as_str().to_owned();
    if let Some(counts) = batch.request_counts.filter(|counts| counts.total > 0) {
        let _ = write!(text, ", {} of {} done", counts.completed + counts.failed, counts.total);
        if counts.failed > 0 {
            let _ = write!(text, ", {} failed", counts.failed);
        }
    }
    text
}

/// JSON without its line ends, which in JSON stand between values only.
pub(super) fn one_line(json: &str) -> String {
    json.lines().map(str::trim_start).collect()
}

/// A time of the service.
pub(super) fn date(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    UNIX_EPOCH.checked_add(since).map_or_else(
        || seconds.to_string(),
        |time| {
            // A time that no calendar has is no reason to end.
            let mut text = String::new();
            match write!(text, "{}", humantime::format_rfc3339_seconds(time)) {
                Ok(()) => text,
                Err(_) => seconds.to_string(),
            }
        },
    )
}

/// A batch as data.
pub(super) fn show(batch: &Received<Batch>, json: bool) {
    if json {
        tell!("{}", one_line(batch.raw()));
        return;
    }
    let mut text = format!("{}: {}", batch.id, progress(batch));
    let mut row = |name: &str, value: &str| {
        let _ = write!(text, "\n  {name:<9} {value}");
    };
    row("endpoint", &batch.endpoint);
    row("created", &date(batch.created_at));
    row("input", &batch.input_file_id);
    if let Some(id) = &batch.output_file_id {
        row("output", id);
    }
    if let Some(id) = &batch.error_file_id {
        row("errors", id);
    }
    if let Some(usage) = &batch.usage {
        row("tokens", &format!("{} in, {} out", usage.input_tokens, usage.output_tokens));
    }
    if let Some(errors) = &batch.errors {
        row("refused", &format!("for {}", counted(errors.data.len(), "reason")));
        for error in &errors.data {
            let line = error.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            let _ = write!(text, "\n    {line}{} ({})", error.message, error.code);
        }
    }
    tell!("{text}");
}
