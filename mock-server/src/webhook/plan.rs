//! How endpoints are told.

use std::fmt;
use std::time::Duration;

use crate::toml_reading::{Document, Entry, Table, TomlError};

/// How endpoints are told: as the service does, or in the ways that a receiver has to be ready for.
///
/// ```
/// use batchmock::WebhookPlan;
///
/// let twice: WebhookPlan = "{ copies = 2, early = true }".parse()?;
/// assert_eq!(twice, WebhookPlan { copies: 2, early: true, ..WebhookPlan::default() });
/// # Ok::<(), batchmock::WebhookPlanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookPlan {
    /// How often each event is told, from 1 to [`MOST_COPIES`](Self::MOST_COPIES): always with the same
    /// `webhook-id` (F-406).
    pub copies: u32,
    /// Whether the first copy comes too early: before a batch can be seen to be `finalizing` or `cancelling`, or
    /// to have ended.
    pub early: bool,
    /// Of how many events that follow each other the last is told first; 1 tells them in their order. A group that
    /// does not fill is told as it is, 5 seconds after its last event.
    pub reorder: u32,
    /// How long the first attempt of each delivery waits, in wall time.
    pub delay: Duration,
    /// How the requests are signed.
    pub signature: WebhookSignature,
    /// How many attempts of each delivery are signed so; the others are signed right. All of them if not set.
    pub signature_attempts: Option<u32>,
    /// How long an endpoint has to answer, in wall time. It is "a few seconds" (F-406); that these are 5 is assumed.
    pub timeout: Duration,
    /// How many times as fast retries come as on the service.
    pub retry_speed: u32,
}

/// How a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebhookSignature {
    /// So that whoever verifies it accepts it.
    #[default]
    Right,
    /// As something else would be.
    Wrong,
    /// Right, but an hour ago: one who holds the timestamp against a clock refuses it (F-405).
    Stale,
    /// Not at all: there is no such header.
    Missing,
}

/// Why a plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebhookPlanError(String);

impl Default for WebhookPlan {
    fn default() -> Self {
        Self {
            copies: 1,
            early: false,
            reorder: 1,
            delay: Duration::ZERO,
            signature: WebhookSignature::Right,
            signature_attempts: None,
            timeout: Duration::from_secs(5),
            retry_speed: 1,
        }
    }
}

impl WebhookSignature {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Right, Self::Wrong, Self::Stale, Self::Missing];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Stale => "stale",
            Self::Missing => "missing",
        }
    }
}

impl WebhookPlan {
    /// How often an event can be told.
    pub const MOST_COPIES: u32 = 100;

    /// How many events can be told in another order.
    pub const MOST_REORDERED: u32 = 100;

    /// How many times as fast retries can come: then all waits together take a quarter of a second.
    pub const MOST_SPEED: u32 = 1_000_000;

    /// How long an attempt can be made to wait, or to take.
    pub const LONGEST: Duration = Duration::from_hours(24);

    /// Every key, in the order of the documentation.
    pub(crate) const KEYS: [&str; 8] =
        ["copies", "early", "reorder", "delay", "signature", "signature_attempts", "timeout", "retry_speed"];

    /// The plan that stands in a table under a key, if it is there: `[webhook]` in a document that has more.
    pub(crate) fn from_key(table: Table<'_>, key: &str) -> Result<Option<Self>, TomlError> {
        table.get(key).map(|entry| Self::from_table(entry.table()?)).transpose()
    }

