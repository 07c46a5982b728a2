//! `batchmock export` and `batchmock import`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method, Response};
use serde_json::Value;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::control::{TargetArgs, reason};
use super::exit::Failure;
use super::output::tell;

/// How much of a file is read at a time.
const CHUNK: usize = 256 * 1024;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Where to write the world; a file that is there is replaced.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// The world, as `batchmock export` has written it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Writes the world of a key to a file.
pub(super) async fn export(args: ExportArgs) -> Result<ExitCode, Failure> {
    let path = &args.output;
    let answer = args.target.answer(args.target.request(Method::GET, "/world")?).await?;
    // Nobody finds half of a world under the name that was asked for.
    let mut part = path.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = save(answer, &part).await;
    let written = match written {
        Ok(()) => tokio::fs::rename(&part, path).await.map_err(|error| unwritable(path, &error)),
        Err(error) => Err(error),
    };
    if written.is_err() {
        // It may not be there at all.
        let _ = tokio::fs::remove_file(&part).await;
    }
    written?;
    tell!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}

async fn save(answer: Response, path: &Path) -> Result<(), Failure> {
    let mut file = File::create(path).await.map_err(|error| unwritable(path, &error))?;
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|error| Failure::unreachable(format!("the mock broke off: {}", reason(&error))))?;
        file.write_all(&chunk).await.map_err(|error| unwritable(path, &error))?;
    }
    file.sync_all().await.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::file(format!("cannot write {}: {error}", path.display()))
}

/// Lets the world in a file take the place of that of a key.
pub(super) async fn import(args: ImportArgs) -> Result<ExitCode, Failure> {
    let path = &args.file;
    let unreadable =
        |error: std::io::Error| Failure::file(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).await.map_err(unreadable)?;
    if file.metadata().await.map_err(unreadable)?.is_dir() {
        return Err(Failure::file(format!("{} is a directory, and not a world", path.display())));
    }
    let chunks = stream::try_unfold(file, async |mut file: File| {
        let mut chunk = vec![0; CHUNK];
        let n = file.read(&mut chunk).await?;
        chunk.truncate(n);
        Ok::<_, std::io::Error>((n > 0).then_some((chunk, file)))
    });
    let request = args.target.request(Method::PUT, "/world")?.body(Body::wrap_stream(chunks));
    let clock: Value = args
        .target
        .answer(request)
        .await?
        .json()
        .await
        .map_err(|error| Failure::unreachable(format!("the mock broke off: {}", reason(&error))))?;
    let now = clock["now"]["rfc3339"].as_str().unwrap_or_default();
    tell!("{} is there; its clock shows {now}", path.display());
    Ok(ExitCode::SUCCESS)
}
