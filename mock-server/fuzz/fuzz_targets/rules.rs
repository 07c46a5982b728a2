//! Rules for lines and faults, in TOML and as the command line says them, and what else the command line reads.

#![no_main]

use batchmock::{ClockMode, FaultPlan, FaultRule, LineRule, LineRules, RuleTrial};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    match LineRules::from_toml(text) {
        Ok(rules) => {
            assert_eq!(LineRules::from_toml(&rules.to_toml()).as_ref(), Ok(&rules));
            try_out(rules, text);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(rule) = text.parse::<LineRule>() {
        try_out(LineRules::new(vec![rule]), text);
    }
    match FaultPlan::from_toml(text) {
        Ok(plan) => assert_eq!(FaultPlan::from_toml(&plan.to_toml()).as_ref(), Ok(&plan)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(rule) = text.parse::<FaultRule>() {
        assert_eq!(rule.to_string().parse(), Ok(rule));
    }
    if let Ok(mode) = text.parse::<ClockMode>() {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
});

/// Lets rules decide about a line that has this text everywhere.
fn try_out(rules: LineRules, text: &str) {
    let body = json!({"model": text, "messages": [{"role": "user", "content": text}]});
    let line = json!({"custom_id": text, "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string();
    let mut trial = RuleTrial::new(rules);
    for _ in 0..2 {
        trial.next_line(&line).expect("the line is a request");
    }
}