    /// Reads the table of a plan.
    pub(crate) fn from_table(table: Table<'_>) -> Result<Self, TomlError> {
        table.allow_only(&Self::KEYS)?;
        let count = |key: &str, most: u32| -> Result<Option<u32>, TomlError> {
            let Some(entry) = table.get(key) else { return Ok(None) };
            Ok(u32::try_from(entry.integer(1..=i64::from(most))?).ok())
        };
        let time = |key: &str| table.get(key).map(|entry| read_duration(&entry)).transpose();
        let usual = Self::default();
        let early = table
            .get("early")
            .map(|entry| entry.boolean().ok_or_else(|| entry.refuse("`early` must be `true` or `false`")));
        let signatures = WebhookSignature::ALL.map(|signature| (signature.name(), signature));
        let signature = table.get("signature").map(|entry| entry.choice(&signatures)).transpose()?;
        let timeout = time("timeout")?;
        if let (Some(Duration::ZERO), Some(entry)) = (timeout, table.get("timeout")) {
            return Err(entry.refuse("`timeout` leaves no time at all"));
        }
        Ok(Self {
            copies: count("copies", Self::MOST_COPIES)?.unwrap_or(usual.copies),
            early: early.transpose()?.unwrap_or(usual.early),
            reorder: count("reorder", Self::MOST_REORDERED)?.unwrap_or(usual.reorder),
            delay: time("delay")?.unwrap_or(usual.delay),
            signature: signature.unwrap_or(usual.signature),
            signature_attempts: count("signature_attempts", u32::MAX)?.or(usual.signature_attempts),
            timeout: timeout.unwrap_or(usual.timeout),
            retry_speed: count("retry_speed", Self::MOST_SPEED)?.unwrap_or(usual.retry_speed),
        })
    }

    /// How an attempt is signed, counted from 1.
    pub(super) fn signature_of(&self, n_attempt: u32) -> WebhookSignature {
        let is_meant = self.signature_attempts.is_none_or(|most| n_attempt <= most);
        if is_meant { self.signature } else { WebhookSignature::Right }
    }
}

/// What it says that is otherwise than usual, as an inline table.
impl fmt::Display for WebhookPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { copies, early, reorder, delay, signature, signature_attempts, timeout, retry_speed } =
            self;
        let usual = Self::default();
        let time = |time: &Duration| format!("\"{}\"", humantime::format_duration(*time));
        let said = [
            (*copies != usual.copies).then(|| format!("copies = {copies}")),
            (*early != usual.early).then(|| format!("early = {early}")),
            (*reorder != usual.reorder).then(|| format!("reorder = {reorder}")),
            (*delay != usual.delay).then(|| format!("delay = {}", time(delay))),
            (*signature != usual.signature).then(|| format!("signature = \"{}\"", signature.name())),
            signature_attempts.map(|most| format!("signature_attempts = {most}")),
            (*timeout != usual.timeout).then(|| format!("timeout = {}", time(timeout))),
            (*retry_speed != usual.retry_speed).then(|| format!("retry_speed = {retry_speed}")),
        ];
        let said: Vec<_> = said.into_iter().flatten().collect();
        if said.is_empty() { f.write_str("{}") } else { write!(f, "{{ {} }}", said.join(", ")) }
    }
}

impl std::str::FromStr for WebhookPlan {
    type Err = WebhookPlanError;

    /// Reads an inline table: `{ copies = 2 }`. `docs/webhooks.md` has every key.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || Self::from_table(Document::parse_inline(text)?.root());
        read().map_err(|error| WebhookPlanError(error.to_string()))
    }
}

