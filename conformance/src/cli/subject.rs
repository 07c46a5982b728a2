//! Which server a command is about, and with which keys.

use std::sync::Arc;

use batchmock_conformance::{Keys, Settings, Target, is_on_loopback};
use reqwest::Url;

use super::{Failure, usage};

/// The server could not be reached, so nothing was judged.
pub(super) const INCOMPLETE: u8 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct ServerArgs {
    /// The server's base URL, with `/v1`
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// The key of the account in which all takes place; without one, accounts are opened, one for each thing that is tried
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The key of another account, for what is about two
    #[arg(long, value_name = "KEY", env = "OPENAI_OTHER_API_KEY", hide_env_values = true)]
    other_api_key: Option<String>,
}

impl ServerArgs {
    /// The keys that were given, or those that the suite makes up.
    pub(super) fn keys(&self) -> Keys {
        match &self.api_key {
            Some(own) => Keys::Given { own: own.clone(), other: self.other_api_key.clone() },
            None => Keys::of_the_suite(),
        }
    }

    /// The host of a server that is not on this machine, and may charge for what it is asked; fails if the base URL is
    /// none.
    pub(super) fn host_elsewhere(&self) -> Result<Option<String>, Failure> {
        let Some(base_url) = &self.base_url else { return Ok(None) };
        let url = Url::parse(base_url)
            .map_err(|error| usage(format!("--base-url: `{base_url}` is no URL: {error}")))?;
        let host = url.host_str().unwrap_or(base_url);
        Ok((!is_on_loopback(base_url)).then(|| host.to_owned()))
    }
}

/// A server that was looked at.
pub(super) async fn probed(settings: Settings) -> Result<Arc<Target>, Failure> {
    let target = Target::probe(settings)
        .await
        .map_err(|error| Failure { code: INCOMPLETE, message: error.to_string() })?;
    Ok(Arc::new(target))
}
