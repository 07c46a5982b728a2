//! What batches were created with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::damaged;
use crate::input::{LineRule, LineRules};
use crate::responder::{AnswerStyle, Responder};
use crate::sim::{Pace, PaceDuration};
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
    rules: Vec<RuleRow>,
    switches: BTreeMap<String, String>,
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
    count_updates: u32,
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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    outcome: String,
}

impl BehaviorRow {
    pub(in crate::store) fn new(behavior: &Behavior) -> Self {
        let Behavior { pace, responder, rules, switches } = behavior;
        let rule = |rule: &LineRule| {
            let (custom_id, model, outcome) = rule.parts();
            RuleRow {
                custom_id: custom_id.map(str::to_owned),
                model: model.map(str::to_owned),
                outcome: outcome.name().to_owned(),
            }
        };
        Self {
            pace: PaceRow::new(pace),
            seed: responder.seed(),
            answers: match responder.style() {
                AnswerStyle::Canary => AnswersRow::Canary,
                AnswerStyle::Echo => AnswersRow::Echo,
            },
            rules: rules.rules().iter().map(rule).collect(),
            switches: switches
                .values()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    pub(in crate::store) fn behavior(self) -> io::Result<Behavior> {
        let Self { pace, seed, answers, rules, switches: values } = self;
        let style = match answers {
            AnswersRow::Canary => AnswerStyle::Canary,
            AnswersRow::Echo => AnswerStyle::Echo,
        };
        let rule = |RuleRow { custom_id, model, outcome }| {
            LineRule::new(custom_id.as_deref(), model.as_deref(), &outcome).map_err(damaged)
        };
        let mut switches = Switches::default();
        for (name, value) in &values {
            switches.set(name, value).map_err(damaged)?;
        }
        Ok(Behavior {
            pace: pace.pace()?,
            responder: Arc::new(Responder::new(seed, style)),
            rules: LineRules::new(rules.into_iter().map(rule).collect::<io::Result<_>>()?),
            switches,
        })
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
            count_updates,
        } = pace;
        Self {
            validating_for: DurationRow::new(validating_for),
            in_progress_for: DurationRow::new(in_progress_for),
            finalizing_for: DurationRow::new(finalizing_for),
            cancelling_for: DurationRow::new(cancelling_for),
            expiry_noticed_after: DurationRow::new(expiry_noticed_after),
            expiring_for: DurationRow::new(expiring_for),
            count_updates: *count_updates,
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
        } = self;
        Ok(Pace {
            validating_for: validating_for.duration()?,
            in_progress_for: in_progress_for.duration()?,
            finalizing_for: finalizing_for.duration()?,
            cancelling_for: cancelling_for.duration()?,
            expiry_noticed_after: expiry_noticed_after.duration()?,
            expiring_for: expiring_for.duration()?,
            count_updates,
        })
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
        let rules = ["custom_id=order-*:429", "model=gpt-?:timeout"].map(|rule| rule.parse().unwrap());
        Behavior::new(&Config {
            seed: u64::MAX,
            answers: AnswerStyle::Echo,
            pace: Pace::REALISTIC,
            rules: LineRules::new(rules.to_vec()),
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
