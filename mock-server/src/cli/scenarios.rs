//! `batchmock scenarios`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use batchmock::{Scenario, Scenarios};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::control::TargetArgs;
use super::exit::Failure;
use super::output::tell;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ScenariosArgs {
    #[command(subcommand)]
    command: Option<ScenariosCommand>,
}

#[derive(Debug, Subcommand)]
enum ScenariosCommand {
    /// List the scenarios that can be called by name (the default).
    List,
    /// Show what happens in a scenario, as a table over virtual time.
    Show(ShowArgs),
    /// Say whether files of scenarios are right.
    Check {
        /// Files of scenarios, each called by the name of its file.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of files of scenarios, for editors.
    Schema,
    /// Put the world of a key of a running mock into a scenario.
    Choose(ChooseArgs),
    /// Put it back into the scenario of its key, or of the server.
    Leave {
        #[command(flatten)]
        target: TargetArgs,
    },
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Its name, such as `expired-partial` or `expired-partial:nothing-done`, or a file of your own.
    #[arg(value_name = "NAME|FILE")]
    scenario: String,

    /// Play it with so many lines [default: as the scenario says, or 10].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    lines: Option<u32>,

    /// Print the file that it stands in instead.
    #[arg(long)]
    toml: bool,
}

#[derive(Debug, Args)]
struct ChooseArgs {
    /// Its name, or a file of your own.
    #[arg(value_name = "NAME|FILE")]
    scenario: String,

    #[command(flatten)]
    target: TargetArgs,
}

/// Does what was asked.
pub(super) async fn run(args: ScenariosArgs) -> Result<ExitCode, Failure> {
    match args.command.unwrap_or(ScenariosCommand::List) {
        ScenariosCommand::List => list(),
        ScenariosCommand::Show(args) => show(&args)?,
        ScenariosCommand::Check { files } => {
            for path in files {
                let mut scenarios = Scenarios::default();
                let name = add_file(&mut scenarios, &path)?;
                let ours = scenarios.iter().filter(|scenario| scenario.file_name() == name);
                tell!("{}: nothing is wrong with it", path.display());
                ours.for_each(|scenario| tell!("  {scenario}"));
            }
        }
        ScenariosCommand::Schema => tell!("{:#}", Scenarios::schema()),
        ScenariosCommand::Choose(ChooseArgs { scenario, target }) => {
            let body = if is_file(&scenario) {
                let path = Path::new(&scenario);
                json!({ "name": name_of(path)?, "toml": read(path)? })
            } else {
                json!({ "name": scenario })
            };
            tell_world(&target.ask(Method::PUT, "/scenario", Some(&body)).await?);
        }
        ScenariosCommand::Leave { target } => {
            tell_world(&target.ask(Method::DELETE, "/scenario", None).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list() {
    let scenarios = Scenarios::default();
    let width = scenarios.iter().map(|scenario| label(scenario).len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in scenarios.iter() {
        let _ = writeln!(text, "{:<width$}  {}", label(scenario), scenario.summary());
    }
    tell!(
        "{text}\nChoose one by the key `sk-mock-NAME` (or `sk-mock-NAME.my-test`, for a world of its own), by the \
         metadata\n`mock_scenario` of a batch, by `--scenario NAME`, or on a running mock by `batchmock scenarios \
         choose NAME`.\nA variant is called with the name of its scenario: `cancel-partial:slow`. `batchmock scenarios \
         show NAME` tells more."
    );
}

/// How a scenario stands in the list: a variant a little to the right, by its own name.
fn label(scenario: &Scenario) -> String {
    match scenario.variant() {
        None => scenario.name(),
        Some(variant) => format!("  :{variant}"),
    }
}

fn show(ShowArgs { scenario: name, lines, toml }: &ShowArgs) -> Result<(), Failure> {
    let mut scenarios = Scenarios::default();
    let name = if is_file(name) { add_file(&mut scenarios, Path::new(name))? } else { name.clone() };
    let scenario = scenarios.get(&name).map_err(Failure::usage)?;
    if *toml {
        tell!("{}", scenario.source().trim_end());
        return Ok(());
    }
    tell!("{scenario}\n\n{}", scenario.timeline(*lines));
    for particular in scenario.particulars() {
        tell!("{particular}");
    }
    if scenario.variant().is_none() {
        for variant in scenarios.iter().filter(|other| other.variant().is_some() && other.file_name() == name)
        {
            tell!("variant {variant}");
        }
    }
    Ok(())
}

fn tell_world(scenario: &Value) {
    match (scenario["name"].as_str(), scenario["summary"].as_str()) {
        (Some(name), Some(summary)) => tell!("The world is in the scenario {name}: {summary}"),
        _ => tell!("The world is in no scenario."),
    }
}

/// Whether a path is meant, and not a name.
fn is_file(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|end| end.eq_ignore_ascii_case("toml"))
}

/// Adds the scenario of a file, and tells its name.
pub(super) fn add_file(scenarios: &mut Scenarios, path: &Path) -> Result<String, Failure> {
    let (name, text) = (name_of(path)?, read(path)?);
    scenarios.add_toml(&name, &text).map_err(|error| {
        Failure::file(format!("cannot understand the scenario in {}: {error}", path.display()))
    })?;
    Ok(name)
}

fn name_of(path: &Path) -> Result<String, Failure> {
    let name = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    name.ok_or_else(|| Failure::file(format!("{} is no name of a file of a scenario", path.display())))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::file(format!("cannot read the scenario in {}: {error}", path.display())))
}
