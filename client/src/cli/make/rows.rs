//! Rows, from CSV or JSONL.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Format;
use crate::cli::exit::Failure;

/// A row: its columns with their values.
pub(super) type Row = Map<String, Value>;

/// The rows of a file, one after the other.
pub(super) struct Rows {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Separated { reader: csv::Reader<File>, columns: Vec<String> },
    Jsonl { reader: BufReader<File>, line: u64 },
}

impl Rows {
    /// Opens a file and reads its head, if it has one.
    pub(super) fn open(path: &Path, format: Format) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| Failure::file(path, error))?;
        let delimiter = match format {
            Format::Jsonl => {
                let kind = Kind::Jsonl { reader: BufReader::new(file), line: 0 };
                return Ok(Self { path: path.to_owned(), kind });
            }
            Format::Csv => b',',
            Format::Tsv => b'\t',
        };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
        let head = reader.headers().map_err(|error| not_separated(path, &error))?;
        let columns: Vec<_> =
            head.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        for (at, name) in columns.iter().enumerate() {
            if columns[..at].contains(name) {
                let why = format!(
                    "{}:1: there are two columns {name:?}; each needs a name of its own",
                    path.display()
                );
                return Err(Failure::rejected(why));
            }
        }
        Ok(Self { path: path.to_owned(), kind: Kind::Separated { reader, columns } })
    }

    /// The columns that every row has, if there is a head.
    pub(super) fn columns(&self) -> Option<&[String]> {
        if let Kind::Separated { columns, .. } = &self.kind { Some(columns) } else { None }
    }

    /// The next row, and the line at which it begins.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Row)>, Failure> {
        let Self { path, kind } = self;
        match kind {
            Kind::Separated { reader, columns } => {
                let mut record = csv::StringRecord::new();
                if !reader.read_record(&mut record).map_err(|error| not_separated(path, &error))? {
                    return Ok(None);
                }
                let line = record.position().map_or(0, csv::Position::line);
                let values = record.iter().map(Value::from);
                Ok(Some((line, columns.iter().cloned().zip(values).collect())))
            }
            Kind::Jsonl { reader, line } => loop {
                let mut text = String::new();
                *line += 1;
                if reader.read_line(&mut text).map_err(|error| super::unreadable(path, error))? == 0 {
                    return Ok(None);
                }
                if text.trim().is_empty() {
                    continue;
                }
                let text = text.trim_start_matches('\u{feff}');
                let row = serde_json::from_str(text).map_err(|error| {
                    let why = error.to_string();
                    let why = why.split(" at line ").next().unwrap_or(&why).to_owned();
                    let (path, column) = (path.display(), error.column());
                    Failure::rejected(format!("{path}:{line}:{column}: a row should be a JSON object: {why}"))
                })?;
                return Ok(Some((*line, row)));
            },
        }
    }
}

fn not_separated(path: &Path, error: &csv::Error) -> Failure {
    if let csv::ErrorKind::UnequalLengths { pos: Some(at), expected_len, len } = error.kind() {
        let line = at.line();
        let why = format!("the row has {len} values for {expected_len} columns");
        return Failure::rejected(format!(
            "{}:{line}: {why}; a value with a comma in it needs quotes",
            path.display()
        ));
    }
    if let csv::ErrorKind::Utf8 { pos, .. } = error.kind() {
        let line = pos.as_ref().map_or(1, csv::Position::line);
        return Failure::rejected(format!("{}:{line}: it is not UTF-8", path.display()));
    }
    Failure::file(path, error)
}
