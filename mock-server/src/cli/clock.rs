//! `batchmock clock`

use std::process::ExitCode;

use batchmock::ClockMode;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::control::TargetArgs;
use super::exit::Failure;
use super::output::tell;

#[derive(Debug, Args)]
pub(super) struct ClockArgs {
    #[command(flatten)]
    target: TargetArgs,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the time, how the clock moves, and when a batch changes next (the default).
    Show,
    /// Move the clock ahead, and print what came due.
    Advance(AdvanceArgs),
    /// Set how the clock moves from now on.
    Set {
        /// `real`, `frozen`, `stepping` or `scaled:FACTOR`.
        mode: ClockMode,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct AdvanceArgs {
    /// Move by a duration, such as `26h` or `1h 30m`.
    #[arg(value_name = "DURATION")]
    by: Option<String>,

    /// Move to a time, such as `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// Move to when a batch has a status, such as `batch_…=completed`.
    #[arg(long, value_name = "BATCH=STATUS", value_parser = goal)]
    until: Option<(String, String)>,

    /// Move to the next change of any batch.
    #[arg(long)]
    next: bool,
}

/// Shows or moves the clock.
pub(super) async fn run(args: ClockArgs) -> Result<ExitCode, Failure> {
    let target = &args.target;
    match args.action.unwrap_or(Action::Show) {
        Action::Show => show(&target.ask(Method::GET, "/clock", None).await?),
        Action::Set { mode } => {
            let body = json!({ "mode": mode.to_string() });
            show(&target.ask(Method::PUT, "/clock", Some(&body)).await?);
        }
        Action::Advance(advance) => {
            let body = advance.body();
            tell_advance(&target.ask(Method::POST, "/clock/advance", Some(&body)).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl AdvanceArgs {
    fn body(self) -> Value {
        match self {
            Self { by: Some(by), .. } => json!({ "by": by }),
            Self { to: Some(to), .. } => json!({ "to": to }),
            Self { until: Some((batch_id, status)), .. } => {
                json!({ "until": { "batch_id": batch_id, "status": status } })
            }
            Self { .. } => json!({ "until": "next_change" }),
        }
    }
}

fn goal(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((batch_id, status)) if !batch_id.is_empty() && !status.is_empty() => {
            Ok((batch_id.to_owned(), status.to_owned()))
        }
        _ => Err("write the id of a batch, `=` and a status"),
    }
}

fn show(clock: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let next = match clock["next_change_at"]["rfc3339"].as_str() {
        None => "no change to come".to_owned(),
        Some(next) => format!("next change at {next}"),
    };
    tell!("{} ({}), {next}", text(&clock["now"]["rfc3339"]), text(&clock["mode"]));
}

fn tell_advance(advance: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for due in advance["came_due"].as_array().into_iter().flatten() {
        let at = text(&due["at"]["rfc3339"]);
        if due["what"] == "file_expired" {
            tell!("{at}  {}  expired", text(&due["file_id"]));
        } else {
            let counts = &due["request_counts"];
            tell!(
                "{at}  {}  {}  {} completed, {} failed of {}",
                text(&due["batch_id"]),
                text(&due["status"]),
                counts["completed"],
                counts["failed"],
                counts["total"]
            );
        }
    }
    tell!("{}", text(&advance["to"]["rfc3339"]));
}
