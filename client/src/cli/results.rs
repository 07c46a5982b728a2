//! `results`: what became of the requests of a batch.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use batchmock_client::results::Splitter;
use batchmock_client::types::Batch;
use batchmock_client::{Client, Outcome, RunOptions};
use clap::{Args, ValueEnum};

use super::batches::until_interrupted;
use super::exit::{self, Failure};
use super::output::{self, talk};
use super::run::{allow, shown};
use super::service::ServiceArgs;
use super::show::ShowArgs;
use super::whole::{ForceArgs, WholeFile};

#[derive(Debug, Args)]
pub(super) struct ResultsArgs {
    /// The id of the batch.
    batch: String,

    /// The file of requests that the batch was made of.
    #[arg(long, value_name = "PATH", required_if_eq("order", "input"))]
    input: Option<PathBuf>,

    /// Where the results go; in the service's order, standard output if not given.
    #[arg(long, short, value_name = "PATH", required_if_eq("order", "input"))]
    output: Option<PathBuf>,

    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Input)]
    order: Order,

    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Order {
    /// A line for each line of the input, in its order; what no result tells of is said to be missing.
    Input,
    /// As the service has them: the output file, then the error file, to the letter.
    Output,
}

pub(super) async fn run(args: ResultsArgs) -> Result<ExitCode, Failure> {
    let ResultsArgs { batch, input, output, order, force, show, service } = args;
    if let Some(output) = &output {
        allow(output, force)?;
    }
    let client = service.client()?;
    let ended = client.batches().retrieve(&batch).await?;
    if !ended.status.is_terminal() {
        let status = ended.status.as_str();
        let message = format!("{batch} is {status}, and has no results yet; `watch` waits for its end");
        return Err(Failure::ended_otherwise(message));
    }
    match (order, input, output) {
        (Order::Input, Some(input), Some(output)) => {
            // Nothing is sent again: this is about what is there.
            let options = RunOptions { max_attempts: 1, any_endpoint: true, ..RunOptions::default() };
            let joining = client.run_file(&input, &output).adopt(batch).options(options);
            let joining = if force.force { joining.overwrite() } else { joining };
            shown(joining, &input, &output, show).await
        }
        (Order::Output, _, Some(path)) => {
            let to = WholeFile::create(&path, force)?;
            let at = |error| Failure::file(&path, error);
            let download = async |to: &mut WholeFile| copy(&client, &ended, to, at).await;
            until_interrupted(to.fill(service.retries(), download)).await
        }
        (Order::Output, _, None) => {
            let mut to = BufWriter::new(io::stdout());
            until_interrupted(copy(&client, &ended, &mut to, |error| output::unwritable(&error))).await
        }
        (Order::Input, ..) => unreachable!("the arguments require both paths"),
    }
}

/// Copies the results of a batch, and judges them.
async fn copy(
    client: &Client,
    batch: &Batch,
    to: &mut impl Write,
    at: impl Fn(io::Error) -> Failure,
) -> Result<ExitCode, Failure> {
    let (mut lines, mut succeeded) = (0, 0);
    for id in [&batch.output_file_id, &batch.error_file_id].into_iter().flatten() {
        let mut content = client.files().content(id).await?;
        let mut splitter = Splitter::new();
        let mut written = Ok(());
        let mut line = |line: &[u8]| {
            lines += 1;
            let read = std::str::from_utf8(line).ok().and_then(|line| Outcome::read(line).ok());
            succeeded += usize::from(read.is_some_and(|outcome| outcome.is_success()));
            if written.is_ok() {
                written = to.write_all(line).and_then(|()| to.write_all(b"\n"));
            }
        };
        while let Some(bytes) = content.next().await {
            let pushed = splitter.push(&bytes?, &mut line);
            pushed.map_err(|_| Failure::rejected(format!("{id} has a line without an end")))?;
        }
        splitter.finish(&mut line);
        written.map_err(&at)?;
    }
    to.flush().map_err(&at)?;
    talk!("{} of {} succeeded; the batch is {}", succeeded, lines, batch.status.as_str());
    let of_batch = exit::of_batch(batch);
    let some_failed = of_batch == ExitCode::SUCCESS && succeeded < lines;
    Ok(if some_failed { ExitCode::from(exit::SOME_FAILED) } else { of_batch })
}
