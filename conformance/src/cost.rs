//! What lines of batches cost at most, and budgets for it.
//!
//! Whoever charges for lines counts tokens, in ways that are not published. What is counted here is never less: a token is
//! a byte or more, and what joins messages is a few tokens for each part of a body.

use std::ops::AddAssign;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::case::Case;

/// How many tokens a line of a case has at most, prompt and answer, unless the case says otherwise.
pub(crate) const TOKENS_OF_A_LINE: u32 = 64;

/// How many tokens each object and list of a body may stand for, besides its texts.
const TOKENS_OF_A_PART: u64 = 8;

/// What an input may cost when a batch runs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Its lines.
    pub lines: u64,
    /// Tokens of their prompts, at most.
    pub input_tokens: u64,
    /// Tokens of their answers, at most.
    pub output_tokens: u64,
    /// Lines that are charged by images or seconds, of which tokens say nothing.
    pub without_tokens: u64,
    /// Lines whose answers may be as long as their models like.
    pub unbounded: u64,
}

/// What may be spent, and what was.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// Lines.
    max_lines: Option<u64>,
    /// Tokens of prompts and answers.
    max_tokens: Option<u64>,
    spent: Mutex<Spent>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    lines: u64,
    tokens: u64,
}

impl Cost {
    /// What the lines of an upload cost, whatever else is in its form.
    pub(crate) fn of_upload(form: &[u8]) -> Self {
        let mut cost = Self::default();
        for line in form.split(|byte| *byte == b'\n') {
            if let Ok(line) = serde_json::from_slice(line) {
                cost += Self::of_line(&line);
            }
        }
        cost
    }

    /// A line without a body cannot be run by anybody.
    fn of_line(line: &Value) -> Self {
        let body = &line["body"];
        if !body.is_object() {
            return Self::default();
        }
        let mut cost = Self { lines: 1, input_tokens: tokens_in(body), ..Self::default() };
        let most = ["max_completion_tokens", "max_output_tokens", "max_tokens"];
        let most = most.into_iter().find_map(|name| body[name].as_u64());
        match (line["url"].as_str().unwrap_or_default(), most) {
            ("/v1/embeddings" | "/v1/moderations", _) => {}
            ("/v1/images/generations" | "/v1/images/edits" | "/v1/videos", _) => cost.without_tokens = 1,
            (_, Some(most)) => cost.output_tokens = most,
            (_, None) => cost.unbounded = 1,
        }
        cost
    }

    /// Tokens of prompts and answers.
    pub fn tokens(self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.without_tokens += other.without_tokens;
        self.unbounded += other.unbounded;
    }
}

/// The tokens of a value at most: numbers set something and are no prompt, and neither is the name of the model.
fn tokens_in(value: &Value) -> u64 {
    let bytes = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
    match value {
        Value::String(text) => bytes(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::Array(items) => TOKENS_OF_A_PART + items.iter().map(tokens_in).sum::<u64>(),
        Value::Object(members) => {
            let members = members.iter().filter(|(name, _)| *name != "model");
            TOKENS_OF_A_PART + members.map(|(_, member)| tokens_in(member)).sum::<u64>()
        }
    }
}

impl Budget {
    pub(crate) fn new(max_lines: Option<u64>, max_tokens: Option<u64>) -> Self {
        Self { max_lines, max_tokens, spent: Mutex::default() }
    }

    /// Sets aside what a case may need; or says why it cannot.
    pub(crate) fn set_aside(&self, case: &Case) -> Result<(), String> {
        let (lines, tokens) = (u64::from(case.lines), case.tokens());
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        for (most, spent, more, what) in
            [(self.max_lines, spent.lines, lines, "lines"), (self.max_tokens, spent.tokens, tokens, "tokens")]
        {
            if let Some(most) = most
                && more > 0
                && spent + more > most
            {
                return Err(format!(
                    "it may need {more} {what}, and of the budget of {most} no more than {} are left",
                    most.saturating_sub(spent)
                ));
            }
        }
        spent.lines += lines;
        spent.tokens += tokens;
        Ok(())
    }

    /// Gives back what a case did not need of what was set aside for it.
    pub(crate) fn give_back(&self, case: &Case, needed: Cost) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.lines -= u64::from(case.lines).saturating_sub(needed.lines);
        spent.tokens -= case.tokens().saturating_sub(needed.tokens());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;

    #[test]
    fn the_lines_of_a_form_are_counted_and_nothing_else() {
        let form = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\
                    {\"custom_id\": \"a\", \"url\": \"/v1/chat/completions\", \"body\": {\"model\": \"a-long-name\", \
                    \"messages\": [{\"role\": \"user\", \"content\": \"Hi.\"}], \"max_completion_tokens\": 16}}\n\
                    {\"custom_id\": \"b\", \"url\": \"/v1/videos\", \"body\": {\"prompt\": \"cat\"}}\n\
                    {\"custom_id\": \"c\", \"url\": \"/v1/responses\", \"body\": {\"input\": \"Hi.\"}}\n\
                    {\"custom_id\": \"d\"}\n{broken\n\r\n--b--\r\n";
        let expected =
            Cost { lines: 3, input_tokens: 31 + 11 + 11, output_tokens: 16, without_tokens: 1, unbounded: 1 };
        assert_eq!(Cost::of_upload(form.as_bytes()), expected);
    }

    #[test]
    fn what_is_spent_is_not_set_aside_again() {
        let case = server::all().find(|case| case.lines == 2).unwrap();
        let budget = Budget::new(Some(4), None);
        assert_eq!(budget.set_aside(case), Ok(()));
        assert_eq!(budget.set_aside(case), Ok(()));
        let why = "it may need 2 lines, and of the budget of 4 no more than 0 are left";
        assert_eq!(budget.set_aside(case), Err(why.to_owned()));
        budget.give_back(case, Cost::default());
        assert_eq!(budget.set_aside(case), Ok(()));
        let free = server::all().find(|case| case.lines == 0).unwrap();
        assert_eq!(budget.set_aside(free), Ok(()), "what costs nothing needs no budget");
    }

    #[test]
    fn tokens_are_a_budget_of_their_own() {
        let case = server::all().find(|case| case.lines == 1).unwrap();
        let budget = Budget::new(None, Some(case.tokens() - 1));
        let why = budget.set_aside(case).unwrap_err();
        assert!(why.starts_with("it may need 64 tokens, and of the budget of 63"), "{why}");
    }
}
