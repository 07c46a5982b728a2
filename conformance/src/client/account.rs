//! What a client gives as its account of a task: the result file, and how the program ended.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The JSON Schema of a line of a result file.
pub const SCHEMA: &str = include_str!("schema/result.schema.json");

/// The most bytes of a result file that are read.
pub(crate) const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What a client says that became of one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Of which key.
    pub key: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The status code of the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What can become of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was answered.
    Ok,
    /// It was answered with an error, or cannot be used.
    Error,
    /// It never ran, since the batch expired.
    Expired,
    /// It never ran, since the batch was cancelled.
    Cancelled,
    /// It is told nowhere.
    Missing,
    /// A webhook that was acted upon.
    Handled,
    /// A webhook that had come before.
    Duplicate,
    /// A webhook that is not from the service.
    Refused,
}

/// What a client says of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The batches that it made or collected.
    #[serde(default)]
    pub batch_ids: Vec<String>,
    /// The last status of the last of them.
    #[serde(default)]
    pub status: Option<String>,
    /// Why a batch failed.
    #[serde(default)]
    pub errors: Vec<Problem>,
    /// The tokens of all lines.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// What it told its caller.
    #[serde(default)]
    pub message: Option<String>,
}

/// An entry of `errors.data` of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong, in a word.
    #[serde(default)]
    pub code: Option<String>,
    /// In which line of the input.
    #[serde(default)]
    pub line: Option<u64>,
    /// What is wrong, in words.
    #[serde(default)]
    pub message: Option<String>,
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Of the requests.
    #[serde(default)]
    pub input_tokens: u64,
    /// Of the answers.
    #[serde(default)]
    pub output_tokens: u64,
    /// Of both.
    #[serde(default)]
    pub total_tokens: u64,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By itself, with this exit code: 0 says that the account is complete, 1 that the caller is told of an error.
    Exit(i32),
    /// By a signal that was not ours: it crashed.
    Crash(String),
    /// It was ended when its time was over.
    OutOfTime,
    /// It was ended since it asked for an ended batch again and again.
    Endless,
    /// It was ended on purpose, to be started again.
    OnPurpose,
    /// It does not know what was asked.
    Unsupported(String),
    /// It could not be started, or not be asked.
    NotStarted(String),
    /// Nobody knows: it was not started by the suite.
    Unknown,
}

/// The account of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// How the program ended.
    pub end: End,
    /// The lines of the result file; none if there is no such file.
    lines: Vec<Line>,
    /// Where the lines of each key are.
    by_key: HashMap<String, Vec<usize>>,
    /// The summary of the result file.
    pub summary: Summary,
    /// Lines that cannot be read, and why.
    pub unreadable: Vec<String>,
    /// Whether there is a result file.
    pub has_file: bool,
    /// The end of what the program wrote to its standard error.
    pub stderr: String,
}

impl Account {
    /// The account of a program that has said nothing.
    pub fn silent(end: End) -> Self {
        Self {
            end,
            lines: Vec::new(),
            by_key: HashMap::new(),
            summary: Summary::default(),
            unreadable: Vec::new(),
            has_file: false,
            stderr: String::new(),
        }
    }

    /// Reads a result file.
    pub fn read(&mut self, bytes: &[u8]) {
        self.has_file = true;
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match read_line(line) {
                Ok(Read::Line(line)) => self.push(line),
                Ok(Read::Summary(summary)) => self.summary = summary,
                Err(why) => self.unreadable.push(format!("line {}: {why}", at + 1)),
            }
        }
    }

    /// Adds a line.
    pub fn push(&mut self, line: Line) {
        self.by_key.entry(line.key.clone()).or_default().push(self.lines.len());
        self.lines.push(line);
    }

    /// All lines, in their order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines about a key.
    pub fn about(&self, key: &str) -> impl Iterator<Item = &Line> {
        self.by_key.get(key).into_iter().flatten().map(|at| &self.lines[*at])
    }

    /// The keys that are said to be answered, each as often as it is said.
    pub fn claimed(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|line| line.outcome == Outcome::Ok).map(|line| line.key.as_str())
    }

    /// Whether the program ended by itself, in whichever way.
    pub fn ended_by_itself(&self) -> bool {
        matches!(self.end, End::Exit(_) | End::Crash(_))
    }
}

enum Read {
    Line(Line),
    Summary(Summary),
}

fn read_line(line: &[u8]) -> Result<Read, String> {
    let mut value: serde_json::Value =
        serde_json::from_slice(line).map_err(|error| format!("it is no JSON: {error}"))?;
    if let Some(summary) = value.get_mut("summary") {
        let summary = serde_json::from_value(summary.take());
        return summary.map(Read::Summary).map_err(|error| format!("`summary`: {error}"));
    }
    serde_json::from_value(value).map(Read::Line).map_err(|error| error.to_string())
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Missing => "missing",
            Self::Handled => "handled",
            Self::Duplicate => "duplicate",
            Self::Refused => "refused",
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "it ended with exit code {code}"),
            Self::Crash(how) => write!(f, "it crashed: {how}"),
            Self::OutOfTime => f.write_str("it was still running when its time was over"),
            Self::Endless => {
                f.write_str("it went on asking for a batch that had ended, until it was stopped")
            }
            Self::OnPurpose => f.write_str("it was stopped on purpose"),
            Self::Unsupported(why) => write!(f, "it does not support this: {why}"),
            Self::NotStarted(why) => write!(f, "it could not be started: {why}"),
            Self::Unknown => f.write_str("it was not started by the suite"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_file_is_read_line_by_line_and_what_is_wrong_is_told() {
        let mut account = Account::silent(End::Exit(0));
        account.read(
            "{\"key\":\"k-1\",\"outcome\":\"ok\",\"text\":\"a\u{2028}b\",\"more\":1}\r\n\n\
             {\"key\":\"k-2\",\"outcome\":\"fine\"}\nno json\n{\"key\":\"k-3\"}\n\
             {\"summary\":{\"batch_ids\":[\"batch_1\"],\"usage\":{\"total_tokens\":3}}}"
                .as_bytes(),
        );
        assert_eq!(account.lines().len(), 1);
        assert_eq!(account.lines()[0].text.as_deref(), Some("a\u{2028}b"));
        assert_eq!(account.summary.batch_ids, ["batch_1"]);
        assert_eq!(account.summary.usage.unwrap().total_tokens, 3);
        insta::assert_snapshot!(account.unreadable.join("\n"));
    }
}
