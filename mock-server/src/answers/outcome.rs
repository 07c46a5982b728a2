//! How a line is asked to end.

use std::fmt;
use std::str::FromStr;

/// How a line is asked to end, by a rule or by the end of its `custom_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineOutcome {
    /// As its request deserves.
    #[default]
    Natural,
    /// Refused with status 400, code `context_length_exceeded` (F-356).
    Status400,
    /// Refused with status 429, code `rate_limit_exceeded`.
    Status429,
    /// Refused with status 429, code `insufficient_quota` (F-356).
    Quota,
    /// Broken by the service, status 500 (F-363).
    Status500,
    /// No response, error code `request_timeout` (F-352).
    Timeout,
    /// Answered with a refusal of the model, where the endpoint has such a thing.
    Refusal,
    /// Answered, but cut for length, where the endpoint has such a thing.
    Length,
}

impl LineOutcome {
    /// The outcomes that can be asked for, in the order in which help and errors list them.
    pub const NAMED: [Self; 7] = [
        Self::Status400,
        Self::Status429,
        Self::Quota,
        Self::Status500,
        Self::Timeout,
        Self::Refusal,
        Self::Length,
    ];

    /// The name in rules and, after a tilde, at the end of a `custom_id`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Natural => "natural",
            Self::Status400 => "400",
            Self::Status429 => "429",
            Self::Quota => "quota",
            Self::Status500 => "500",
            Self::Timeout => "timeout",
            Self::Refusal => "refusal",
            Self::Length => "length",
        }
    }

    /// What the end of a `custom_id` asks for: `order-7~429` asks for 429. Any other text after a tilde is
    /// part of an ordinary id.
    pub fn of_custom_id(custom_id: &str) -> Self {
        custom_id.rsplit_once('~').and_then(|(_, name)| Self::named(name)).unwrap_or_default()
    }

    /// Whether the line's result goes to the error file.
    pub fn fails(self) -> bool {
        match self {
            Self::Status400 | Self::Status429 | Self::Quota | Self::Status500 | Self::Timeout => true,
            Self::Natural | Self::Refusal | Self::Length => false,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|outcome| outcome.name() == name)
    }
}

impl fmt::Display for LineOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LineOutcome {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::named(name).ok_or_else(|| {
            let names = Self::NAMED.map(Self::name).join("`, `");
            format!("`{name}` is no outcome of a line: there are `{names}`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_custom_id_asks_for_an_outcome() {
        assert_eq!(LineOutcome::of_custom_id("order-7~429"), LineOutcome::Status429);
        assert_eq!(LineOutcome::of_custom_id("a~b~timeout"), LineOutcome::Timeout);
        assert_eq!(LineOutcome::of_custom_id("order-429"), LineOutcome::Natural);
        assert_eq!(LineOutcome::of_custom_id("order~natural"), LineOutcome::Natural);
        assert_eq!(LineOutcome::of_custom_id("order~unheard-of"), LineOutcome::Natural);
        assert_eq!(LineOutcome::of_custom_id(""), LineOutcome::Natural);
    }

    #[test]
    fn names_read_as_they_are_written() {
        for outcome in LineOutcome::NAMED {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
        assert_eq!(
            "503".parse::<LineOutcome>().unwrap_err(),
            "`503` is no outcome of a line: there are `400`, `429`, `quota`, `500`, `timeout`, `refusal`, `length`"
        );
    }
}
