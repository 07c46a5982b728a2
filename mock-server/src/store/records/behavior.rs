//! What batches were created with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ScenarioRow, damaged};
use crate::answers::{Answers, LineRule, LineRules, Recording, Unrecorded};
use crate::responder::{AnswerStyle, Responder};
use crate::sim::{Amount, Milestone, Pace, PaceDuration, Progress};
use crate::switches::Switches;
use crate::world::Behavior;

/// What a batch was created with. All switches are there, also those that have their default: it may be another
/// one in the next release.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct BehaviorRow {
    pace: PaceRow,
    seed: u64,
    answers: AnswersRow,
    /// As the command line takes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<ReplayRow>,
    switches: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scenario: Option<ScenarioRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PaceRow {
    validating_for: DurationRow,
    in_progress_for: DurationRow,
    finalizing_for: DurationRow,
    cancelling_for: DurationRow,
    expiry_noticed_after: DurationRow,
    expiring_for: DurationRow,
    count_updates: ProgressRow,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    while_cancelling: Vec<MilestoneRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancelled_after: Option<Duration>,
}

/// A number of steps, or a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum ProgressRow {
    Steps(u32),
    Milestones(Vec<MilestoneRow>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MilestoneRow {
    after: Duration,
    ended: AmountRow,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AmountRow {
    Lines(u32),
    /// As a decimal text, which gives the same number again to the last bit.
    Share(String),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DurationRow {
    Fixed(Duration),
    /// Shares and seconds as decimal texts, which give the same numbers again to the last bit.
    Quantiles(Vec<(String, String)>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswersRow {
    Canary,
    Echo,
}

/// The recordings that answer, and what becomes of other requests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayRow {
    recordings: Vec<RecordingRow>,
    unrecorded: UnrecordedRow,
}

/// A recording, by its files. What was in them is not kept, but whether it is still the same.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordingRow {
    results: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<String>,
    /// In hexadecimal digits.
    fingerprint: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UnrecordedRow {
    Fails,
    IsAnswered,
}

impl BehaviorRow {
    pub(in crate::store) fn new(behavior: &Behavior) -> Self {
        let Behavior { pace, responder, answers, switches, scenario } = behavior;
        Self {
            pace: PaceRow::new(pace),
            seed: responder.seed(),
            answers: match responder.style() {
                AnswerStyle::Canary => AnswersRow::Canary,
                AnswerStyle::Echo => AnswersRow::Echo,
            },
            rules: answers.rules().iter().map(LineRule::to_string).collect(),
            replay: ReplayRow::new(answers.recordings()),
            switches: switches
                .values()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            scenario: scenario.as_deref().map(ScenarioRow::new),
        }
    }

    pub(in crate::store) fn behavior(self) -> io::Result<Behavior> {
        let Self { pace, seed, answers, rules, replay, switches: values, scenario } = self;
        let style = match answers {
            AnswersRow::Canary => AnswerStyle::Canary,
            AnswersRow::Echo => AnswerStyle::Echo,
        };
        let rule = |rule: String| rule.parse::<LineRule>().map_err(damaged);
        let rules = LineRules::new(rules.into_iter().map(rule).collect::<io::Result<_>>()?);
        let (recordings, unrecorded) = replay.map_or(Ok(Default::default()), ReplayRow::recordings)?;
        let mut switches = Switches::default();
        for (name, value) in &values {
            switches.set(name, value).map_err(damaged)?;
        }
        Ok(Behavior {
            pace: pace.pace()?,
            responder: Arc::new(Responder::new(seed, style)),
            answers: Answers::new(rules, recordings, unrecorded),
            switches,
            scenario: scenario.map(ScenarioRow::scenario).transpose()?,
        })
    }
}

impl ReplayRow {
    fn new((recordings, unrecorded): (&[Recording], Unrecorded)) -> Option<Self> {
        if recordings.is_empty() {
            return None;
        }
        Some(Self {
            recordings: recordings.iter().map(RecordingRow::new).collect(),
            unrecorded: match unrecorded {
                Unrecorded::Fails => UnrecordedRow::Fails,
                Unrecorded::IsAnswered => UnrecordedRow::IsAnswered,
            },
        })
    }

    fn recordings(self) -> io::Result<(Vec<Recording>, Unrecorded)> {
        let recordings =
            self.recordings.into_iter().map(RecordingRow::recording).collect::<io::Result<_>>()?;
        let unrecorded = match self.unrecorded {
            UnrecordedRow::Fails => Unrecorded::Fails,
            UnrecordedRow::IsAnswered => Unrecorded::IsAnswered,
        };
        Ok((recordings, unrecorded))
    }
}

impl RecordingRow {
    fn new(recording: &Recording) -> Self {
        let (results, inputs, fingerprint) = recording.origin();
        // The server may be started somewhere else next time.
        let absolute = |file: &PathBuf| {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            file.to_string_lossy().into_owned()
        };
        Self {
            results: results.iter().map(absolute).collect(),
            inputs: inputs.iter().map(absolute).collect(),
            fingerprint: format!("{fingerprint:032x}"),
        }
    }

    fn recording(self) -> io::Result<Recording> {
        let Self { results, inputs, fingerprint } = self;
        let fingerprint = u128::from_str_radix(&fingerprint, 16).map_err(damaged)?;
        let paths = |files: Vec<String>| files.into_iter().map(PathBuf::from).collect();
        Ok(Recording::known(paths(results), paths(inputs), fingerprint))
    }
}

impl PaceRow {
    fn new(pace: &Pace) -> Self {
        let Pace {
            validating_for,
            in_progress_for,
            finalizing_for,
            cancelling_for,
            expiry_noticed_after,
            expiring_for,
            progress,
            while_cancelling,
            cancelled_after,
        } = pace;
        Self {
            validating_for: DurationRow::new(validating_for),
            in_progress_for: DurationRow::new(in_progress_for),
            finalizing_for: DurationRow::new(finalizing_for),
            cancelling_for: DurationRow::new(cancelling_for),
            expiry_noticed_after: DurationRow::new(expiry_noticed_after),
            expiring_for: DurationRow::new(expiring_for),
            count_updates: match progress {
                Progress::Steps(n) => ProgressRow::Steps(*n),
                Progress::Milestones(milestones) => ProgressRow::Milestones(MilestoneRow::all(milestones)),
            },
            while_cancelling: MilestoneRow::all(while_cancelling),
            cancelled_after: *cancelled_after,
        }
    }

    fn pace(self) -> io::Result<Pace> {
        let Self {
            validating_for,
            in_progress_for,
            finalizing_for,
            cancelling_for,
            expiry_noticed_after,
            expiring_for,
            count_updates,
            while_cancelling,
            cancelled_after,
        } = self;
        Ok(Pace {
            validating_for: validating_for.duration()?,
            in_progress_for: in_progress_for.duration()?,
            finalizing_for: finalizing_for.duration()?,
            cancelling_for: cancelling_for.duration()?,
            expiry_noticed_after: expiry_noticed_after.duration()?,
            expiring_for: expiring_for.duration()?,
            progress: match count_updates {
                ProgressRow::Steps(n) => Progress::Steps(n),
                ProgressRow::Milestones(rows) => Progress::Milestones(MilestoneRow::milestones(rows)?.into()),
            },
            while_cancelling: MilestoneRow::milestones(while_cancelling)?.into(),
            cancelled_after,
        })
    }
}

impl MilestoneRow {
    fn all(milestones: &[Milestone]) -> Vec<Self> {
        let row = |Milestone { after, ended }: &Milestone| Self {
            after: *after,
            ended: match ended {
                Amount::Lines(lines) => AmountRow::Lines(*lines),
                Amount::Share(share) => AmountRow::Share(share.to_string()),
            },
        };
        milestones.iter().map(row).collect()
    }

    fn milestones(rows: Vec<Self>) -> io::Result<Vec<Milestone>> {
        let milestone = |Self { after, ended }: Self| {
            let ended = match ended {
                AmountRow::Lines(lines) => Amount::Lines(lines),
                AmountRow::Share(share) => Amount::Share(share.parse().map_err(damaged)?),
            };
            Ok(Milestone { after, ended })
        };
        rows.into_iter().map(milestone).collect()
    }
}

impl DurationRow {
    fn new(duration: &PaceDuration) -> Self {
        match duration {
            PaceDuration::Fixed(duration) => Self::Fixed(*duration),
            PaceDuration::Quantiles(knots) => {
                let texts = knots.iter().map(|(share, seconds)| (share.to_string(), seconds.to_string()));
                Self::Quantiles(texts.collect())
            }
        }
    }

    fn duration(self) -> io::Result<PaceDuration> {
        match self {
            Self::Fixed(duration) => Ok(PaceDuration::Fixed(duration)),
            Self::Quantiles(texts) => {
                let knot = |(share, seconds): (String, String)| {
                    Ok((share.parse().map_err(damaged)?, seconds.parse().map_err(damaged)?))
                };
                let knots = texts.into_iter().map(knot).collect::<io::Result<Vec<(f64, f64)>>>()?;
                if knots.len() < 2 {
                    return Err(damaged("a pace has too few quantiles"));
                }
                Ok(PaceDuration::Quantiles(Cow::Owned(knots)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// All that can be said of a behavior, not as it is by default.
    fn elaborate() -> Behavior {
        let mut switches = Switches::default();
        for switch in Switches::ALL {
            switches.set(switch.name, switch.values.last().unwrap().0).unwrap();
        }
        let rules = [
            "custom_id=order-*:429",
            "model=gpt-?:timeout",
            "{ prompt = '(?i)\"a{2}\"', nth = 2, tool_call = { name = 'f', arguments = { n = 1 } } }",
        ];
        let rules = rules.map(|rule| rule.parse().unwrap());
        let milestone = |ended| Milestone { after: Duration::from_mins(90), ended };
        let progress =
            Progress::Milestones(vec![milestone(Amount::Lines(3)), milestone(Amount::Share(0.1))].into());
        let while_cancelling = vec![milestone(Amount::Share(1.0 / 3.0))].into();
        let cancelled_after = Some(Duration::from_millis(1_500));
        let recording = Recording::known(vec!["/output.jsonl".into()], vec!["/input.jsonl".into()], 0xabc);
        Behavior::new(&Config {
            seed: u64::MAX,
            answers: AnswerStyle::Echo,
            pace: Pace { progress, while_cancelling, cancelled_after, ..Pace::REALISTIC },
            rules: LineRules::new(rules.to_vec()),
            recordings: vec![recording],
            unrecorded: Unrecorded::IsAnswered,
            switches,
            ..Config::default()
        })
    }

    #[test]
    fn a_behavior_comes_back_as_it_was() {
        for behavior in [elaborate(), Behavior::new(&Config::default())] {
            let row = super::super::encode(&BehaviorRow::new(&behavior));
            let back = super::super::decode::<BehaviorRow>(&row).unwrap().behavior().unwrap();
            assert_eq!(back.pace, behavior.pace);
            assert!(back.responder.answers_as(&behavior.responder));
            assert_eq!(back.switches, behavior.switches);
            assert_eq!(super::super::encode(&BehaviorRow::new(&back)), row);
        }
    }

    #[test]
    fn the_row_of_a_behavior_is_as_the_format_says() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&BehaviorRow::new(&elaborate())).unwrap());
    }
}
