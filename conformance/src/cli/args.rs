//! What can be said on the command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use batchmock_conformance::Secret;
use batchmock_conformance::case::{Capability, Level};
use batchmock_conformance::report::{Form, UnknownForm};

use super::show::Showing;
use super::subject::ServerArgs;

/// Judges servers of the `OpenAI` Files and Batches API, and its clients, case by case, with sources.
#[derive(Debug, Parser)]
#[command(name = "batchmock-conformance", version, about)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge a server
    ///
    /// Without --base-url a batchmock is started and judged.
    ///
    /// Exits with 0 if all that counts passed, 1 if something failed or is listed as failing and passes, 2 on wrong usage,
    /// 3 if something that counts could not be reached, and 4 if the suite itself is at fault.
    Run(Box<RunArgs>),
    /// Go on with a run that was left by `run --detach`, as often as needed
    ///
    /// Cases whose time has not come are left again. Exits as `run` does: with 3 while something that counts still waits.
    Resume(Box<ResumeArgs>),
    /// Cancel batches and delete files that earlier runs have left in an account, and nothing else
    ///
    /// Exits with 0 if nothing is left, 1 if something could not be removed, and 3 if the server could not be asked.
    CleanUp(CleanUpArgs),
    /// Tell a report once more, in other forms
    ///
    /// Exits as the run did whose report it is.
    Report {
        /// The report, as `--report json=FILE` wrote it, or `-` for the standard input
        file: PathBuf,
        /// In which form, of text, json, junit, tap, markdown and html, and to which file; may be repeated
        #[arg(long = "as", value_name = "FORM[=FILE]", default_value = "text")]
        forms: Vec<Asked>,
        /// Leave out what was asked and answered, which is most of a report
        #[arg(long)]
        without_exchanges: bool,
    },
    /// Tell what differs between two reports
    ///
    /// Exits with 0 if no case has another verdict, 1 if one has, or is in one of them alone, and 2 on wrong usage.
    Diff {
        /// The report of before
        before: PathBuf,
        /// The report of after
        after: PathBuf,
        /// Look only at what got worse
        #[arg(long)]
        only_worse: bool,
        /// In which form, of text, markdown and json, and to which file; may be repeated
        #[arg(long = "as", value_name = "FORM[=FILE]", default_value = "text")]
        forms: Vec<Asked>,
    },
    /// Put several reports side by side
    Matrix {
        /// The reports, a column each
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Do not leave out cases that pass everywhere
        #[arg(long)]
        all: bool,
        /// In which form, of text, markdown and html, and to which file; may be repeated
        #[arg(long = "as", value_name = "FORM[=FILE]", default_value = "text")]
        forms: Vec<Asked>,
    },
    /// Walk at random through a server on this machine, held against a model of the documentation
    ///
    /// Uploads, creates, cancels, lists, downloads and deletes with two keys in an order that the seed chooses, and lets time
    /// pass where the server has batchmock's control API. A walk that meets a fault is cut down to the fewest steps, which
    /// are told as curl commands. Without --base-url a batchmock is started.
    ///
    /// Exits with 0 if all holds, 1 if something does not, 2 on wrong usage, 3 if the server is not there.
    Walk(Box<WalkArgs>),
    /// List the cases
    List {
        /// Only cases whose id matches; may be repeated
        #[arg(long, value_name = "PATTERN")]
        only: Vec<String>,
        /// No cases whose id matches; may be repeated
        #[arg(long, value_name = "PATTERN")]
        skip: Vec<String>,
        /// As JSON, with all there is to know of each
        #[arg(long)]
        json: bool,
    },
    /// Print a table of what is known of the service, with the cases that judge it, or why none does
    Trace,
    /// Tell all about a case: what is required, and who says so
    Explain {
        /// Its id, such as `batches/cancel/after-completed`
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Judge a client, of any language, by how it gets through what can happen
    #[command(subcommand)]
    Certify(Box<CertifyCommand>),
}