fn read_duration(entry: &Entry<'_>) -> Result<Duration, TomlError> {
    let key = entry.key();
    match humantime::parse_duration(entry.text()?) {
        Ok(duration) if duration <= WebhookPlan::LONGEST => Ok(duration),
        Ok(_) => Err(entry.refuse(format!("`{key}` is longer than 24 hours"))),
        Err(error) => {
            Err(entry.refuse(format!("`{key}` is no duration: {error}; write it like `90s` or `1h 30m`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plan_says_what_is_to_be_otherwise() {
        assert_eq!("{}".parse(), Ok(WebhookPlan::default()));
        let all = "{ copies = 2, early = true, reorder = 3, delay = '2s', signature = 'stale', \
                   signature_attempts = 1, timeout = '1m 5s', retry_speed = 1000 }";
        let plan = WebhookPlan {
            copies: 2,
            early: true,
            reorder: 3,
            delay: Duration::from_secs(2),
            signature: WebhookSignature::Stale,
            signature_attempts: Some(1),
            timeout: Duration::from_secs(65),
            retry_speed: 1_000,
        };
        assert_eq!(all.parse(), Ok(plan.clone()));
        assert_eq!(plan.to_string(), all.replace('\'', "\""));
        assert_eq!(WebhookPlan::default().to_string(), "{}");
    }

    #[test]
    fn a_plan_stands_under_a_key_of_a_larger_document() {
        let document = Document::parse("name = 'x'\n[webhook]\ncopies = 2").unwrap();
        let plan = WebhookPlan::from_key(document.root(), "webhook").unwrap();
        assert_eq!(plan, Some(WebhookPlan { copies: 2, ..WebhookPlan::default() }));
        assert_eq!(WebhookPlan::from_key(document.root(), "other"), Ok(None));
    }

    #[test]
    fn what_cannot_be_is_told_with_its_place() {
        let refusals = [
            "{ copys = 2 }",
            "{ copies = 0 }",
            "{ early = 'yes' }",
            "{ reorder = 101 }",
            "{ delay = 2 }",
            "{ delay = 'soon' }",
            "{ delay = '25h' }",
            "{ signature = 'rong' }",
            "{ timeout = '0s' }",
            "{ retry_speed = 0.5 }",
            "copies = 2",
        ]
        .map(|text| text.parse::<WebhookPlan>().unwrap_err().to_string());
        insta::assert_snapshot!(refusals.join("\n"), @r"
        line 1, column 3: there is no key `copys` here; the nearest is `copies`, and there are `copies`, `early`, `reorder`, `delay`, `signature`, `signature_attempts`, `timeout`, `retry_speed`
          |
        1 | { copys = 2 }
          |   ^^^^^
        line 1, column 12: `copies` is 0, and must be a whole number from 1 to 100
          |
        1 | { copies = 0 }
          |            ^
        line 1, column 11: `early` must be `true` or `false`
          |
        1 | { early = 'yes' }
          |           ^^^^^
        line 1, column 13: `reorder` is 101, and must be a whole number from 1 to 100
          |
        1 | { reorder = 101 }
          |             ^^^
        line 1, column 11: `delay` is a whole number, and must be a text in quotes
          |
        1 | { delay = 2 }
          |           ^
        line 1, column 11: `delay` is no duration: expected number at 0; write it like `90s` or `1h 30m`
          |
        1 | { delay = 'soon' }
          |           ^^^^^^
        line 1, column 11: `delay` is longer than 24 hours
          |
        1 | { delay = '25h' }
          |           ^^^^^
        line 1, column 15: `signature` cannot be `rong`; the nearest is `wrong`, and there are `right`, `wrong`, `stale`, `missing`
          |
        1 | { signature = 'rong' }
          |               ^^^^^^
        line 1, column 13: `timeout` leaves no time at all
          |
        1 | { timeout = '0s' }
          |             ^^^^
        line 1, column 17: `retry_speed` is a number, and must be a whole number from 1 to 1000000
          |
        1 | { retry_speed = 0.5 }
          |                 ^^^
        line 1, column 7: unexpected content, expected nothing
          |
        1 | copies = 2
          |       ^
        ");
    }

    #[test]
    fn so_many_attempts_are_signed_as_asked() {
        let plan: WebhookPlan = "{ signature = 'wrong', signature_attempts = 2 }".parse().unwrap();
        let signed = [1, 2, 3].map(|n_attempt| plan.signature_of(n_attempt));
        assert_eq!(signed, [WebhookSignature::Wrong, WebhookSignature::Wrong, WebhookSignature::Right]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_plan_or_is_refused(text: String, value in "[0-9a-z'\" .]{0,12}", key in 0..8_usize) {
            let _ = text.parse::<WebhookPlan>();
            let _ = format!("{{ {} = {value} }}", WebhookPlan::KEYS[key]).parse::<WebhookPlan>();
        }
    }
}
