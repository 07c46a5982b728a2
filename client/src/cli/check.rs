//! `check`: everything that is wrong with an input, before anything is paid.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use batchmock_client::requests::{Checked, Checks};
use batchmock_client::{Error, Problem};
use clap::Args;
use serde_json::json;

use super::exit::{Failure, REJECTED};
use super::output::{NAME, counted, talk, tell};
use super::service::at_least_one;

/// How many characters of a line are shown before the place that is meant, and after its beginning.
const SHOWN: (usize, usize) = (40, 40);

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The file of requests, one JSON object a line.
    input: PathBuf,

    /// Holds it also against what one batch may be, as `submit` does: one endpoint, one model, 50,000 requests, 200 MB.
    ///
    /// `run` divides its input among batches, and asks for none of this.
    #[arg(long)]
    one_batch: bool,

    #[command(flatten)]
    endpoints: EndpointArgs,

    /// How many problems are told at most; reading ends with the last of them.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    max_problems: usize,

    /// Prints JSON, a line for each problem, or one for the whole if there is none.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let path = &args.input;
    let EndpointArgs { any_endpoint } = args.endpoints;
    let CheckArgs { one_batch: is_one_batch, max_problems, .. } = *args;
    let checks = Checks { is_one_batch, any_endpoint, max_problems, ..Checks::default() };
    let error = match checks.file(path) {
        Ok(checked) => {
            told(args, &checked);
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) if error.is_input() => error,
        Err(error) => return Err(error.into()),
    };
    if args.json {
        for Problem { line, column, message } in error.problems() {
            tell!("{}", json!({"line": line, "column": column, "message": message}));
        }
    } else {
        tell!("{}", shown(path, error.problems()));
    }
    talk!("{}", verdict(path, &error, max_problems));
    Ok(ExitCode::from(REJECTED))
}

fn told(args: &CheckArgs, checked: &Checked) {
    if args.json {
        let groups: Vec<_> =
            checked.groups().map(|(endpoint, model)| json!({"endpoint": endpoint, "model": model})).collect();
        tell!("{}", json!({"requests": checked.requests(), "bytes": checked.bytes(), "groups": groups}));
        return;
    }
    let mut text = format!(
        "{}: {}, {}",
        args.input.display(),
        counted(checked.requests(), "request"),
        counted(usize::try_from(checked.bytes()).unwrap_or(usize::MAX), "byte"),
    );
    for (endpoint, model) in checked.groups() {
        let model = if model.is_empty() { "no model" } else { model };
        let _ = write!(text, "\n  {endpoint}, {model}");
    }
    tell!("{text}");
}

/// Which endpoints requests may be for.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct EndpointArgs {
    /// Takes requests for endpoints that the Batch API does not have, as those of compatible servers.
    #[arg(long)]
    pub(super) any_endpoint: bool,
}

/// What the library found, as a failure of another command: with lines and markers.
pub(super) fn failure(path: &Path, error: Error) -> Failure {
    if error.is_input() {
        talk!("{}", shown(path, error.problems()));
        Failure::rejected(format!(
            "{}; nothing was sent",
            verdict(path, &error, Checks::default().max_problems)
        ))
    } else {
        error.into()
    }
}

fn verdict(path: &Path, error: &Error, max_problems: usize) -> String {
    let number = error.problems().len();
    let found = format!("{} has {}", path.display(), counted(number, "problem"));
    if number < max_problems {
        found
    } else {
        format!("{found}, and maybe more: `{NAME} check --max-problems {}` looks further", number * 10)
    }
}

/// All problems, each with its line and a marker under what is meant.
fn shown(path: &Path, problems: &[Problem]) -> String {
    let lines = lines(path, problems);
    let mut text = String::new();
    for problem in problems {
        if !text.is_empty() {
            text.push('\n');
        }
        let Problem { line, column, message } = problem;
        let _ = write!(text, "{}:{line}:{column}: {message}", path.display());
        if let Some(bytes) = lines.get(line).filter(|bytes| !bytes.is_empty()) {
            let (part, marker) = marked(bytes, *column);
            let (number, blank) = (line.to_string(), " ".repeat(line.to_string().len()));
            let _ = write!(text, "\n  {number} | {part}\n  {blank} | {marker}");
        }
    }
    text
}

/// The lines that have problems. What cannot be read any more is not shown.
fn lines(path: &Path, problems: &[Problem]) -> BTreeMap<u64, Vec<u8>> {
    let mut found: BTreeMap<_, _> = problems.iter().map(|problem| (problem.line, Vec::new())).collect();
    let Ok(file) = File::open(path) else { return found };
    let last = found.keys().next_back().copied().unwrap_or_default();
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    for number in 1..=last {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => break,
        }
        if let Some(place) = found.get_mut(&number) {
            let text = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line };
            *place = text.trim_ascii_end().to_vec();
        }
    }
    found
}

/// The part of a line around a column, and a marker under what begins there.
fn marked(line: &[u8], column: usize) -> (String, String) {
    let at = column.saturating_sub(1).min(line.len());
    let plain = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<Vec<char>>()
    };
    let (before, after) = (plain(&line[..at]), plain(&line[at..]));
    let meant = plain(&line[at..at + meant(&line[at..], column)]).len();
    let cut = before.len().saturating_sub(SHOWN.0);
    let mut part: String = if cut > 0 { "…".to_owned() } else { String::new() };
    part.extend(&before[cut..]);
    let indent = part.chars().count();
    part.extend(after.iter().take(SHOWN.1));
    let is_cut = after.len() > SHOWN.1;
    if is_cut {
        part.push('…');
    }
    let marker = "^".repeat(meant.clamp(1, SHOWN.1));
    (part, format!("{}{marker}", " ".repeat(indent)))
}

/// How many bytes belong to the value at the beginning of a text. At the first column the whole line is meant, of
/// which the beginning is marked.
fn meant(text: &[u8], column: usize) -> usize {
    if column == 1 {
        return text.len().min(1);
    }
    if std::str::from_utf8(text).is_err_and(|error| error.valid_up_to() == 0) {
        return 1;
    }
    if text.first() == Some(&b'"') {
        let mut escaped = false;
        for (at, byte) in text.iter().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => return at + 1,
                _ => {}
            }
        }
        return text.len();
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:\"{}[]".contains(byte);
    text.iter().position(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_under_what_is_meant() {
        let line = r#"{"custom_id":"a","method":"GET"}"#;
        let (part, marker) = marked(line.as_bytes(), 27);
        assert_eq!((part.as_str(), marker.as_str()), (line, &*format!("{}^^^^^", " ".repeat(26))));
        // Columns are bytes, markers stand under characters.
        let (_, marker) = marked(r#"{"custom_id":"é","method":1}"#.as_bytes(), 28);
        assert_eq!(marker, format!("{}^", " ".repeat(26)));
        let long = format!("{{\"a\":\"{}\",\"b\":x}}", "y".repeat(100));
        let at = long.find('x').unwrap();
        let (part, marker) = marked(long.as_bytes(), at + 1);
        assert_eq!(part.chars().nth(marker.chars().count() - 1), Some('x'), "{part}");
        assert_eq!(marked(b"", 1), (String::new(), "^".to_owned()));
        assert_eq!(marked(b"no", 99).1, "  ^");
    }
}
