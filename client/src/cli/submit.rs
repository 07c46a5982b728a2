//! `submit`: a batch of an input, and no more.

use std::path::PathBuf;
use std::process::ExitCode;

use batchmock_client::requests::check_file;
use batchmock_client::{NewBatch, NewFile};
use clap::Args;

use super::check;
use super::exit::Failure;
use super::output::{NAME, counted, talk, tell};
use super::service::{ServiceArgs, pair};

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    /// The file of requests, one JSON object a line, all for one endpoint and one model.
    input: PathBuf,

    /// Attaches something to the batch; can be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: SubmitArgs) -> Result<ExitCode, Failure> {
    let SubmitArgs { input, metadata, service } = args;
    let client = service.client()?;
    let checked = check_file(&input).map_err(|error| check::failure(&input, error))?;
    let groups: Vec<_> = checked.groups().collect();
    let &[(endpoint, _)] = &groups[..] else {
        let all: Vec<_> = groups.iter().map(|(endpoint, model)| format!("{endpoint} with {model}")).collect();
        return Err(Failure::rejected(format!(
            "{} is for more than one endpoint or model, and a batch for one: {}; `{NAME} run` divides it",
            input.display(),
            all.join(", "),
        )));
    };
    let file = client.files().upload(NewFile::from_path(&input)).await?;
    talk!("{}: uploaded as {}", counted(checked.requests(), "request"), file.id);
    let new = metadata
        .into_iter()
        .fold(NewBatch::new(&file.id, endpoint), |batch, (key, value)| batch.metadata(key, value));
    // Nothing else has the name of this upload, so a batch whose acknowledgement gets lost is found by it.
    let batch = client.batches().create_once(&new, &file.id).await?;
    tell!("{}", batch.id);
    Ok(ExitCode::SUCCESS)
}
