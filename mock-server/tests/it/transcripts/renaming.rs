//! Renaming what cannot be the same twice: ids, times, generated values.
//!
//! A value is renamed only if it has the form that such values have, so one of another form stays and is
//! noticed. Relations stay visible: the same id has the same name, times are told from the first exchange
//! on, sums are told as sums.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::exchange::Answer;

/// The forms of ids. Those of responses and their items share a middle part, which is what is named (F-503).
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    const UUID8: &str = "[0-9a-f]{11}[048c]819[01][89ab][0-9a-f]{15}";
    Regex::new(&format!(
        "(?P<file>file-[1-9A-HJ-NP-Y][1-9A-HJ-NP-Za-km-z]{{21}})\
         |(?P<line>batch_req_{UUID8})\
         |(?P<batch>batch_{UUID8})\
         |(?P<request>req_[0-9a-f]{{32}})\
         |(?P<chat>chatcmpl-[0-9A-Za-z]{{29}})\
         |(?P<uuid>[0-9a-f]{{8}}-[0-9a-f]{{4}}-4[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}})\
         |(?P<item>resp|rs|msg)_(?P<response>[0-9a-f]{{16}})01[0-9a-f]{{32}}"
    ))
    .unwrap()
});

/// What is generated: where it stands (its key and the key around it), its form, and what it is told as.
static GENERATED: LazyLock<Vec<(&str, &str, Regex, &str)>> = LazyLock::new(|| {
    let form = |form: &str| Regex::new(&format!("^\"{form}\"$")).unwrap();
    vec![
        ("message", "content", form(".+"), "(a text)"),
        ("content", "text", form(".+"), "(a text)"),
        ("output", "encrypted_content", form("gAAAAAB[0-9A-Za-z_=-]+"), "(an encrypted text)"),
        ("", "system_fingerprint", form("fp_[0-9a-f]{10}"), "(a fingerprint)"),
    ]
});

/// Headers whose values differ, and the form of the values.
static HEADERS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let form = |form: &str| Regex::new(&format!("^{form}$")).unwrap();
    vec![
        ("cf-ray", form("[0-9a-f]{16}-[A-Z]{3}")),
        ("openai-organization", form("[0-9A-Za-z-]+")),
        ("openai-processing-ms", form("[0-9]+")),
        ("openai-project", form("proj_[0-9A-Za-z]{24}")),
        ("x-ratelimit-limit-requests", form("[1-9][0-9]*")),
        ("x-ratelimit-limit-tokens", form("[1-9][0-9]*")),
    ]
});

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^-?[0-9](\.[0-9]+)?(e-[0-9]{1,2})?$").unwrap());
/// A number as Python writes it, which is what result files have.
static PYTHON_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^-?(0\.(0|0{0,3}[1-9][0-9]*)|1\.0|[1-9](\.[0-9]+)?e-[0-9]{2})$").unwrap());

/// What things are called on one side of a comparison.
#[derive(Debug)]
pub(super) struct Names {
    start: i64,
    by_id: HashMap<String, String>,
    n_named: HashMap<&'static str, usize>,
    /// When the lines of the batch ran.
    work: Option<(i64, i64)>,
    /// The tokens of all result lines, by what they are called in a batch.
    sums: HashMap<&'static str, u64>,
}

impl Names {
    /// No names yet; times are told from `start` on.
    pub(super) fn new(start: i64) -> Self {
        Self { start, by_id: HashMap::new(), n_named: HashMap::new(), work: None, sums: HashMap::new() }
    }

