//! What must hold of the lines of results.

use std::collections::BTreeMap;

use serde_json::Value;

use super::file::Requests;
use super::{Fault, check};

/// The lines of the two files of a batch that has ended; none for a file that there is not.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) output: Vec<Value>,
    pub(super) errors: Vec<Value>,
}

/// The lines of a file.
pub(super) fn lines_of(bytes: &[u8]) -> Result<Vec<Value>, Fault> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            serde_json::from_slice(line).map_err(|error| {
                let actual = format!("{} ({error})", String::from_utf8_lossy(line));
                Fault::new("each line of results is JSON", "F-366", "JSON", actual)
            })
        })
        .collect()
}

impl Lines {
    /// Holds the lines to the input, and to what the batch says.
    pub(super) fn hold(&self, batch: &Value, requests: &Requests) -> Result<(), Fault> {
        let status = batch["status"].as_str().unwrap_or_default();
        let mut met: BTreeMap<&str, usize> = BTreeMap::new();
        for line in self.output.iter().chain(&self.errors) {
            *met.entry(line["custom_id"].as_str().unwrap_or_default()).or_default() += 1;
        }
        let names: Vec<_> = requests.good.iter().chain(&requests.refused).map(String::as_str).collect();
        for (name, count) in &met {
            check(
                names.contains(name),
                "each line answers a request",
                "F-366",
                names.join(", "),
                format!("{name:?}"),
            )?;
            check(
                *count == 1,
                "no request has two lines",
                "F-215",
                format!("{name} once"),
                format!("{count} times"),
            )?;
        }
        // What a cancelled batch says of those that never ran is assumed (F-264, F-358).
        if matches!(status, "completed" | "expired") {
            let missing: Vec<_> = names.iter().filter(|name| !met.contains_key(**name)).copied().collect();
            check(
                missing.is_empty(),
                "each request has a line in one of the two files",
                "F-215",
                "a line for each",
                format!("none for {}", missing.join(", ")),
            )?;
        }
        self.are_counted(batch)?;
        for line in &self.output {
            let told = &line["response"]["status_code"];
            check(
                *told == 200 && line["error"].is_null(),
                "what stands in the output succeeded",
                "F-355",
                "status 200 and no error",
                line.to_string(),
            )?;
            let name = line["custom_id"].as_str().unwrap_or_default();
            let is_good = requests.good.iter().any(|good| good == name);
            check(is_good, "what is refused stands in no output", "F-356", requests.good.join(", "), name)?;
        }
        for line in &self.errors {
            let refused = line["response"]["status_code"].as_u64().is_some_and(|status| status >= 400);
            let did_not_run = line["response"].is_null() && line["error"]["code"].is_string();
            check(
                refused || did_not_run,
                "what stands among errors failed",
                "F-356",
                "a refusal, or an error with a code",
                line.to_string(),
            )?;
            if status == "completed" {
                check(
                    refused,
                    "in a completed batch every request ran",
                    "F-352",
                    "a response",
                    line.to_string(),
                )?;
            }
        }
        Ok(())
    }

    /// The counts of the batch are those of the files.
    fn are_counted(&self, batch: &Value) -> Result<(), Fault> {
        let ran = self.errors.iter().filter(|line| !line["response"].is_null()).count();
        for (name, lines) in [("completed", self.output.len()), ("failed", ran)] {
            let count = &batch["request_counts"][name];
            check(
                *count == lines,
                "counts are those of the files",
                "F-260",
                format!("{name} {lines}"),
                count.to_string(),
            )?;
        }
        Ok(())
    }
}
