//! Rules for lines, in TOML and as the command line says them, and what else the command line reads.

#![no_main]

use batchmock::{ClockMode, LineRule, LineRules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match LineRules::from_toml(text) {
        Ok(rules) => drop(rules.outcome(text, Some(text))),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(rule) = text.parse::<LineRule>() {
        LineRules::new(vec![rule]).outcome(text, Some(text));
    }
    if let Ok(mode) = text.parse::<ClockMode>() {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
});
