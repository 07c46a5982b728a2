//! How a mock shall behave, as the command line says it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use batchmock::{
    AnswerStyle, ClockMode, Config, FaultPlan, FaultRule, LineRule, LineRules, ModelPolicy, Pace,
    PaceDuration, Quotas, Scenarios, Switches, Timestamp,
};
use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::faults::read_faults;
use super::limit_args::LimitArgs;
use super::replay_args::ReplayArgs;
use super::scenarios::add_file;
use super::webhook_args::WebhookArgs;

/// How the mock behaves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Behavior")]
pub(super) struct MockArgs {
    /// The number from which every order, id and answer follows.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,

    /// How time moves: `real`, `frozen`, `stepping`, or `scaled:FACTOR`.
    ///
    /// A frozen clock moves only when it is advanced (`batchmock clock advance 26h`). A stepping clock jumps
    /// to a batch's next change each time the batch is retrieved again. A scaled one runs FACTOR times as
    /// fast as the wall.
    #[arg(long, value_name = "MODE", default_value_t = ClockMode::Real)]
    clock: ClockMode,

    /// What clocks show at first, such as `2026-01-31T12:00:00Z` [default: now].
    #[arg(long, value_name = "TIME", value_parser = time)]
    start_at: Option<Timestamp>,

    /// How long a batch takes.
    #[arg(long, value_enum, default_value_t = PaceName::Quick)]
    pace: PaceName,

    /// Stay in `validating` this long, such as `90s` or `1h 30m`, instead of what the pace says.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    validating_for: Option<Duration>,

    /// Stay in `in_progress` this long; from 24h on the batch expires with partial results.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    in_progress_for: Option<Duration>,

    /// Stay in `finalizing` this long.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    finalizing_for: Option<Duration>,

    /// Stay in `cancelling` this long.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    cancelling_for: Option<Duration>,

    /// Let worlds be in a scenario whose key names none; `batchmock scenarios` lists them.
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,

    /// Add a scenario of your own from a TOML file, called by the name of the file; may be repeated.
    #[arg(long = "scenarios", value_name = "FILE")]
    scenario_files: Vec<PathBuf>,

    /// What requests are answered.
    #[arg(long, value_enum, default_value_t = AnswerName::Canary)]
    answers: AnswerName,

    /// Say what lines get, such as `custom_id=PATTERN:OUTCOME` or `model=PATTERN:OUTCOME`; may be repeated, the
    /// first that matches a line decides.
    ///
    /// Outcomes are quota, timeout, refusal, length, and any status from 400 to 599. In a pattern `*` stands for
    /// any text, `?` for any character. A whole rule in braces can say more: `{ prompt = "capital of (\\w+)",
    /// text = "{1}ville" }`; docs/answers.md has all of it. No rule is needed for a `custom_id` that ends in
    /// `~429` or another outcome: it asks for it by itself, and comes before all rules.
    #[arg(long = "line", value_name = "RULE")]
    lines: Vec<LineRule>,

    /// Read more such rules from a TOML file, a `[[line]]` table each; may be repeated.
    #[arg(long = "lines", value_name = "FILE")]
    lines_files: Vec<PathBuf>,

    /// Let something go wrong with requests, as a table in braces says; may be repeated, the first that is due decides.
    ///
    /// Such as `{ operation = "retrieve_batch", first = 2, error = "rate_limit_requests", retry_after = 1 }`, or
    /// `{ operation = "create_batch", nth = 1, connection = "lost_acknowledgement" }`; docs/faults.md has all of it.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<FaultRule>,

    /// Read more such faults from a TOML file, a `[[fault]]` table each; may be repeated.
    #[arg(long = "faults", value_name = "FILE")]
    faults_files: Vec<PathBuf>,

    #[command(flatten)]
    replay: ReplayArgs,

    /// Which models exist.
    #[arg(long, value_enum, default_value_t = ModelsName::Known)]
    models: ModelsName,

