//! Which service, as whom, and how patiently.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use batchmock_client::{ApiKey, Client, PollPolicy, RetryPolicy};
use clap::Args;

use super::exit::Failure;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceArgs {
    /// Where the API is; the service itself unless told otherwise.
    #[arg(long, env = "OPENAI_BASE_URL", hide_env_values = true, value_name = "URL")]
    base_url: Option<String>,

    /// A file that holds the key, instead of the variable `OPENAI_API_KEY`.
    ///
    /// There is no flag for the key itself: what is on a command line can be read by others.
    #[arg(long, value_name = "PATH")]
    api_key_file: Option<PathBuf>,

    /// How often a request that failed is repeated, if that can help.
    #[arg(long, value_name = "N", default_value_t = RetryPolicy::default().max_retries)]
    retries: u32,

    /// How long after the first look at a batch the second comes; later ones come up to a minute apart.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = some_time)]
    poll: Duration,

    /// After how long to give up waiting for batches, which go on without it.
    #[arg(long, value_name = "DURATION", default_value = "30h", value_parser = humantime::parse_duration)]
    max_wait: Duration,
}

impl ServiceArgs {
    /// How often a request that failed is repeated.
    pub(super) fn retries(&self) -> u32 {
        self.retries
    }

    /// The client of this service.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let longest_pause = PollPolicy::default().longest_pause.max(self.poll);
        let poll = PollPolicy {
            first_pause: self.poll,
            longest_pause,
            deadline: Some(self.max_wait),
            ..PollPolicy::default()
        };
        let retry = RetryPolicy { max_retries: self.retries, ..RetryPolicy::default() };
        let mut builder = Client::builder().poll(poll).retry(retry);
        if let Some(url) = self.base_url.as_ref().filter(|url| !url.trim().is_empty()) {
            builder = builder.base_url(url);
        }
        if let Some(path) = &self.api_key_file {
            let key = fs::read_to_string(path).map_err(|error| {
                let is_text = error.kind() != ErrorKind::InvalidData;
                let why =
                    if is_text { error.to_string() } else { "it is not UTF-8, and so no key".to_owned() };
                Failure::file(path, why)
            })?;
            if key.trim().is_empty() {
                return Err(Failure::file(
                    path,
                    "there is no key in it; it should hold the key and nothing else",
                ));
            }
            builder = builder.api_key(ApiKey::from(key));
        } else if env::var("OPENAI_API_KEY").unwrap_or_default().trim().is_empty() {
            let how = "set OPENAI_API_KEY, or name a file that holds it with --api-key-file";
            return Err(Failure::usage(format!("there is no API key: {how}")));
        }
        Ok(builder.environment(|name| env::var(name).ok()).build()?)
    }
}

/// A time that is not none at all: who asks without a pause is refused.
fn some_time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time.is_zero() { Err("it should be more than 0, such as 2s".to_owned()) } else { Ok(time) }
}

/// A number of things of which there is one at least.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "it should be a number from 1 on".to_owned())
}

/// `KEY=VALUE`
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it should be KEY=VALUE, such as job=nightly".to_owned()),
    }
}
