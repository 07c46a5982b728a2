//! `batchmock journal`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::control::TargetArgs;
use super::exit::Failure;
use super::mock_args::duration;
use super::output::tell;

/// How many entries are asked for at a time.
const PAGE: usize = 1_000;

#[derive(Debug, Args)]
pub(super) struct JournalArgs {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    filter: FilterArgs,

    /// Wait until this many entries match, exchanges among them that are over, and fail if they do not come.
    #[arg(long, value_name = "N", conflicts_with = "clear")]
    wait: Option<u64>,

    /// Wait this long at most.
    #[arg(long = "for", value_name = "DURATION", requires = "wait", value_parser = duration, default_value = "10s")]
    waits_for: Duration,

    /// Write the exchanges to a file in the format HAR 1.2, which browsers and proxies read.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "clear"])]
    har: Option<PathBuf>,

    /// Print entries as JSON, one a line, and with all that is known of them.
    #[arg(long)]
    json: bool,

    /// Forget all entries.
    #[arg(long, conflicts_with_all = ["json", "kind", "operation", "id", "status", "outcome", "note", "since"])]
    clear: bool,
}

/// Which entries. What they can be the mock knows, and says if it is asked for something else.
#[derive(Debug, Args)]
#[command(next_help_heading = "Entries")]
struct FilterArgs {
    /// Only entries of this kind: `exchange`, `event` or `note`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Only exchanges that ask for this, such as `create_batch`.
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,

    /// Only entries about this batch, file, upload or model.
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// Only exchanges with this status, such as `429`, or events after which a batch has this one, such as `completed`.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,

    /// Only exchanges that went so: `sent`, `client_left`, `broken_off` or `pending`.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,

    /// Only notes about this mistake, such as `poll-after-end`.
    #[arg(long, value_name = "NAME")]
    note: Option<String>,

    /// Only entries with this number or a higher one.
    #[arg(long, value_name = "NUMBER")]
    since: Option<u64>,
}

/// Shows the journal, waits for it, saves it, or clears it.
pub(super) async fn run(args: JournalArgs) -> Result<ExitCode, Failure> {
    let JournalArgs { target, filter, wait, waits_for, har, json, clear } = args;
    if clear {
        target.ask(Method::DELETE, "/journal", None).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut query = filter.query();
    let mut code = ExitCode::SUCCESS;
    if let Some(count) = wait {
        let mut query = query.clone();
        query.extend([("count", count.to_string()), ("limit", "0".to_owned())]);
        query.push(("for", humantime::format_duration(waits_for).to_string()));
        let waited = target.ask_by_query(Method::GET, "/journal/wait", &query, waits_for).await?;
        if waited["reached"] != true {
            let message = format!(
                "{} of {count} entries came in {}",
                waited["n_matching"],
                humantime::format_duration(waits_for)
            );
            code = Failure::in_vain(message).report();
        }
    }
    if let Some(file) = har {
        let document = target.ask_by_query(Method::GET, "/journal/har", &query, Duration::ZERO).await?;
        write_har(&file, &document)?;
        return Ok(code);
    }
    let mut since = filter.since.unwrap_or(0);
    query.retain(|(name, _)| *name != "since");
    loop {
        let mut page = query.clone();
        page.extend([("since", since.to_string()), ("limit", PAGE.to_string())]);
        let page = target.ask_by_query(Method::GET, "/journal", &page, Duration::ZERO).await?;
        for entry in page["entries"].as_array().into_iter().flatten() {
            if json {
                tell!("{entry}");
            } else {
                tell_entry(entry);
            }
        }
        since = page["next"].as_u64().unwrap_or(since);
        if page["has_more"] != true {
            return Ok(code);
        }
    }
}

impl FilterArgs {
    fn query(&self) -> Vec<(&'static str, String)> {
        let Self { kind, operation, id, status, outcome, note, since } = self;
        let since = since.map(|since| since.to_string());
        let given = [
            ("kind", kind),
            ("operation", operation),
            ("id", id),
            ("status", status),
            ("outcome", outcome),
            ("note", note),
            ("since", &since),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

fn tell_entry(entry: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = entry["number"].as_u64().unwrap_or_default();
    let (at, kind) = (text(&entry["at"]["rfc3339"]), text(&entry["kind"]));
    tell!("{number:>5}  {at}  {kind:<8}  {}", text(&entry["summary"]));
}

fn write_har(file: &Path, document: &Value) -> Result<(), Failure> {
    let cannot =
        |why: &dyn std::error::Error| Failure::file(format!("cannot write {}: {why}", file.display()));
    let bytes = serde_json::to_vec_pretty(document).map_err(|error| cannot(&error))?;
    std::fs::write(file, bytes).map_err(|error| cannot(&error))
}