    /// Limit what accounts may use; may be repeated, a later one on top of those before [default: nothing is limited].
    ///
    /// A preset is `tier-1` to `tier-5`, as usage tiers of the service. Single limits are `enqueued_tokens=1000` or, for
    /// one model, `enqueued_tokens.gpt-4o-mini=1000`; in the same way `enqueued_requests`, `requests_per_minute` and
    /// `tokens_per_minute`; and `batches_per_hour`, `uploads_per_minute`, `file_bytes`, `phantom_for=10m`. `none` lifts a
    /// limit. docs/quotas.md has all of it.
    #[arg(long = "quota", value_name = "PRESET|KEY=VALUE")]
    quotas: Vec<String>,

    /// Do as other evidence says, where it contradicts itself; may be repeated. `batchmock switches` lists
    /// what can be switched.
    #[arg(long = "switch", value_name = "NAME=VALUE")]
    switches: Vec<String>,

    #[command(flatten)]
    webhooks: WebhookArgs,

    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PaceName {
    /// A batch takes about 4 seconds, a cancellation 1.
    Quick,
    /// Either takes half a second at most.
    Instant,
    /// As recorded from the service: minutes to hours, and ten minutes to cancel.
    Realistic,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AnswerName {
    /// A code word that follows from seed, `custom_id` and prompt.
    Canary,
    /// The last user message of the prompt.
    Echo,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ModelsName {
    /// Those with a name of the service's families, such as `gpt-…`.
    Known,
    /// All.
    Any,
}

impl MockArgs {
    /// The configuration they stand for.
    pub(super) fn config(self) -> Result<Config, Failure> {
        let mut pace = match self.pace {
            PaceName::Quick => Pace::QUICK,
            PaceName::Instant => Pace::INSTANT,
            PaceName::Realistic => Pace::REALISTIC,
        };
        for (phase, asked) in [
            (&mut pace.validating_for, self.validating_for),
            (&mut pace.in_progress_for, self.in_progress_for),
            (&mut pace.finalizing_for, self.finalizing_for),
            (&mut pace.cancelling_for, self.cancelling_for),
        ] {
            if let Some(duration) = asked {
                *phase = PaceDuration::Fixed(duration);
            }
        }

        let mut rules = LineRules::new(self.lines);
        for path in &self.lines_files {
            rules.append(read_rules(path)?);
        }

        let mut scenarios = Scenarios::default();
        for path in &self.scenario_files {
            add_file(&mut scenarios, path)?;
        }
        let scenario = self.scenario.map(|name| scenarios.get(&name).cloned().map_err(Failure::usage));

        let mut faults = FaultPlan::new(self.faults);
        for path in &self.faults_files {
            faults.append(read_faults(path)?);
        }

        let mut switches = Switches::default();
        for text in &self.switches {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            switches.set(name, value).map_err(Failure::usage)?;
        }

        let mut quotas = Quotas::default();
        for text in &self.quotas {
            quotas.set(text).map_err(Failure::usage)?;
        }

        Ok(Config {
            seed: self.seed,
            clock: self.clock,
            start_at: self.start_at,
            pace,
            answers: match self.answers {
                AnswerName::Canary => AnswerStyle::Canary,
                AnswerName::Echo => AnswerStyle::Echo,
            },
            rules,
            faults,
            scenario: scenario.transpose()?,
            scenarios,
            recordings: self.replay.recordings()?,
            unrecorded: self.replay.unrecorded(),
            quotas,
            limits: self.limits.limits(),
            connections: self.limits.connections(),
            models: match self.models {
                ModelsName::Known => ModelPolicy::Known,
                ModelsName::Any => ModelPolicy::Any,
            },
            switches,
            webhooks: self.webhooks.webhooks(self.seed)?,
            ..Config::default()
        })
    }
}

/// Reads a file of rules.
pub(super) fn read_rules(path: &Path) -> Result<LineRules, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::file(format!("cannot read the rules in {shown}: {error}")))?;
    LineRules::from_toml(&text)
        .map_err(|error| Failure::file(format!("cannot understand the rules in {shown}: {error}")))
}

/// Reads a duration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write it like `90s` or `1h 30m`"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time = humantime::parse_rfc3339_weak(text)
        .map_err(|error| format!("{error}; write it like `2026-01-31T12:00:00Z`"))?;
    let since_epoch =
        time.duration_since(std::time::UNIX_EPOCH).map_err(|_| "that is before 1970".to_owned())?;
    Ok(Timestamp::from_unix_millis(0) + since_epoch)
}