#[derive(Debug, Subcommand)]
pub(super) enum CertifyCommand {
    /// Run a command once for each scenario
    ///
    /// The command gets its task in the file that `CERT_TASK` names, and writes its account into the one that
    /// `CERT_RESULT` names; `OPENAI_BASE_URL` and `OPENAI_API_KEY` say where the API is. Arguments that name files are written out, since the
    /// command is run in an empty directory of its own.
    Exec {
        /// What the client is called in reports, if it does not say or is to be called otherwise
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        common: CertifyArgs,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Give tasks to adapters that stay, as lines of JSON
    ///
    /// As many are started as scenarios are played at a time; `certify schema stdio` says what is said.
    Stdio {
        /// What the client is called in reports, if it does not say or is to be called otherwise
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        common: CertifyArgs,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Set scenarios up, and judge whatever programs are pointed at them
    ///
    /// Each scenario has a directory with its base URL and key in `env` and its task in `task.json`; the program may do that,
    /// or what it always does. What shows in its requests is judged; a `result.ndjson` that is left there is judged, too.
    /// It ends when a line, or the end, comes on the standard input.
    Attach {
        /// What the client is called in reports
        name: String,
        /// Where the directories are made
        #[arg(long, value_name = "DIRECTORY", default_value = "certification")]
        directory: PathBuf,
        #[command(flatten)]
        common: CertifyArgs,
    },
    /// List the scenarios, with their checks
    List {
        /// Only scenarios or checks whose id matches; may be repeated
        #[arg(long, value_name = "PATTERN")]
        only: Vec<String>,
        /// No scenarios or checks whose id matches; may be repeated
        #[arg(long, value_name = "PATTERN")]
        skip: Vec<String>,
    },
    /// Tell all about a scenario or a check: what happens, what is required, and why
    Explain {
        /// Its id, such as `expired/partial` or `K8`
        id: String,
    },
    /// Tell whether a certificate is as it was signed, and what it says
    ///
    /// Exits with 0 if it is and certifies its client, and with 1 if not.
    Verify {
        /// The certificate
        file: PathBuf,
        /// The public key of who must have signed it, in PEM; without it, any key will do, and is told
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Print a JSON Schema: of tasks, of lines of result files, or of messages of adapters
    Schema {
        /// Of what
        #[arg(value_enum)]
        what: SchemaArg,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum SchemaArg {
    Task,
    Result,
    Stdio,
}

#[derive(Debug, clap::Args)]
pub(super) struct CertifyArgs {
    /// Only scenarios or checks whose id matches, such as `expired/*`, `K8` or `expired/partial/K8`; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) only: Vec<String>,
    /// No scenarios or checks whose id matches; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) skip: Vec<String>,
    /// Up to which level failures fail the run. A MAY never does
    #[arg(long, value_enum, default_value_t = LevelArg::Must)]
    pub(super) level: LevelArg,
    /// How many scenarios are played at a time
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(super) jobs: usize,
    /// How the certification is reported: a format, or FORMAT=FILE; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]", default_value = "text")]
    pub(super) report: Vec<Asked>,
    /// From which keys, prompts, orders and answers follow
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) seed: u64,
    /// How long the client has for each scenario, if not as long as usual
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) deadline: Option<Duration>,
    /// How long the client is told to wait between two looks at a batch
    #[arg(long, value_name = "DURATION", default_value = "20ms", value_parser = humantime::parse_duration)]
    pub(super) poll_hint: Duration,
    /// What is shown on the standard error while it goes on
    #[arg(long, value_enum, default_value_t = Showing::Auto, value_name = "HOW")]
    pub(super) progress: Showing,
    /// Write a signed certificate
    #[arg(long, value_name = "FILE", requires = "sign_with")]
    pub(super) certificate: Option<PathBuf>,
    /// The private key that it is signed with, in PEM, as `openssl genpkey -algorithm ed25519` makes one
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(super) sign_with: Option<PathBuf>,
    /// Write a badge, an SVG
    #[arg(long, value_name = "FILE")]
    pub(super) badge: Option<PathBuf>,
    /// Tell the client in `CERT_SCENARIO` what the scenario is called, to find a mistake; a certification is blind
    #[arg(long)]
    pub(super) reveal: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// What the server is called in reports
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Only cases whose id matches, such as `batches/cancel/*`; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) only: Vec<String>,
    /// No cases whose id matches; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) skip: Vec<String>,
    /// Up to which level failures fail the run. A MAY never does
    #[arg(long, value_enum, default_value_t = LevelArg::Must)]
    pub(super) level: LevelArg,
    /// A TOML file of cases that are known to fail, each with a reason
    #[arg(long, value_name = "FILE")]
    pub(super) known_failing: Option<PathBuf>,
    /// How many cases run at a time
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(super) jobs: usize,
    /// The seed of the batchmock that is started
    #[arg(long, default_value_t = 0, value_name = "N", conflicts_with = "base_url")]
    pub(super) seed: u64,
    /// How the run is reported, as text, json, junit, tap, markdown or html, and to which file; may be repeated
    #[arg(long, value_name = "FORM[=FILE]", default_value = "text")]
    pub(super) report: Vec<Asked>,
    /// What is shown on the standard error while it goes on
    #[arg(long, value_enum, default_value_t = Showing::Auto, value_name = "HOW")]
    pub(super) progress: Showing,
    /// What the server does not offer; may be repeated
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    pub(super) without: Vec<Capability>,
    /// The longest that a case waits where time cannot be moved
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = humantime::parse_duration)]
    pub(super) wait: Duration,
    /// How long between two looks where time cannot be moved
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(super) poll_every: Duration,
    /// The longest that one answer may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) request_timeout: Duration,
    /// A program that brings a status of a batch about where time cannot be moved; it is called with both
    #[arg(long, value_name = "PROGRAM")]
    pub(super) bring_about: Option<String>,
    /// Where to listen for webhooks; with --webhook-secret, somebody has registered it as an endpoint of the account
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) webhook_listen: Option<SocketAddr>,
    /// The secret with which the server signs webhooks that come to --webhook-listen
    #[arg(long, value_name = "SECRET", env = "OPENAI_WEBHOOK_SECRET", hide_env_values = true)]
    pub(super) webhook_secret: Option<Secret>,
    /// How a server elsewhere, whose control API is told, reaches what --webhook-listen says
    #[arg(long, value_name = "URL", requires = "webhook_listen")]
    pub(super) webhook_url: Option<String>,
    /// Wait for what a server with a control API does as for any other, and leave its clock alone
    #[arg(long, requires = "base_url")]
    pub(super) no_control: bool,
    /// Begin what takes longer than --wait, and leave it: this file tells `resume` how to go on. No key is in it
    #[arg(long, value_name = "FILE", requires = "base_url")]
    pub(super) detach: Option<PathBuf>,
    /// How many lines of batches may run; this or --max-tokens is needed for a server elsewhere, which may charge for them
    #[arg(long, value_name = "N")]
    pub(super) max_lines: Option<u64>,
    /// How many tokens they may have, prompts and answers; what the budget has no room for is not exercised
    #[arg(long, value_name = "N")]
    pub(super) max_tokens: Option<u64>,
    /// Send nothing to the server: tell each request that would be sent, and what all may cost
    #[arg(long)]
    pub(super) dry_run: bool,
    /// With --dry-run, what a million tokens of prompts cost
    #[arg(long, value_name = "PRICE", requires = "dry_run", requires = "price_out", value_parser = price)]
    pub(super) price_in: Option<f64>,
    /// With --dry-run, what a million tokens of answers cost
    #[arg(long, value_name = "PRICE", requires = "dry_run", requires = "price_in", value_parser = price)]
    pub(super) price_out: Option<f64>,
    /// The model that chats name
    #[arg(long, value_name = "MODEL")]
    pub(super) chat_model: Option<String>,
    /// Another such model that there is
    #[arg(long, value_name = "MODEL")]
    pub(super) other_chat_model: Option<String>,
    /// The model for embeddings
    #[arg(long, value_name = "MODEL")]
    pub(super) embeddings_model: Option<String>,
    /// The model for completions
    #[arg(long, value_name = "MODEL")]
    pub(super) completions_model: Option<String>,
    /// The model for moderations
    #[arg(long, value_name = "MODEL")]
    pub(super) moderations_model: Option<String>,
    /// The model for images
    #[arg(long, value_name = "MODEL")]
    pub(super) images_model: Option<String>,
    /// The model for videos
    #[arg(long, value_name = "MODEL")]
    pub(super) videos_model: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ResumeArgs {
    /// The file that `run --detach` wrote; what still waits is written there again
    pub(super) state: PathBuf,
    /// The key of the account, if the run had one
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", hide_env_values = true)]
    pub(super) api_key: Option<String>,
    /// The key of the other account, if the run had one
    #[arg(long, value_name = "KEY", env = "OPENAI_OTHER_API_KEY", hide_env_values = true)]
    pub(super) other_api_key: Option<String>,
    /// How long each case may wait before it is left again
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    pub(super) wait: Duration,
    /// How many cases run at a time
    #[arg(long, default_value_t = 4, value_name = "N")]
    pub(super) jobs: usize,
    /// A TOML file of cases that are known to fail, each with a reason
    #[arg(long, value_name = "FILE")]
    pub(super) known_failing: Option<PathBuf>,
    /// How the run is reported: a format, or FORMAT=FILE; may be repeated
    #[arg(long, value_name = "FORM[=FILE]", default_value = "text")]
    pub(super) report: Vec<Asked>,
    /// What is shown on the standard error while it goes on
    #[arg(long, value_enum, default_value_t = Showing::Auto, value_name = "HOW")]
    pub(super) progress: Showing,
}

