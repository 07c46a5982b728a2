//! Reports: told at the end of a run, and told once more from a file.

use std::fs;
use std::io;
use std::path::Path;

use batchmock_conformance::report::{self, Report};

use super::args::Asked;
use super::{Failure, complain, fault, say, usage};

/// Whether reports have places to go to, before anything is done.
pub(super) fn can_go_out(asked: &[Asked]) -> Result<(), Failure> {
    let to_stdout: Vec<_> =
        asked.iter().filter(|asked| asked.file.is_none()).map(|asked| asked.form).collect();
    match to_stdout.as_slice() {
        [_, second, ..] => Err(usage(format!(
            "two reports cannot both go to the standard output: give one a file, such as --report {second}=FILE"
        ))),
        [] | [_] => Ok(()),
    }
}

/// Tells a report in all forms that were asked for; and in a line, where nothing else is shown.
pub(super) fn tell(report: &Report, asked: &[Asked]) -> Result<(), Failure> {
    for Asked { form, file } in asked {
        let text = form.of(report);
        match file {
            None => say(&text)?,
            Some(path) => fs::write(path, text)
                .map_err(|error| fault(format!("{} cannot be written: {error}", path.display())))?,
        }
    }
    if asked.iter().all(|asked| asked.file.is_some()) {
        complain(&report.in_a_line());
    }
    Ok(())
}

/// `report`.
pub(super) fn report(file: &Path, asked: &[Asked], without_exchanges: bool) -> Result<u8, Failure> {
    can_go_out(asked)?;
    let mut report = read(file)?;
    if without_exchanges {
        report = report.without_exchanges();
    }
    tell(&report, asked)?;
    Ok(report.conclusion().exit_code())
}

/// A report from a file, or from the standard input if that is called `-`.
pub(super) fn read(file: &Path) -> Result<Report, Failure> {
    let (name, text) = if file == Path::new("-") {
        ("the standard input".to_owned(), io::read_to_string(io::stdin()))
    } else {
        (file.display().to_string(), fs::read_to_string(file))
    };
    let text = text.map_err(|error| usage(format!("{name} cannot be read: {error}")))?;
    report::read(&text).map_err(|error| usage(format!("{name}: {error}")))
}
