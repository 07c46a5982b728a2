//! `make`: a file of requests from a template and rows.

mod rows;
mod template;

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::exit::Failure;
use super::output::{self, counted, talk};
use super::whole::{ForceArgs, WholeFile};
use rows::Rows;
use template::Template;

#[derive(Debug, Args)]
pub(super) struct MakeArgs {
    /// A JSON file with one request as batches have them; `{column}` in its texts stands for the row's value.
    ///
    /// A text that is a placeholder and nothing else becomes the value itself, which in JSONL may be a number or more.
    /// Braces that are meant are doubled. Without a `custom_id`, rows are called row-1, row-2 and so on.
    template: PathBuf,

    /// The rows: CSV or TSV with a head, or JSONL.
    rows: PathBuf,

    /// Where the requests go; standard output if not given.
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,

    #[command(flatten)]
    force: ForceArgs,

    /// What the rows are, if their file's name does not say so.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values, the first row naming the columns.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// One JSON object a line.
    Jsonl,
}

pub(super) fn run(args: &MakeArgs) -> Result<ExitCode, Failure> {
    let template = read_template(&args.template)?;
    let rows = Rows::open(&args.rows, args.format.map_or_else(|| format_of(&args.rows), Ok)?)?;
    let count = if let Some(path) = &args.output {
        let mut to = WholeFile::create(path, args.force)?;
        let count = make(&template, rows, args, &mut to, |error| Failure::file(path, error))?;
        to.finish()?;
        count
    } else {
        let mut to = BufWriter::new(std::io::stdout());
        make(&template, rows, args, &mut to, |error| output::unwritable(&error))?
    };
    talk!("{} made", counted(count, "request"));
    Ok(ExitCode::SUCCESS)
}

fn read_template(path: &Path) -> Result<Template, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let request = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let (why, place) = (error.to_string(), format!("{}:{}", error.line(), error.column().max(1)));
        let why = why.split(" at line ").next().unwrap_or(&why);
        let what = "the template should be one JSON object";
        Failure::rejected(format!("{}:{place}: {what}: {why}", path.display()))
    })?;
    Template::of(request).map_err(|why| Failure::rejected(format!("{}: {why}", path.display())))
}

/// A file that cannot be read; what is no text is wrong with the file, not with the machine.
fn unreadable(path: &Path, error: io::Error) -> Failure {
    if error.kind() == io::ErrorKind::InvalidData {
        Failure::rejected(format!("{}: it is not UTF-8", path.display()))
    } else {
        Failure::file(path, error)
    }
}

fn format_of(path: &Path) -> Result<Format, Failure> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("tsv") => Ok(Format::Tsv),
        Some("jsonl" | "ndjson") => Ok(Format::Jsonl),
        _ => Err(Failure::file(
            path,
            "its name does not say what it is; say so with --format csv, tsv or jsonl",
        )),
    }
}

/// Writes a line for each row, and gives their number.
fn make(
    template: &Template,
    mut rows: Rows,
    args: &MakeArgs,
    to: &mut impl Write,
    at: impl Fn(std::io::Error) -> Failure,
) -> Result<usize, Failure> {
    let mut by_name: HashMap<String, u64> = HashMap::new();
    let mut count = 0;
    if let Some(columns) = rows.columns() {
        if columns.is_empty() {
            let why = "it is empty; its first row should name the columns";
            return Err(Failure::rejected(format!("{}: {why}", args.rows.display())));
        }
        let wrong = |why| Failure::rejected(format!("{}: {why}", args.template.display()));
        template.check(columns).map_err(wrong)?;
    }
    while let Some((line, row)) = rows.next()? {
        count += 1;
        let wrong = |why: String| Failure::rejected(format!("{}:{line}: {why}", args.rows.display()));
        let (name, request) = template.fill(&row, count).map_err(wrong)?;
        if let Some(first) = by_name.get(&name) {
            let why = format!(
                "custom_id {name:?} is that of line {first} already; take one that each row has its own of"
            );
            return Err(wrong(why));
        }
        by_name.insert(name, line);
        to.write_all(request.as_bytes()).and_then(|()| to.write_all(b"\n")).map_err(&at)?;
    }
    if count == 0 {
        return Err(Failure::rejected(format!("{}: there are no rows", args.rows.display())));
    }
    to.flush().map_err(&at)?;
    Ok(count)
}