#[derive(Debug, clap::Args)]
pub(super) struct CleanUpArgs {
    /// The server's base URL, with `/v1`
    #[arg(long, value_name = "URL")]
    pub(super) base_url: String,
    /// The key of the account
    #[arg(long, value_name = "KEY", env = "OPENAI_API_KEY", hide_env_values = true)]
    pub(super) api_key: Option<String>,
    /// Only tell what would be removed
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct WalkArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
    /// What chooses the steps
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) seed: u64,
    /// How many walks there are
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(super) walks: u32,
    /// The most steps of a walk
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub(super) steps: usize,
    /// What the server does not offer, such as `two-keys`; may be repeated
    #[arg(long, value_name = "CAPABILITY", value_parser = capability)]
    pub(super) without: Vec<Capability>,
    /// The longest that one answer may take
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) request_timeout: Duration,
    /// The model that chats name
    #[arg(long, value_name = "MODEL")]
    pub(super) chat_model: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LevelArg {
    Must,
    Should,
    May,
}

impl From<LevelArg> for Level {
    fn from(level: LevelArg) -> Self {
        match level {
            LevelArg::Must => Self::Must,
            LevelArg::Should => Self::Should,
            LevelArg::May => Self::May,
        }
    }
}

/// A form of report, and where it goes: to the standard output if nowhere else.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) form: Form,
    pub(super) file: Option<PathBuf>,
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (form, file) = match text.split_once('=') {
            None => (text, None),
            Some((form, "")) => return Err(format!("`{form}=` names no file")),
            Some((form, file)) => (form, Some(PathBuf::from(file))),
        };
        let form = form.parse().map_err(|error: UnknownForm| error.to_string())?;
        Ok(Self { form, file })
    }
}

/// A price is an amount of money, in whatever currency.
fn price(text: &str) -> Result<f64, String> {
    let price = text.parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
    price.ok_or_else(|| "write a number such as 0.15".to_owned())
}

fn capability(text: &str) -> Result<Capability, String> {
    Capability::ALL.into_iter().find(|capability| capability.name() == text).ok_or_else(|| {
        let known: Vec<_> = Capability::ALL.iter().map(|known| format!("`{known}`")).collect();
        format!("there are {}", known.join(", "))
    })
}
