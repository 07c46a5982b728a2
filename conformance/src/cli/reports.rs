//! Reports: told at the end of a run, and told once more from a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use batchmock_conformance::report::{self, Diff, Form, Matrix, Report};

use super::args::Asked;
use super::{Failure, complain, fault, say, usage};

/// Whether reports have places to go to, before anything is done.
pub(super) fn can_go_out(asked: &[Asked]) -> Result<(), Failure> {
    let mut to_stdout = asked.iter().filter(|asked| asked.file.is_none());
    match (to_stdout.next(), to_stdout.next()) {
        (Some(_), Some(second)) => Err(usage(format!(
            "two reports cannot both go to the standard output: give one a file, such as {}=FILE",
            second.form
        ))),
        _ => Ok(()),
    }
}

/// Tells a report in all forms that were asked for; and in a line, where nothing else is shown.
pub(super) fn tell(report: &Report, asked: &[Asked]) -> Result<(), Failure> {
    write(asked, |form| form.of(report))?;
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

/// `diff`.
pub(super) fn diff(before: &Path, after: &Path, only_worse: bool, asked: &[Asked]) -> Result<u8, Failure> {
    can_go_out(asked)?;
    are_of("a difference", &[Form::Text, Form::Markdown, Form::Json], asked)?;
    let mut diff = Diff::of(&read(before)?, &read(after)?).map_err(|error| usage(error.to_string()))?;
    if only_worse {
        diff = diff.only_worse();
    }
    write(asked, |form| match form {
        Form::Json => diff.json(),
        Form::Markdown => diff.markdown(),
        Form::Text | Form::Junit | Form::Tap | Form::Html => diff.text(),
    })?;
    Ok(u8::from(!diff.changes.is_empty()))
}

/// `matrix`.
pub(super) fn matrix(files: &[PathBuf], all: bool, asked: &[Asked]) -> Result<u8, Failure> {
    can_go_out(asked)?;
    are_of("a matrix", &[Form::Text, Form::Markdown, Form::Html], asked)?;
    let reports: Vec<_> = files.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let matrix = Matrix::of(&reports).map_err(|error| usage(error.to_string()))?;
    write(asked, |form| match form {
        Form::Html => matrix.html(),
        Form::Markdown => matrix.markdown(all),
        Form::Text | Form::Junit | Form::Tap | Form::Json => matrix.text(all),
    })?;
    Ok(0)
}

/// Whether all forms that were asked for are some that there are of a thing.
fn are_of(thing: &str, there: &[Form], asked: &[Asked]) -> Result<(), Failure> {
    match asked.iter().find(|asked| !there.contains(&asked.form)) {
        None => Ok(()),
        Some(Asked { form, .. }) => {
            let there: Vec<_> = there.iter().map(|form| format!("`{form}`")).collect();
            Err(usage(format!("`{form}` is no form of {thing}: there are {}", there.join(", "))))
        }
    }
}

fn write(asked: &[Asked], told: impl Fn(Form) -> String) -> Result<(), Failure> {
    for Asked { form, file } in asked {
        let text = told(*form);
        match file {
            None => say(&text)?,
            Some(path) => fs::write(path, text)
                .map_err(|error| fault(format!("{} cannot be written: {error}", path.display())))?,
        }
    }
    Ok(())
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
