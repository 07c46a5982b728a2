//! `walk`.

use std::fmt::Write as _;
use std::sync::Arc;

use batchmock_conformance::walk::{self, Walked, Walks};
use batchmock_conformance::{OwnMock, Settings, Target};

use super::args::WalkArgs;
use super::run::runtime;
use super::subject::{INCOMPLETE, probed};
use super::{Failure, fault, say, usage};

/// Something does not hold.
const MET: u8 = 1;

pub(super) fn walk(args: &WalkArgs) -> Result<u8, Failure> {
    let runtime = runtime()?;
    // It stops when it is dropped, at the end.
    let mut mock = None;
    let target = if let Some(base_url) = &args.server.base_url {
        runtime.block_on(elsewhere(args, base_url))?
    } else {
        let started = runtime
            .block_on(OwnMock::start_for_any_key(args.seed))
            .map_err(|error| fault(error.to_string()))?;
        let target = runtime.block_on(started.target()).map_err(|error| fault(error.to_string()))?;
        mock = Some(started);
        target
    };
    let walks = Walks { seed: args.seed, count: args.walks, steps: args.steps };
    let walked = walk::walk(runtime.handle(), &target, walks)
        .map_err(|error| Failure { code: INCOMPLETE, message: error.to_string() })?;
    drop(mock);
    say(&told(walks, &walked))?;
    Ok(if walked.stumble.is_some() { MET } else { 0 })
}

/// A server that was not started here. It is asked for much, which may cost money elsewhere.
async fn elsewhere(args: &WalkArgs, base_url: &str) -> Result<Arc<Target>, Failure> {
    if let Some(host) = args.server.host_elsewhere()? {
        return Err(usage(format!(
            "{host} is not this machine, and walks run batches without a limit: start the server here"
        )));
    }
    let mut settings = Settings::new(base_url, args.server.keys());
    settings.without = args.without.iter().copied().collect();
    settings.request_timeout = args.request_timeout;
    if let Some(chat) = &args.chat_model {
        settings.models.chat.clone_from(chat);
    }
    probed(settings).await
}

fn told(walks: Walks, walked: &Walked) -> String {
    let Walks { seed, count, steps } = walks;
    let mut text = String::new();
    if let Some(stumble) = &walked.stumble {
        let _ = writeln!(text, "{stumble}\nfound with --seed {seed} --walks {count} --steps {steps}.");
        return text;
    }
    let batches: Vec<_> = walked.batches.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let _ = writeln!(
        text,
        "{count} walks of up to {steps} steps from seed {seed}, {} requests: all holds. Batches were left {}.",
        walked.requests,
        if batches.is_empty() { "nowhere".to_owned() } else { batches.join(", ") }
    );
    text
}
