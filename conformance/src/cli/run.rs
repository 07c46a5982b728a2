//! `run`.

use std::fs;
use std::path::Path;

use batchmock_conformance::case::Case;
use batchmock_conformance::known_failing::KnownFailing;
use batchmock_conformance::plan::{Plan, Prices};
use batchmock_conformance::report::Report;
use batchmock_conformance::state::State;
use batchmock_conformance::{Models, OwnMock, Settings, WebhookSettings, run, select};

use super::args::{Asked, RunArgs};
use super::show::Show;
use super::subject::probed;
use super::{Failure, complain, fault, patterns, reports, say, usage};

pub(super) fn run(args: &RunArgs) -> Result<u8, Failure> {
    let cases = select::cases(&patterns(&args.only)?, &patterns(&args.skip)?);
    if cases.is_empty() {
        return Err(usage("no case is left: --skip matches all that --only does"));
    }
    let known = known_failing(args.known_failing.as_deref())?;
    reports::can_go_out(&args.report)?;
    if args.dry_run {
        say(&runtime()?.block_on(dry_run(args, &cases))?)?;
        return Ok(0);
    }
    has_a_budget(args, &cases)?;
    if let Some(file) = &args.detach {
        return runtime()?.block_on(detached(args, &cases, &known, file));
    }
    runtime()?.block_on(async {
        // It stops when it is dropped, at the end.
        let mut mock = None;
        let target = if let Some(base_url) = &args.server.base_url {
            probed(settings(args, base_url)).await?
        } else {
            let started = OwnMock::start(args.seed).await.map_err(|error| fault(error.to_string()))?;
            let settings = Settings {
                max_lines: args.max_lines,
                max_tokens: args.max_tokens,
                ..OwnMock::settings(started.base_url())
            };
            let target = started.target_with(settings).await.map_err(|error| fault(error.to_string()))?;
            mock = Some(started);
            target
        };
        let show = Show::new(args.progress, &target, cases.len());
        let mut found = run::all(&target, &cases, args.jobs, |event| show.event(event)).await;
        drop(show);
        known.apply(&mut found);
        let report = Report::new(&target, args.level.into(), found);
        drop(mock);
        reports::tell(&report, &args.report)?;
        Ok(report.conclusion().exit_code())
    })
}

/// Judges what can be judged at once, and leaves the rest.
async fn detached(
    args: &RunArgs,
    cases: &[&'static Case],
    known: &KnownFailing,
    file: &Path,
) -> Result<u8, Failure> {
    // What may wait for a day is not begun if it could not be written down.
    State::can_be_written(file).map_err(|error| usage(error.to_string()))?;
    let settings = settings(args, args.server.base_url.as_deref().unwrap_or_default());
    let target = probed(settings.clone()).await?;
    let show = Show::new(args.progress, &target, cases.len());
    let progress = run::begin(&target, cases, args.jobs, |event| show.event(event)).await;
    drop(show);
    let progress = progress.into_iter().map(|(case, progress)| (case.id, progress)).collect();
    let state = State::new(&settings, args.level.into(), progress);
    conclude(&state, file, known, &args.report)
}

/// Writes down what waits, if anything does, and reports what was found.
pub(super) fn conclude(
    state: &State,
    file: &Path,
    known: &KnownFailing,
    asked: &[Asked],
) -> Result<u8, Failure> {
    state.write(file).map_err(|error| fault(error.to_string()))?;
    let report = state.report(known);
    reports::tell(&report, asked)?;
    if !state.waiting.is_empty() {
        let ids: Vec<_> = state.waiting.iter().map(|waiting| waiting.case.as_str()).collect();
        complain(&format!("{} wait: `resume {}` goes on with them", ids.join(", "), file.display()));
    }
    Ok(report.conclusion().exit_code())
}

pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new().map_err(|error| fault(format!("no threads can be had: {error}")))
}

pub(super) fn known_failing(path: Option<&Path>) -> Result<KnownFailing, Failure> {
    let Some(path) = path else { return Ok(KnownFailing::default()) };
    let text = fs::read_to_string(path)
        .map_err(|error| usage(format!("{} cannot be read: {error}", path.display())))?;
    KnownFailing::read(&text).map_err(|error| usage(format!("{}: {error}", path.display())))
}

/// What is said of a server.
fn settings(args: &RunArgs, base_url: &str) -> Settings {
    let defaults = Models::default();
    let model = |said: &Option<String>, default: String| said.clone().unwrap_or(default);
    Settings {
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
        control: !args.no_control,
        max_lines: args.max_lines,
        max_tokens: args.max_tokens,
        ..Settings::new(base_url, args.server.keys())
    }
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

/// A server elsewhere may charge for lines, so somebody must have said how many may run.
fn has_a_budget(args: &RunArgs, cases: &[&Case]) -> Result<(), Failure> {
    let Some(host) = args.server.host_elsewhere()? else { return Ok(()) };
    let is_said = args.max_lines.is_some() || args.max_tokens.is_some();
    let lines: u64 = cases.iter().map(|case| u64::from(case.lines)).sum();
    let tokens: u64 = cases.iter().map(|case| case.tokens()).sum();
    if is_said || lines == 0 {
        return Ok(());
    }
    Err(usage(format!(
        "{host} is not this machine, and these cases run up to {lines} lines of batches with up to {tokens} tokens there, \
         which may cost money: look at --dry-run, and say --max-lines {lines} or --max-tokens {tokens}"
    )))
}

/// What would be sent, and what it may cost.
async fn dry_run(args: &RunArgs, cases: &[&'static Case]) -> Result<String, Failure> {
    let place = args.server.base_url.as_deref().unwrap_or("a batchmock that would be started");
    let plan = Plan::of(cases, &settings(args, place)).await.map_err(|error| fault(error.to_string()))?;
    Ok(plan.text(place, Prices { input: args.price_in, output: args.price_out }))
}
