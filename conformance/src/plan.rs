//! What cases would send, and what that may cost: found out by letting them send it to a batchmock.

use std::fmt::Write as _;

use crate::case::{Capability, Case};
use crate::cost::Cost;
use crate::exchange::Exchange;
use crate::own_mock::{OwnMock, OwnMockError};
use crate::run;
use crate::target::{Keys, Settings};

/// What cases would send to a server.
#[derive(Debug)]
pub struct Plan {
    /// Each case, with what it would send.
    pub cases: Vec<Planned>,
    /// What all of them may cost.
    pub cost: Cost,
}

/// What a case would send.
#[derive(Debug)]
pub struct Planned {
    /// The case.
    pub case: &'static Case,
    /// Why it would send nothing; empty if it would.
    pub unsupported: String,
    /// Its requests, such as `POST /batches`, with what they may cost, and how often they come in a row.
    pub requests: Vec<(String, Cost, usize)>,
    /// What it may cost.
    pub cost: Cost,
}

/// What a million tokens cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prices {
    /// Of prompts.
    pub input: Option<f64>,
    /// Of answers.
    pub output: Option<f64>,
}

impl Plan {
    /// What cases would send to a server. To it, nothing is sent: what it offers is taken from what is said of it.
    ///
    /// # Errors
    ///
    /// If no batchmock can be had.
    pub async fn of(cases: &[&'static Case], settings: &Settings) -> Result<Self, OwnMockError> {
        let mock = OwnMock::start(0).await?;
        let mut own = OwnMock::settings(mock.base_url());
        own.models = settings.models.clone();
        let target = mock.target_with(own).await?;
        let mut plan = Self { cases: Vec::new(), cost: Cost::default() };
        for &case in cases {
            let mut planned =
                Planned { case, unsupported: String::new(), requests: Vec::new(), cost: Cost::default() };
            let lacks = |need: &&Capability| settings.is_said_to_lack(**need);
            if let Some(need) = case.needs.iter().find(lacks) {
                planned.unsupported = format!("{need} is not offered");
            } else {
                let measured = run::measured(&target, case).await;
                planned.add(&measured.found.exchanges, &measured.costs);
            }
            plan.cost += planned.cost;
            plan.cases.push(planned);
        }
        Ok(plan)
    }

    /// It, for people.
    pub fn text(&self, place: &str, prices: Prices) -> String {
        let mut text = String::new();
        for planned in &self.cases {
            let case = planned.case;
            if !planned.unsupported.is_empty() {
                let _ =
                    writeln!(text, "{:6} {}: nothing, since {}", case.level, case.id, planned.unsupported);
                continue;
            }
            let _ = writeln!(
                text,
                "{:6} {}: {}, {}",
                case.level,
                case.id,
                told(planned.cost, prices),
                case.takes
            );
            for (asked, cost, times) in &planned.requests {
                let times = if *times > 1 { format!(", {times} times or more") } else { String::new() };
                let cost = if *cost == Cost::default() {
                    String::new()
                } else {
                    format!("  ({})", told(*cost, prices))
                };
                let _ = writeln!(text, "         {asked}{times}{cost}");
            }
        }
        let _ = writeln!(
            text,
            "\n{} cases at {place}: {} at most. Nothing was sent there: these requests went to a batchmock, and cases look \
             again until something has changed.",
            self.cases.len(),
            told(self.cost, prices)
        );
        if self.cost.without_tokens > 0 {
            let _ = writeln!(
                text,
                "{} of the lines make images or videos, whose price is not one of tokens and comes on top.",
                self.cost.without_tokens
            );
        }
        text
    }
}

impl Planned {
    fn add(&mut self, exchanges: &[Exchange], costs: &[(usize, Cost)]) {
        for (at, exchange) in exchanges.iter().enumerate() {
            let cost =
                costs.iter().find(|(place, _)| *place == at).map(|(_, cost)| *cost).unwrap_or_default();
            self.cost += cost;
            let asked = format!("{} {}", exchange.method, without_ids(&exchange.path));
            match self.requests.last_mut() {
                Some((before, free, times))
                    if *before == asked && *free == Cost::default() && *free == cost =>
                {
                    *times += 1;
                }
                _ => self.requests.push((asked, cost, 1)),
            }
        }
    }
}

impl Prices {
    /// What tokens cost; nothing if prices are missing.
    pub fn of(self, cost: Cost) -> Option<f64> {
        let (input, output) = (self.input?, self.output?);
        #[expect(clippy::cast_precision_loss, reason = "a sum of a few thousand")]
        let millions = |tokens: u64| tokens as f64 / 1e6;
        Some(millions(cost.input_tokens) * input + millions(cost.output_tokens) * output)
    }
}

/// What a plan says of a cost.
fn told(cost: Cost, prices: Prices) -> String {
    let lines = if cost.lines == 1 { "1 line".to_owned() } else { format!("{} lines", cost.lines) };
    if cost.lines == 0 {
        return "no lines".to_owned();
    }
    let price = prices.of(cost).map(|price| format!(", {price:.6}")).unwrap_or_default();
    format!("{lines} with {} tokens in and {} out{price}", cost.input_tokens, cost.output_tokens)
}

/// A path with words for the ids that the server gives.
fn without_ids(path: &str) -> String {
    let words: Vec<_> = path
        .split('/')
        .map(|part| {
            let (part, query) = part.split_once('?').map_or((part, ""), |(part, query)| (part, query));
            let kinds = [("file-", "{file}"), ("batch_", "{batch}"), ("upload_", "{upload}")];
            let word = kinds.into_iter().find(|(begin, _)| part.starts_with(begin));
            let word = word.map_or(part, |(_, word)| word);
            let query: Vec<_> = query.split('&').map(without_id).collect();
            if query == [""] { word.to_owned() } else { format!("{word}?{}", query.join("&")) }
        })
        .collect();
    words.join("/")
}

/// An argument with a word for the id in it.
fn without_id(argument: &str) -> String {
    match argument.split_once('=') {
        Some((name @ ("after" | "before"), _)) => format!("{name}={{id}}"),
        Some(_) | None => argument.to_owned(),
    }
}

impl Settings {
    /// Whether a server cannot offer something, by what is said of it.
    fn is_said_to_lack(&self, capability: Capability) -> bool {
        let has_one_key = matches!(&self.keys, Keys::Given { other: None, .. });
        self.without.contains(&capability) || (capability == Capability::TwoKeys && has_one_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_as_words() {
        assert_eq!(without_ids("/batches/batch_0a/cancel"), "/batches/{batch}/cancel");
        assert_eq!(without_ids("/files/file-a/content"), "/files/{file}/content");
        assert_eq!(without_ids("/files?limit=2&after=file-a"), "/files?limit=2&after={id}");
        assert_eq!(without_ids("/files"), "/files");
    }

    #[test]
    fn a_price_needs_both_prices() {
        let cost = Cost { lines: 1, input_tokens: 2_000_000, output_tokens: 500_000, ..Cost::default() };
        assert_eq!(Prices { input: Some(1.0), output: None }.of(cost), None);
        assert_eq!(Prices { input: Some(1.5), output: Some(4.0) }.of(cost), Some(5.0));
    }
}
