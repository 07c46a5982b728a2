//! Lines of inputs and of results, read from their bytes.

use std::collections::HashMap;

use serde_json::Value;

use crate::client::task::Task;

/// A line of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputLine {
    /// Its `custom_id`; empty if it has none that is a text.
    pub custom_id: String,
    /// The key of the task whose prompt it asks.
    pub key: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// A line of a result file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultLine {
    /// Its `custom_id`.
    pub custom_id: String,
    /// What became of the request.
    pub fate: Fate,
    /// Whether it stands in the output file; else it stands in the error file.
    pub is_output: bool,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was answered, and is paid for.
    Answered {
        /// The answer.
        text: String,
    },
    /// It was answered with an error.
    Refused {
        /// The status code.
        status: u16,
        /// The code of the error.
        code: Option<String>,
    },
    /// It never ran, since the batch expired.
    Expired,
    /// It never ran, since the batch was cancelled.
    Cancelled,
    /// It came to nothing for another reason.
    Failed {
        /// The code of the error.
        code: String,
    },
    /// No line can be read that tells of it.
    Untold,
}

impl Fate {
    /// Whether it was answered.
    pub fn is_answered(&self) -> bool {
        matches!(self, Self::Answered { .. })
    }

    /// Whether another try may bring an answer.
    pub fn is_worth_another_try(&self) -> bool {
        match self {
            Self::Answered { .. } => false,
            Self::Refused { status, .. } => *status == 429 || *status >= 500 || *status == 408,
            Self::Expired | Self::Cancelled | Self::Failed { .. } | Self::Untold => true,
        }
    }
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered { text } => write!(f, "answered {text:?}"),
            Self::Refused { status, code: Some(code) } => write!(f, "refused with status {status}, `{code}`"),
            Self::Refused { status, code: None } => write!(f, "refused with status {status}"),
            Self::Expired => f.write_str("expired before it ran"),
            Self::Cancelled => f.write_str("cancelled before it ran"),
            Self::Failed { code } => write!(f, "failed, `{code}`"),
            Self::Untold => f.write_str("told in no line that can be read"),
        }
    }
}

/// Lines, split at line feeds alone.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace))
}

/// Reads the input of a batch for a task.
pub fn read_input(bytes: &[u8], task: &Task) -> Vec<InputLine> {
    let keys: HashMap<&str, &str> =
        task.items.iter().map(|item| (item.prompt.as_str(), item.key.as_str())).collect();
    lines(bytes).map(|line| read_input_line(line, task, &keys)).collect()
}

fn read_input_line(line: &[u8], task: &Task, keys: &HashMap<&str, &str>) -> InputLine {
    let mut read = InputLine::default();
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => {
            read.problem = Some(format!("it is no JSON: {error}"));
            return read;
        }
    };
    match value["custom_id"].as_str() {
        Some(id) => id.clone_into(&mut read.custom_id),
        None => read.problem = Some(format!("its custom_id is {}, and not a text", value["custom_id"])),
    }
    for (name, right) in [("method", "POST"), ("url", task.endpoint.as_str())] {
        if !right.is_empty() && value[name] != right {
            read.problem.get_or_insert_with(|| format!("its {name} is {}, and not \"{right}\"", value[name]));
        }
    }
    if !task.model.is_empty() && value["body"]["model"] != task.model.as_str() {
        let (model, right) = (&value["body"]["model"], &task.model);
        read.problem.get_or_insert_with(|| format!("its model is {model}, and not \"{right}\""));
    }
    let mut texts = Vec::new();
    collect_texts(&value["body"], &mut texts);
    read.key = texts.iter().find_map(|text| keys.get(text)).map(|key| (*key).to_owned());
    if read.key.is_none() && task.batch_id.is_some() {
        read.key = task.keys.iter().find(|key| **key == read.custom_id).cloned();
    }
    if read.key.is_none() && !keys.is_empty() {
        read.problem.get_or_insert_with(|| "it asks no prompt of the task to the letter".to_owned());
    }
    read
}

/// Takes lines that ask something else than the task for what was to be asked, each by its `custom_id`.
pub(crate) fn take_as_asked(lines: &mut [InputLine]) {
    for line in lines.iter_mut().filter(|line| !line.custom_id.is_empty()) {
        line.key = Some(line.custom_id.clone());
        // It was no request of the task, so nothing of that is wrong.
        line.problem = None;
    }
}

/// All texts in a body, also those in messages and parts of messages.
fn collect_texts<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(list) => list.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(members) => members.values().for_each(|value| collect_texts(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads a result file: each line that can be read.
pub fn read_results(bytes: &[u8], is_output: bool) -> Vec<ResultLine> {
    lines(bytes).filter_map(|line| read_result_line(line, is_output)).collect()
}

fn read_result_line(line: &[u8], is_output: bool) -> Option<ResultLine> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let custom_id = value["custom_id"].as_str()?.to_owned();
    Some(ResultLine { custom_id, fate: fate(&value), is_output })
}

fn fate(line: &Value) -> Fate {
    let response = &line["response"];
    if response.is_object() {
        let status =
            response["status_code"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
        if (200..300).contains(&status) && line["error"].is_null() {
            return Fate::Answered { text: answer(&response["body"]) };
        }
        let code = response["body"]["error"]["code"].as_str().or(line["error"]["code"].as_str());
        return Fate::Refused { status, code: code.map(str::to_owned) };
    }
    match line["error"]["code"].as_str() {
        Some("batch_expired") => Fate::Expired,
        Some("batch_cancelled") => Fate::Cancelled,
        code => Fate::Failed { code: code.unwrap_or("unknown").to_owned() },
    }
}

/// The text of an answer of a chat or of the responses API.
fn answer(body: &Value) -> String {
    if let Some(text) = body["choices"][0]["message"]["content"].as_str() {
        return text.to_owned();
    }
    let items = body["output"].as_array().into_iter().flatten();
    let parts = items.flat_map(|item| item["content"].as_array().into_iter().flatten());
    parts.filter_map(|part| part["text"].as_str()).collect()
}