    /// A text with these ids, with those of the same name on another side instead.
    pub(super) fn translate(&self, other: &Self, text: &str) -> String {
        let there: HashMap<_, _> = other.by_id.iter().map(|(id, name)| (name, id)).collect();
        let translated = IDS.replace_all(text, |id: &regex::Captures<'_>| {
            let name = self.by_id.get(&id[0]).unwrap_or_else(|| panic!("{} is not known yet", &id[0]));
            // What the other side does not have, it is asked about all the same: the answer will tell.
            there.get(name).map_or_else(|| id[0].to_owned(), |other| (*other).clone())
        });
        translated.into_owned()
    }

    /// Adds up the tokens of result lines, if a body is some.
    pub(super) fn add_up(&mut self, body: &str) {
        for line in body.lines().filter(|line| line.starts_with("{\"id\": \"batch_req_")) {
            let line: Value = serde_json::from_str(line).unwrap();
            let usage = &line["response"]["body"]["usage"];
            let mut add =
                |name, count: &Value| *self.sums.entry(name).or_default() += count.as_u64().unwrap_or(0);
            add("input_tokens", &usage["input_tokens"]);
            add("input_tokens", &usage["prompt_tokens"]);
            add("output_tokens", &usage["output_tokens"]);
            add("reasoning_tokens", &usage["output_tokens_details"]["reasoning_tokens"]);
        }
    }

    /// The value of a header.
    pub(super) fn header(&mut self, name: &str, value: &str, answer: &Answer) -> String {
        let number = |name: &str| answer.header(name).and_then(|value| value.parse::<u64>().ok());
        let limit = |of: &str| number(&format!("x-ratelimit-limit-{of}")).unwrap_or(0);
        let used = limit("tokens").saturating_sub(number("x-ratelimit-remaining-tokens").unwrap_or(0));
        let reset = |used: u64, limit: u64| match used * 60_000 / limit.max(1) {
            0 => "0s".to_owned(),
            millis => format!("{millis}ms"),
        };
        let told = match name {
            "content-length" if value == answer.body.len().to_string() => "(the length of the body)",
            "x-ratelimit-remaining-requests" if Some(limit("requests") - 1) == value.parse().ok() => {
                "(one less than the limit)"
            }
            "x-ratelimit-remaining-tokens" if (1..1_000).contains(&used) => "(a little less than the limit)",
            "x-ratelimit-reset-requests" if value == reset(1, limit("requests")) => {
                "(a minute through the limit)"
            }
            "x-ratelimit-reset-tokens" if value == reset(used, limit("tokens")) => "(what refills the limit)",
            _ if HEADERS.iter().any(|(other, form)| *other == name && form.is_match(value)) => "(its own)",
            _ => return self.ids(value),
        };
        told.to_owned()
    }

    /// A body that is one JSON value.
    pub(super) fn json(&mut self, body: &str) -> String {
        self.text(body, false)
    }

    /// A body that has a JSON value on each line; any other is told as it is.
    pub(super) fn lines(&mut self, body: &str) -> String {
        if !body.starts_with("{\"id\": \"batch_req_") {
            return body.to_owned();
        }
        body.split_inclusive('\n').map(|line| self.text(line, true)).collect()
    }

    fn text(&mut self, text: &str, is_result: bool) -> String {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return format!("(no JSON)\n{text}") };
        if value["object"] == "batch"
            && let (Some(began), Some(ended)) =
                (value["in_progress_at"].as_i64(), value["finalizing_at"].as_i64())
        {
            self.work = Some((began, ended));
        }
        let mut walk = Walk { names: self, rest: text, told: String::new(), is_result };
        walk.value(&value, &[]);
        walk.told + walk.rest
    }

    fn ids(&mut self, text: &str) -> String {
        let told = IDS.replace_all(text, |id: &regex::Captures<'_>| {
            let kinds = ["file", "line", "batch", "request", "chat", "uuid", "response"];
            let (kind, id_part) =
                kinds.into_iter().find_map(|kind| Some((kind, id.name(kind)?.as_str()))).unwrap();
            let n_named = self.n_named.entry(kind).or_default();
            let name = self.by_id.entry(id_part.to_owned()).or_insert_with(|| {
                *n_named += 1;
                format!("{kind}#{n_named}")
            });
            id.name("item").map_or_else(|| name.clone(), |item| format!("{} of {name}", item.as_str()))
        });
        told.into_owned()
    }

    fn time(&self, seconds: i64, is_result: bool) -> String {
        match self.work {
            Some((began, ended)) if is_result && (began..=ended).contains(&seconds) => {
                "(while in progress)".to_owned()
            }
            _ => format!("start{:+}s", seconds - self.start),
        }
    }

    /// A number of tokens. None stays none; others are told by how they relate.
    fn tokens(&self, key: &str, count: u64, around: &Value, path: &[&str]) -> String {
        let count_of = |names: [&str; 2]| names.iter().find_map(|name| around[*name].as_u64()).unwrap_or(0);
        let parts =
            count_of(["input_tokens", "prompt_tokens"]) + count_of(["output_tokens", "completion_tokens"]);
        let is_of_a_batch = path.first() == Some(&"usage") && !self.sums.is_empty();
        match key {
            _ if count == 0 => "0".to_owned(),
            "total_tokens" if count == parts => "(input and output)".to_owned(),
            "total_tokens" => count.to_string(),
            _ if is_of_a_batch && self.sums.get(key) == Some(&count) => "(the sum of the lines)".to_owned(),
            _ if is_of_a_batch => count.to_string(),
            _ => "(some)".to_owned(),
        }
    }
}

