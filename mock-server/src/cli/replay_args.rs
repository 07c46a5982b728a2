//! Recordings to answer from, as the command line names them.

use std::ops::Range;
use std::path::PathBuf;

use batchmock::{Recording, Unrecorded};
use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};

use super::exit::Failure;

/// The flags as clap reads them; which input belongs to which results is in their order.
#[derive(Debug, Args)]
struct Flags {
    /// Answer from a result file as it was downloaded from the service; may be repeated, for the error file and
    /// for those of other batches.
    ///
    /// Lines get what their `custom_id` got: bodies, statuses and errors to the letter. Rules come first.
    #[arg(long, value_name = "FILE")]
    replay: Vec<PathBuf>,

    /// Find results by their requests, which are in this input of their batch, and not by `custom_id`.
    ///
    /// A request gets what an equal body got, whatever the order of keys and the spaces; synchronous calls are answered
    /// so, too. Of several inputs, each belongs to the `--replay` files before it.
    #[arg(long, value_name = "FILE", requires = "replay")]
    replay_input: Vec<PathBuf>,

    /// What becomes of a request for which nothing was recorded.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Missing::Fail, requires = "replay")]
    replay_missing: Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Missing {
    /// It fails, with status 404 and code `no_recording`.
    Fail,
    /// It is answered as without recordings.
    Answer,
}

/// Recordings to answer from.
#[derive(Debug)]
pub(super) struct ReplayArgs {
    groups: Vec<Group>,
    missing: Missing,
}

/// Result files, and the inputs that belong to them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Group {
    results: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
}

impl ReplayArgs {
    /// Reads the files.
    pub(super) fn recordings(&self) -> Result<Vec<Recording>, Failure> {
        let read = |Group { results, inputs }: &Group| {
            let recording = Recording::open(results)?;
            if inputs.is_empty() { Ok(recording) } else { recording.with_input(inputs) }
        };
        let failure = |error: batchmock::RecordingError| Failure::file(format!("cannot replay: {error}"));
        self.groups.iter().map(|group| read(group).map_err(failure)).collect()
    }

    /// What becomes of requests that no recording knows.
    pub(super) fn unrecorded(&self) -> Unrecorded {
        match self.missing {
            Missing::Fail => Unrecorded::Fails,
            Missing::Answer => Unrecorded::IsAnswered,
        }
    }
}

/// Each with the place where it stood on the command line.
type Placed = Vec<(usize, PathBuf)>;

/// Puts results and inputs together. One input belongs to all results; of several each belongs to the results before it,
/// as far back as the input before that.
fn groups(results: Placed, inputs: &Placed) -> Result<Vec<Group>, clap::Error> {
    if let [] | [_] = inputs.as_slice() {
        let group = Group {
            results: results.into_iter().map(|(_, path)| path).collect(),
            inputs: inputs.iter().map(|(_, path)| path.clone()).collect(),
        };
        return Ok(if group.results.is_empty() { Vec::new() } else { vec![group] });
    }
    let between = |places: Range<usize>| -> Vec<PathBuf> {
        results.iter().filter(|(place, _)| places.contains(place)).map(|(_, path)| path.clone()).collect()
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut begins_at = 0;
    for (place, input) in inputs {
        let found = between(begins_at..*place);
        begins_at = *place;
        match groups.last_mut() {
            // Several inputs in a row belong to the same results.
            Some(last) if found.is_empty() => last.inputs.push(input.clone()),
            None if found.is_empty() => {
                let message = format!(
                    "no --replay stands before --replay-input {}: of several inputs, each belongs to the results \
                     before it\n",
                    input.display()
                );
                return Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message));
            }
            _ => groups.push(Group { results: found, inputs: vec![input.clone()] }),
        }
    }
    let rest = between(begins_at..usize::MAX);
    if !rest.is_empty() {
        groups.push(Group { results: rest, inputs: Vec::new() });
    }
    Ok(groups)
}

impl FromArgMatches for ReplayArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Flags { replay, replay_input, replay_missing } = Flags::from_arg_matches(matches)?;
        let placed = |name: &str, paths: Vec<PathBuf>| -> Placed {
            matches.indices_of(name).into_iter().flatten().zip(paths).collect()
        };
        let groups = groups(placed("replay", replay), &placed("replay_input", replay_input))?;
        Ok(Self { groups, missing: replay_missing })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for ReplayArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Flags::augment_args_for_update(command)
    }
}

/// How many problems are told one by one.
const TOLD: usize = 20;

/// Tells what of the recordings cannot be replayed.
#[expect(clippy::print_stderr, reason = "talk goes to standard error")]
pub(super) fn tell_problems(recordings: &[Recording]) {
    let problems: Vec<_> = recordings.iter().flat_map(Recording::problems).collect();
    for problem in problems.iter().take(TOLD) {
        eprintln!("batchmock: cannot replay {problem}");
    }
    if problems.len() > TOLD {
        eprintln!("batchmock: cannot replay {} more lines", problems.len() - TOLD);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        replay: ReplayArgs,
    }

    /// Files by letters: results are small, inputs are capital.
    fn grouped(letters: &str) -> String {
        let flags = letters.chars().flat_map(|letter| {
            let flag = if letter.is_lowercase() { "--replay" } else { "--replay-input" };
            [flag.to_owned(), letter.to_string()]
        });
        match Command::try_parse_from(["batchmock".to_owned()].into_iter().chain(flags)) {
            Ok(Command { replay }) => {
                let name =
                    |paths: &[PathBuf]| paths.iter().map(|path| path.to_str().unwrap()).collect::<String>();
                let groups = replay.groups.iter();
                groups
                    .map(|Group { results, inputs }| name(results) + &name(inputs))
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn an_input_belongs_to_the_results_before_it() {
        assert_eq!(grouped(""), "");
        assert_eq!(grouped("ab"), "ab");
        assert_eq!(grouped("abA"), "abA");
        assert_eq!(grouped("Aab"), "abA", "one belongs to all");
        assert_eq!(grouped("aAbcBd"), "aA bcB d");
        assert_eq!(grouped("aABbC"), "aAB bC");
        assert_eq!(
            grouped("AaB"),
            "error: no --replay stands before --replay-input A: of several inputs, each belongs to the results before it"
        );
        assert!(
            grouped("A").starts_with("error: the following required arguments were not provided"),
            "{}",
            grouped("A")
        );
    }
}
