//! Where the evidence about the service contradicts itself, or changed over time: switches, each with a
//! stated default.
//!
//! The first value of a switch is its default. What is merely unknown is no switch but a documented choice.

use std::fmt;

use crate::nearest::{nearest, quoted};

/// What is known of a switch, for help and documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwitchInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it decides.
    pub summary: &'static str,
    /// Its values, the default first, each with what it means and what speaks for it.
    pub values: &'static [(&'static str, &'static str)],
}

/// Why a switch cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SwitchError(String);

/// Defines the switches: one enumeration each, the struct of all of them, and what is told about them.
macro_rules! switches {
    ($(
        $(#[doc = $summary:literal])+
        $field:ident, $name:literal: $kind:ident {
            $(#[doc = $first_summary:literal])+
            $first:ident = $first_name:literal,
            $($(#[doc = $value_summary:literal])+ $value:ident = $value_name:literal,)+
        }
    )+) => {
        $(
            $(#[doc = $summary])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
            pub enum $kind {
                $(#[doc = $first_summary])+
                #[default]
                $first,
                $($(#[doc = $value_summary])+ $value,)+
            }
        )+

        /// All switches.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Switches {
            $($(#[doc = $summary])+ pub $field: $kind,)+
        }

        impl Switches {
            /// What is known of each switch.
            pub const ALL: &[SwitchInfo] = &[$(
                SwitchInfo {
                    name: $name,
                    summary: concat!($($summary),+),
                    values: &[
                        ($first_name, concat!($($first_summary),+)),
                        $(($value_name, concat!($($value_summary),+)),)+
                    ],
                },
            )+];

            /// The name and the value of each switch.
            pub fn values(&self) -> Vec<(&'static str, &'static str)> {
                vec![$(
                    ($name, match self.$field {
                        $kind::$first => $first_name,
                        $($kind::$value => $value_name,)+
                    }),
                )+]
            }

            /// Sets a switch by name.
            ///
            /// # Errors
            ///
            /// If there is no such switch, or it has no such value; the message names those there are.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), SwitchError> {
                match (name, value) {
                    $(
                        ($name, $first_name) => self.$field = $kind::$first,
                        $(($name, $value_name) => self.$field = $kind::$value,)+
                    )+
                    _ => return Err(Self::error(name, value)),
                }
                Ok(())
            }
        }
    };
}

switches! {
    /// What becomes of a batch whose input file does not exist, no longer exists, or is another account's.
    missing_input, "missing-input": MissingInput {
        /// The batch is created, and fails in validation: seen in 2025 and 2026 (F-232).
        FailsBatch = "fails-batch",
        /// The batch is not created, status 400: seen in 2024 (F-232).
        RefusesCreate = "refuses-create",
    }

    /// What becomes of a second create with the same `Idempotency-Key`.
    idempotency_key, "idempotency-key": IdempotencyKey {
        /// Another batch: nothing says that the service looks at the key (assumed).
        Ignored = "ignored",
        /// The batch that was created first is given again, while the mock runs: nothing says so either (assumed).
        GivesAgain = "gives-again",
    }

    /// What an upload for a batch shows as `expires_at`.
    upload_expiry, "upload-expiry": UploadExpiry {
        /// The time: seen since 2025-10 (F-102).
        Shown = "shown",
        /// Null, and the time on the first retrieve: seen in 2025-03 and 2025-04 (F-505).
        ShownLater = "shown-later",
    }

    /// When a batch shows its model.
    model_shown, "model-shown": ModelShown {
        /// From `in_progress` on: most recordings (F-204).
        InProgress = "in-progress",
        /// A second before, still in `validating`: one recording of 2026-08 (F-204).
        Before = "before",
    }

    /// In which order lines end, and so stand in result files.
    result_order, "result-order": ResultOrder {
        /// Never as in the input: documented is that clients must not count on an order (F-362).
        Shuffled = "shuffled",
        /// As in the input: the recordings of two lines of 2026 (F-362).
        AsInput = "as-input",
    }

    /// What stands for a result file that does not exist.
    absent_file_id, "absent-file-id": AbsentFileId {
        /// Null: in every recording (F-212).
        Null = "null",
        /// In a final state, the empty text: one client's report of 2026-07 (F-212).
        Empty = "empty",
    }

    /// Whether a batch that was cancelled while validating has an error file, with no line in it.
    error_file_of_unstarted, "error-file-of-unstarted": ErrorFileOfUnstarted {
        /// It has none: recordings of 2025, and 1,022 listed batches (F-264).
        Absent = "absent",
        /// It has one: three of four recordings of 2024.
        Present = "present",
    }

    /// In which file lines stand that were answered with an error.
    failed_lines, "failed-lines": FailedLines {
        /// In the error file: the service (F-356).
        InErrorFile = "in-error-file",
        /// In the output file: some compatible servers.
        InOutputFile = "in-output-file",
    }

    /// Whether lines that never ran, since their batch expired or was cancelled, are told.
    unfinished_lines, "unfinished-lines": UnfinishedLines {
        /// In the error file: documented for batches that expire (F-272, F-357).
        InErrorFile = "in-error-file",
        /// They are not: what an error file may lack was seen (F-360), that it lacks these is assumed.
        Absent = "absent",
    }

    /// What a batch that expired, or was cancelled while running, shows as `usage`.
    partial_usage, "partial-usage": PartialUsage {
        /// Zeros: recorded, but of batches older than the field (F-207, F-507).
        Zero = "zero",
        /// The sum over the lines that were answered.
        Summed = "summed",
    }

    /// The code of a line whose `url` is not the endpoint of the batch.
    url_problem, "url-problem": UrlProblem {
        /// `invalid_url`: the service (F-305).
        InvalidUrl = "invalid_url",
        /// `url_mismatch`: Azure's name (F-324).
        UrlMismatch = "url_mismatch",
    }

    /// Whether errors of the file routes say everything twice, in a second key `detail`.
    file_error_detail, "file-error-detail": FileErrorDetail {
        /// They do: seen since 2026 (F-022).
        Present = "present",
        /// They do not: seen until 2026-01 (F-022).
        Absent = "absent",
    }

    /// How a request without a key is refused.
    no_key, "no-key": NoKey {
        /// Batches and responses as the newer front does, all others as the older: where each was seen (F-005,
        /// F-500).
        ByRoute = "by-route",
        /// "You didn't provide an API key. …", everywhere: the older front (F-005).
        DidNotProvide = "did-not-provide",
        /// "Missing bearer or basic authentication in header", everywhere: the newer front (F-500).
        MissingBearer = "missing-bearer",
    }

    /// What a line says that the service broke, with status 500.
    server_error_text, "server-error-text": ServerErrorText {
        /// "The server had an error while processing your request. Sorry about that!": seen in 2026-04 (F-363).
        Sorry = "sorry",
        /// "An error occurred while processing your request. You can retry your request, …", with an id: the
        /// newer wording (F-038), seen in an expired batch (F-364).
        Retry = "retry",
    }

    /// How result files write what is not ASCII.
    result_text, "result-text": ResultText {
        /// Escaped, as Python does by default (F-351, assumed: all recorded files are ASCII).
        Escaped = "escaped",
        /// As it is.
        Raw = "raw",
    }

    /// The form of `request_id` in result lines.
    line_request_id, "line-request-id": LineRequestId {
        /// A dashed UUID: seen in 2026 (F-354).
        Uuid = "uuid",
        /// 32 hexadecimal digits: seen in 2024 and 2025 (F-354).
        Hex = "hex",
    }
}

impl Switches {
    fn error(name: &str, value: &str) -> SwitchError {
        if let Some(switch) = Self::ALL.iter().find(|switch| switch.name == name) {
            let values = quoted(switch.values.iter().map(|(value, _)| *value));
            return SwitchError(format!("the switch `{name}` cannot be `{value}`: there are {values}"));
        }
        let names = || Self::ALL.iter().map(|switch| switch.name);
        let near = nearest(name, names()).unwrap_or_default();
        let names = quoted(names());
        SwitchError(format!("there is no switch `{name}`; the nearest is `{near}`, and there are {names}"))
    }
}

/// One line a switch: its name, its values with the default first, what it decides.
impl fmt::Display for SwitchInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<_> = self.values.iter().map(|(value, _)| *value).collect();
        write!(f, "{}={}  {}", self.name, values.join("|"), self.summary.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_switch_can_be_set_and_the_first_is_the_default() {
        for switch in Switches::ALL {
            let mut switches = Switches::default();
            switches.set(switch.name, switch.values[0].0).unwrap();
            assert_eq!(switches, Switches::default(), "{}", switch.name);
            for (value, _) in &switch.values[1..] {
                switches.set(switch.name, value).unwrap();
                assert_ne!(switches, Switches::default(), "{}={value}", switch.name);
                assert!(switches.values().contains(&(switch.name, value)));
            }
        }
    }

    #[test]
    fn errors_name_what_there_is() {
        let mut switches = Switches::default();
        assert_eq!(
            switches.set("no-key", "shrug").unwrap_err().to_string(),
            "the switch `no-key` cannot be `shrug`: there are `by-route`, `did-not-provide`, \
             `missing-bearer`"
        );
        let error = switches.set("missing-imput", "x").unwrap_err().to_string();
        assert!(
            error.starts_with("there is no switch `missing-imput`; the nearest is `missing-input`"),
            "{error}"
        );
    }
}
