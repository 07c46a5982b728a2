//! `submit`: a batch of an input, and no more.

use std::path::PathBuf;
use std::process::ExitCode;

use batchmock_client::requests::Checks;
use batchmock_client::{NewBatch, NewFile};
use clap::Args;

use super::check::{self, EndpointArgs};
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
    endpoints: EndpointArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

pub(super) async fn run(args: SubmitArgs) -> Result<ExitCode, Failure> {
    let SubmitArgs { input, metadata, endpoints: EndpointArgs { any_endpoint }, service } = args;
    let client = service.client()?;
    let checks = Checks { is_one_batch: true, any_endpoint, ..Checks::default() };
    let checked = checks.file(&input).map_err(|error| {
        let is_for_several =
            error.is_input() && Checks { is_one_batch: false, ..checks }.file(&input).is_ok();
        let failure = check::failure(&input, error);
        if is_for_several {
            failure.with(format!("`{NAME} run` takes what one batch does not"))
        } else {
            failure
        }
    })?;
    let (endpoint, _) = checked.groups().next().expect("an input without requests is a problem");
    let files = client.files();
    // What is taken although its acknowledgement gets lost is found, the file by its name and the batch by its tag.
    let file = files.upload_once(NewFile::from_path(&input)).await?;
    talk!("{}: uploaded as {}", counted(checked.requests(), "request"), file.id);
    let new = metadata
        .into_iter()
        .fold(NewBatch::new(&file.id, endpoint), |batch, (key, value)| batch.metadata(key, value));
    let batch = match client.batches().create_once(&new, &file.id).await {
        Ok(batch) => batch,
        Err(error) => {
            let may_be_there = error.is_ambiguous();
            let failure = Failure::from(error);
            let id = &file.id;
            return Err(if may_be_there {
                failure.with(format!("whether there is a batch of {id} is not known: see `{NAME} list`"))
            } else if files.delete(id).await.is_ok() {
                failure.with("there is no batch, and the upload was deleted")
            } else {
                failure.with(format!("there is no batch, and the upload is left: `{NAME} files delete {id}`"))
            });
        }
    };
    tell!("{}", batch.id);
    Ok(ExitCode::SUCCESS)
}
