//! Making something exactly once, although answers get lost.

use std::time::Duration;

use crate::client::Client;
use crate::error::Result;
use crate::retry::jittered;

/// After how long what was made is looked for in a list, at the earliest.
pub(crate) const LISTED_AFTER: Duration = Duration::from_secs(2);

/// Makes something. Where it is not known whether the service did, it is looked for, and made again only if it is not
/// there.
///
/// # Errors
///
/// With what the last attempt to make it failed with. If that is ambiguous, it was looked for in vain, or could not be.
pub(crate) async fn once<T>(
    client: &Client,
    mut make: impl AsyncFnMut() -> Result<T>,
    mut find: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let policy = &client.inner.retry;
    let mut rng = client.rng();
    let mut retries = 0;
    loop {
        let error = match make().await {
            Err(error) if error.is_ambiguous() => error,
            other => return other,
        };
        let pause = jittered(policy.first_pause, policy.longest_pause, retries, &mut rng);
        // What was taken a moment ago need not be in a list yet.
        let pause = pause.max(LISTED_AFTER).max(error.retry_after().unwrap_or_default());
        client.time().sleep(pause).await;
        match find().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) if retries < policy.max_retries => retries += 1,
            Ok(None) | Err(_) => return Err(error),
        }
    }
}
