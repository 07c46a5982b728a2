//! `run`.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use batchmock_conformance::case::Case;
use batchmock_conformance::known_failing::KnownFailing;
use batchmock_conformance::report::{self, Report};
use batchmock_conformance::{
    Keys, Models, OwnMock, Settings, Target, WebhookSettings, is_on_loopback, run, select,
};
use reqwest::Url;

use super::args::{Format, RunArgs};
use super::{Failure, complain, patterns, say, usage};

/// The server could not be reached, so nothing was judged.
const INCOMPLETE: u8 = 3;

/// The suite is at fault.
const FAULT: u8 = 4;

pub(super) fn run(args: &RunArgs) -> Result<u8, Failure> {
    let cases = select::cases(&patterns(&args.only)?, &patterns(&args.skip)?);
    if cases.is_empty() {
        return Err(usage("no case is left: --skip matches all that --only does"));
    }
    let known = known_failing(args)?;
    let to_stdout = args.report.iter().filter(|report| report.file.is_none()).count();
    if to_stdout > 1 {
        return Err(usage("two reports cannot both go to the standard output: write FORMAT=FILE"));
    }
    if args.dry_run {
        say(&dry_run(args, &cases))?;
        return Ok(0);
    }
    keep_to_the_budget(args, &cases)?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure { code: FAULT, message: format!("no threads can be had: {error}") })?;
    runtime.block_on(async {
        // It stops when it is dropped, at the end.
        let mut mock = None;
        let target = if let Some(base_url) = &args.base_url {
            elsewhere(args, base_url).await?
        } else {
            let started = OwnMock::start(args.seed).await.map_err(|error| fault(&error))?;
            let target = started.target().await.map_err(|error| fault(&error))?;
            mock = Some(started);
            target
        };
        let mut found = run::all(&target, &cases, args.jobs, |_| ()).await;
        known.apply(&mut found);
        let report = Report::new(&target, args.level.into(), found);
        drop(mock);
        tell(args, &report)?;
        Ok(report.conclusion().exit_code())
    })
}

/// A fault of the suite.
fn fault(error: &dyn ToString) -> Failure {
    Failure { code: FAULT, message: error.to_string() }
}

fn known_failing(args: &RunArgs) -> Result<KnownFailing, Failure> {
    let Some(path) = &args.known_failing else { return Ok(KnownFailing::default()) };
    let text = fs::read_to_string(path)
        .map_err(|error| usage(format!("{} cannot be read: {error}", path.display())))?;
    KnownFailing::read(&text).map_err(|error| usage(format!("{}: {error}", path.display())))
}

/// A server that was not started here.
async fn elsewhere(args: &RunArgs, base_url: &str) -> Result<Arc<Target>, Failure> {
    let keys = match &args.api_key {
        Some(own) => Keys::Given { own: own.clone(), other: args.other_api_key.clone() },
        None => Keys::Each("sk-conformance".to_owned()),
    };
    let defaults = Models::default();
    let model = |said: &Option<String>, default: String| said.clone().unwrap_or(default);
    let settings = Settings {
        name: args.name.clone(),
        without: args.without.iter().copied().collect(),
        models: Models {
            chat: model(&args.chat_model, defaults.chat),
            other_chat: model(&args.other_chat_model, defaults.other_chat),
            embeddings: model(&args.embeddings_model, defaults.embeddings),
            completions: model(&args.completions_model, defaults.completions),
            moderations: model(&args.moderations_model, defaults.moderations),
            images: model(&args.images_model, defaults.images),
            videos: model(&args.videos_model, defaults.videos),
        },
        wait: args.wait,
        poll_every: args.poll_every,
        request_timeout: args.request_timeout,
        bring_about: args.bring_about.clone(),
        webhooks: webhooks(args),
        ..Settings::new(base_url, keys)
    };
    let target = Target::probe(settings)
        .await
        .map_err(|error| Failure { code: INCOMPLETE, message: error.to_string() })?;
    Ok(Arc::new(target))
}

/// How webhooks are to come. The suite listens where it was told to, or at a free port of this machine.
fn webhooks(args: &RunArgs) -> WebhookSettings {
    let usual = WebhookSettings::default();
    WebhookSettings {
        listen: args.webhook_listen.unwrap_or(usual.listen),
        url: args.webhook_url.clone(),
        // Without an address nobody can have registered it: the variable is then meant for others.
        secret: args.webhook_listen.and(args.webhook_secret.clone()),
        ..usual
    }
}

/// How many lines of batches some cases may run.
fn lines_of(cases: &[&Case]) -> u32 {
    cases.iter().map(|case| case.lines).sum()
}

/// A server elsewhere may charge for lines, so somebody must have said how many may run.
fn keep_to_the_budget(args: &RunArgs, cases: &[&Case]) -> Result<(), Failure> {
    let Some(base_url) = &args.base_url else { return Ok(()) };
    let url = Url::parse(base_url)
        .map_err(|error| usage(format!("--base-url: `{base_url}` is no URL: {error}")))?;
    let lines = lines_of(cases);
    match args.max_lines {
        Some(most) if lines > most => Err(usage(format!(
            "these cases run up to {lines} lines of batches, and --max-lines allows {most}: choose fewer with --only \
             or --skip"
        ))),
        None if !is_on_loopback(base_url) => Err(usage(format!(
            "{} is not this machine, and these cases run up to {lines} lines of batches there, which may cost money: \
             look at --dry-run, and say --max-lines {lines}",
            url.host_str().unwrap_or(base_url)
        ))),
        Some(_) | None => Ok(()),
    }
}

fn dry_run(args: &RunArgs, cases: &[&Case]) -> String {
    let mut text = String::new();
    for case in cases {
        let _ = writeln!(text, "{:6} {:42} {:>3} lines, {}", case.level, case.id, case.lines, case.takes);
    }
    let place = args.base_url.as_deref().unwrap_or("a batchmock that would be started");
    let _ = writeln!(
        text,
        "\n{} cases at {place}; up to {} lines of batches, with answers of at most 16 tokens where the endpoint can be \
         told so. Nothing was sent.",
        cases.len(),
        lines_of(cases)
    );
    text
}

fn tell(args: &RunArgs, report: &Report) -> Result<(), Failure> {
    for asked in &args.report {
        let text = match asked.format {
            Format::Text => report::text(report),
            Format::Json => report::json(report).map_err(|error| Failure {
                code: FAULT,
                message: format!("no JSON can be written: {error}"),
            })?,
        };
        match &asked.file {
            None => say(&text)?,
            Some(path) => fs::write(path, text).map_err(|error| Failure {
                code: FAULT,
                message: format!("{} cannot be written: {error}", path.display()),
            })?,
        }
    }
    if args.report.iter().all(|asked| asked.file.is_some()) {
        complain(&report::summary(report));
    }
    Ok(())
}