/// A walk through the text of a JSON value, beside the value itself.
struct Walk<'n, 't> {
    names: &'n mut Names,
    rest: &'t str,
    told: String,
    is_result: bool,
}

impl<'t> Walk<'_, 't> {
    /// Tells the next value. `path` are the keys that lead to it.
    fn value(&mut self, value: &Value, path: &[&str]) {
        self.copy_until(|character| !" \n\r\t,:".contains(character));
        match value {
            Value::Object(object) => {
                self.copy(1);
                for (key, member) in object {
                    self.copy_until(|character| character == '"');
                    self.copy(serde_json::to_string(key).unwrap().len());
                    let path = [path, &[key.as_str()]].concat();
                    if key.ends_with("_tokens")
                        && let Some(count) = member.as_u64()
                    {
                        self.copy_until(|character| character.is_ascii_digit());
                        self.take_scalar();
                        let told = self.names.tokens(key, count, value, &path);
                        self.told += &told;
                    } else {
                        self.value(member, &path);
                    }
                }
                self.copy_until(|character| character == '}');
                self.copy(1);
            }
            Value::Array(items) if path.last() == Some(&"embedding") => {
                let (numbers, rest) = self.rest[1..].split_once(']').unwrap();
                let form = if self.is_result { &PYTHON_NUMBER } else { &NUMBER };
                let separator = if self.is_result { ", " } else { "," };
                let odd = numbers.split(separator).find(|number| !form.is_match(number) || !is_half(number));
                let form = odd.map_or("of half precision".to_owned(), |odd| format!("one of them {odd}"));
                write!(self.told, "[{} numbers, {form}]", items.len()).unwrap();
                self.rest = rest;
            }
            Value::Array(items) => {
                self.copy(1);
                for item in items {
                    self.value(item, path);
                }
                self.copy_until(|character| character == ']');
                self.copy(1);
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
                let token = self.take_scalar();
                let told = self.scalar(value, token, path);
                self.told += &told;
            }
        }
    }

    fn scalar(&mut self, value: &Value, token: &str, path: &[&str]) -> String {
        let key = path.last().copied().unwrap_or_default();
        let around = path.len().checked_sub(2).map_or("", |place| path[place]);
        if let Some((.., told)) = GENERATED.iter().find(|(outer, inner, form, _)| {
            *inner == key && (outer.is_empty() || *outer == around) && form.is_match(token)
        }) {
            return (*told).to_owned();
        }
        match value.as_i64() {
            Some(seconds) if key.ends_with("_at") || key == "created" => {
                self.names.time(seconds, self.is_result)
            }
            Some(_) => token.to_owned(),
            None => self.names.ids(token),
        }
    }

    /// Passes over a text, number, `true`, `false` or `null`.
    fn take_scalar(&mut self) -> &'t str {
        let mut is_escaped = false;
        let end = if self.rest.starts_with('"') {
            let is_end = |character: char| {
                let ends = character == '"' && !is_escaped;
                is_escaped = character == '\\' && !is_escaped;
                ends
            };
            self.rest[1..].find(is_end).unwrap() + 2
        } else {
            self.rest.find(|character| ",]} \n\r\t".contains(character)).unwrap_or(self.rest.len())
        };
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        token
    }

    fn copy_until(&mut self, is_end: impl Fn(char) -> bool) {
        self.copy(self.rest.find(is_end).unwrap_or(self.rest.len()));
    }

    fn copy(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at(bytes);
        self.told += copied;
        self.rest = rest;
    }
}

/// Whether a number is one of half precision: eleven binary digits, none after the 24th place.
fn is_half(number: &str) -> bool {
    let value: f64 = number.parse().unwrap();
    let places = (0..=24).find(|places| (value * f64::from(1 << places)).fract() == 0.0);
    places.is_some_and(|places| (value * f64::from(1 << places)).abs() < 2048.0)
}
