//! `batchmock lines`

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use batchmock::{DecidedBy, LineRules, RuleTrial, TriedLine};
use clap::{Args, Subcommand};

use super::exit::Failure;
use super::mock_args::read_rules;
use super::output;

#[derive(Debug, Args)]
pub(super) struct LinesArgs {
    #[command(subcommand)]
    command: LinesCommand,
}

#[derive(Debug, Subcommand)]
enum LinesCommand {
    /// Say whether rules are right, and which of them decides about which line of an input.
    Check(CheckArgs),
    /// Print the JSON Schema of files of rules, for editors.
    Schema,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Files of rules, in the order in which `--lines` would take them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The input of a batch, to try the rules out on.
    #[arg(long, value_name = "JSONL")]
    input: Option<PathBuf>,

    /// Say of every line of the input what is decided about it, and not only of some.
    #[arg(long, requires = "input")]
    each: bool,
}

/// Does what was asked.
pub(super) fn run(args: LinesArgs) -> Result<ExitCode, Failure> {
    match args.command {
        LinesCommand::Schema => output::write(format_args!("{}", LineRules::SCHEMA)),
        LinesCommand::Check(CheckArgs { files, input, each }) => {
            let mut report = Report::default();
            let mut all = LineRules::default();
            for path in &files {
                let rules = read_rules(path)?;
                let name = if files.len() > 1 { format!("{}: ", path.display()) } else { String::new() };
                report.rules.extend(rules.iter().map(|rule| format!("{name}{rule}")));
                all.append(rules);
            }
            if let Some(path) = &input {
                report.lines = Some(try_out(all, path, each)?);
            }
            output::write(format_args!("{report}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How many names are shown of the lines that one rule decides about, unless all are asked for.
const SHOWN: usize = 5;

/// What is told of rules.
#[derive(Debug, Default)]
struct Report {
    rules: Vec<String>,
    lines: Option<Lines>,
}

/// What was decided about the lines of an input.
#[derive(Debug, Default)]
struct Lines {
    by: BTreeMap<Decider, Decided>,
    /// What is no request, with its number.
    bad: Vec<(u64, String)>,
    shows_all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Decider {
    Rule(usize),
    Name,
    Request,
}

#[derive(Debug, Default)]
struct Decided {
    n_lines: usize,
    n_fail: usize,
    names: Vec<String>,
}

fn try_out(rules: LineRules, path: &Path, shows_all: bool) -> Result<Lines, Failure> {
    let failure = |error| Failure::file(format!("cannot read the input in {}: {error}", path.display()));
    let mut trial = RuleTrial::new(rules);
    let mut lines = Lines { shows_all, ..Lines::default() };
    for (line, number) in BufReader::new(File::open(path).map_err(failure)?).lines().zip(1..) {
        let line = line.map_err(failure)?;
        if line.trim().is_empty() {
            continue;
        }
        match trial.next_line(&line) {
            Ok(tried) => lines.add(tried),
            Err(problem) => lines.bad.push((number, problem)),
        }
    }
    Ok(lines)
}

impl Lines {
    fn add(&mut self, TriedLine { custom_id, decided_by, fails }: TriedLine) {
        let by = match decided_by {
            DecidedBy::Rule { place, .. } => Decider::Rule(place),
            DecidedBy::Name => Decider::Name,
            DecidedBy::Request => Decider::Request,
        };
        let decided = self.by.entry(by).or_default();
        decided.n_lines += 1;
        decided.n_fail += usize::from(fails);
        if self.shows_all || decided.names.len() < SHOWN {
            decided.names.push(custom_id);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = match self.rules.len() {
            0 => "There is no rule.".to_owned(),
            1 => "1 rule, and nothing is wrong with it.".to_owned(),
            n => format!("{n} rules, and nothing is wrong with them."),
        };
        writeln!(f, "{all}")?;
        for (rule, number) in self.rules.iter().zip(1..) {
            writeln!(f, "\nrule {number}: {rule}")?;
            if let Some(lines) = &self.lines {
                writeln!(f, "  {}", Told(lines.by.get(&Decider::Rule(number - 1))))?;
            }
        }
        let Some(lines) = &self.lines else { return Ok(()) };
        writeln!(f, "\nby the end of their names\n  {}", Told(lines.by.get(&Decider::Name)))?;
        writeln!(f, "\nby their requests alone\n  {}", Told(lines.by.get(&Decider::Request)))?;
        for (number, problem) in &lines.bad {
            write!(f, "\nline {number} is no request: {problem}")?;
        }
        if lines.bad.is_empty() { Ok(()) } else { writeln!(f) }
    }
}

/// The lines that one decides about.
struct Told<'d>(Option<&'d Decided>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Decided { n_lines, n_fail, names }) = self.0 else { return f.write_str("no line") };
        let plural = if *n_lines == 1 { "" } else { "s" };
        let mut text = format!("{n_lines} line{plural}");
        match n_fail {
            0 => {}
            n if n == n_lines => text.push_str(if *n == 1 { ", which fails" } else { ", which fail" }),
            n => write!(text, ", of which {n} fail{}", if *n == 1 { "s" } else { "" })?,
        }
        let more = if names.len() < *n_lines { ", …" } else { "" };
        write!(f, "{text}: {}{more}", names.join(", "))
    }
}
