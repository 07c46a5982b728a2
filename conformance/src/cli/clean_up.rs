//! `clean-up`.

use std::fmt::Write as _;

use batchmock_conformance::clean_up::Account;

use super::args::CleanUpArgs;
use super::run::runtime;
use super::subject::INCOMPLETE;
use super::{Failure, complain, fault, say};

/// Something could not be removed.
const LEFT: u8 = 1;

pub(super) fn clean_up(args: &CleanUpArgs) -> Result<u8, Failure> {
    let account =
        Account::new(&args.base_url, args.api_key.clone()).map_err(|error| fault(error.to_string()))?;
    runtime()?.block_on(async {
        let left =
            account.left().await.map_err(|error| Failure { code: INCOMPLETE, message: error.to_string() })?;
        let failed = if args.dry_run { Vec::new() } else { account.remove(&left).await };
        let mut text = String::new();
        for (ids, done, would) in
            [(&left.batches, "cancelled", "would be cancelled"), (&left.files, "deleted", "would be deleted")]
        {
            for id in ids.iter().filter(|id| !failed.iter().any(|error| error.asked.contains(id.as_str()))) {
                let _ = writeln!(text, "{id} {}", if args.dry_run { would } else { done });
            }
        }
        let count = left.batches.len() + left.files.len();
        let _ = writeln!(text, "{count} found, {} of which could not be removed", failed.len());
        say(&text)?;
        for error in &failed {
            complain(&error.to_string());
        }
        Ok(if failed.is_empty() { 0 } else { LEFT })
    })
}
