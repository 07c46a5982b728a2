//! `files`: the files of an account.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use batchmock_client::types::{File, Purpose};
use batchmock_client::{Client, NewFile, Received};
use clap::{Args, Subcommand};

use super::batches::{date, one_line};
use super::exit::Failure;
use super::output::{self, tell};
use super::service::ServiceArgs;
use super::whole::{ForceArgs, WholeFile};

#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Upload a file, and print its id.
    Upload(UploadArgs),
    /// List files, newest first.
    List(ListArgs),
    /// Show a file.
    Get(GetArgs),
    /// Download the bytes of a file.
    Content(ContentArgs),
    /// Delete a file.
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct UploadArgs {
    /// The file.
    path: PathBuf,
    /// What it is for.
    #[arg(long, value_name = "PURPOSE", default_value = "batch")]
    purpose: String,
    /// Has the service delete it so many seconds after it was uploaded: 3600 to 2592000.
    #[arg(long, value_name = "SECONDS")]
    expires_after: Option<u32>,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Only those for this.
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<String>,
    /// Prints what the service says, a line for each file.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
struct GetArgs {
    /// The id of the file.
    file: String,
    /// Prints what the service says, to the letter.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
struct ContentArgs {
    /// The id of the file.
    file: String,
    /// Where the bytes go; standard output if not given.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// The id of the file.
    file: String,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: FilesArgs) -> Result<ExitCode, Failure> {
    match args.command {
        Command::Upload(UploadArgs { path, purpose, expires_after, service }) => {
            let mut new = NewFile::from_path(path).purpose(purpose);
            if let Some(seconds) = expires_after {
                new = new.expires_after(seconds);
            }
            tell!("{}", service.client()?.files().upload(new).await?.id);
        }
        Command::List(ListArgs { limit, purpose, json, service }) => {
            let client = service.client()?;
            let mut files = match purpose {
                Some(purpose) => client.files().list_of(&Purpose::from(purpose)),
                None => client.files().list(),
            };
            for _ in 0..limit {
                let Some(file) = files.next().await.transpose()? else { break };
                show(&file, json);
            }
        }
        Command::Get(GetArgs { file, json, service }) => {
            show(&service.client()?.files().retrieve(&file).await?, json);
        }
        Command::Content(ContentArgs { file, output, force, service }) => {
            let client = service.client()?;
            if let Some(path) = output {
                let to = WholeFile::create(&path, force)?;
                let at = |error| Failure::file(&path, error);
                let download = async |to: &mut WholeFile| {
                    copy(&client, &file, |bytes| to.write_all(bytes).map_err(at)).await
                };
                to.fill(service.retries(), download).await?;
            } else {
                let tell = |bytes: &[u8]| {
                    output::write(bytes);
                    Ok(())
                };
                copy(&client, &file, tell).await?;
            }
        }
        Command::Delete(DeleteArgs { file, service }) => {
            tell!("{} is deleted", service.client()?.files().delete(&file).await?.id);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the bytes of a file as they come.
async fn copy(
    client: &Client,
    id: &str,
    mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut content = client.files().content(id).await?;
    while let Some(bytes) = content.next().await {
        write(&bytes?)?;
    }
    Ok(())
}

fn show(file: &Received<File>, json: bool) {
    if json {
        tell!("{}", one_line(file.raw()));
    } else {
        let (id, purpose) = (&file.id, file.purpose.as_str());
        tell!("{id}  {purpose:<12}  {:>12}  {}  {}", file.bytes, date(file.created_at), file.filename);
    }
}
