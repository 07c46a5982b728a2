//! Input as it comes: what is decided for bytes that no documentation speaks of.
//!
//! Nothing is known of how the service treats most of these (F-323, F-455); each answer here is a choice,
//! told in `docs/fidelity.md`.

use std::sync::Arc;

use super::{InputLimits, LineContent, Problem, Scan, Scanner, UploadFault, check};
use crate::endpoint::Endpoint;

const LIMITS: InputLimits = InputLimits { lines: 50_000, embedding_inputs: 50_000 };

fn scan(bytes: &[u8]) -> Scan {
    let mut scanner = Scanner::new(Arc::default(), usize::MAX);
    scanner.push(bytes);
    scanner.finish()
}

/// A line whose `custom_id` is this JSON, with a body that has this besides model and messages.
fn line(custom_id: &str, more: &str) -> String {
    format!(
        r#"{{"custom_id": {custom_id}, "method": "POST", "url": "/v1/chat/completions", "body": {{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "hello"}}]{more}}}}}"#
    )
}

type Problems = Vec<(Problem, Option<u32>)>;

/// How many lines an input in order has, and its model.
fn checked(bytes: &[u8]) -> Result<(usize, String), Problems> {
    let scan = scan(bytes);
    assert_eq!(scan.fault, None);
    check(&scan, Endpoint::ChatCompletions, LIMITS, |_| true).map(|model| (scan.lines.len(), model))
}

fn n_accepted(bytes: &[u8]) -> usize {
    checked(bytes).expect("the input is in order").0
}

fn problems(bytes: &[u8]) -> Problems {
    checked(bytes).expect_err("the input is not in order")
}

#[test]
fn lines_end_with_lf_or_crlf_and_the_last_one_with_nothing() {
    let (a, b) = (line("\"a\"", ""), line("\"b\"", ""));
    for text in [format!("{a}\n{b}\n"), format!("{a}\r\n{b}\r\n"), format!("{a}\n{b}"), format!("{a}\r\n{b}")]
    {
        assert_eq!(n_accepted(text.as_bytes()), 2, "{text:?}");
    }
}

#[test]
fn blank_lines_are_passed_over_but_counted() {
    let text = format!("{}\n\n  \t\r\n{}\n{{broken\n\n\n", line("\"a\"", ""), line("\"b\"", ""));
    assert_eq!(problems(text.as_bytes()), [(Problem::NotJson, Some(5))]);
}

#[test]
fn separators_of_lines_that_are_none_in_json_stay_within_their_line() {
    for separator in ["\u{2028}", "\u{2029}", "\u{85}", "\u{b}", "\u{c}"] {
        let escaped = if separator < "\u{20}" {
            format!("\\u{:04x}", u32::from(separator.as_bytes()[0]))
        } else {
            separator.to_owned()
        };
        let text = line(&format!("\"a{escaped}b\""), "");
        assert_eq!(n_accepted(text.as_bytes()), 1, "{separator:?}");
    }
}

#[test]
fn a_byte_order_mark_makes_the_first_line_no_json() {
    let text = format!("\u{feff}{}", line("\"a\"", ""));
    assert_eq!(scan(text.as_bytes()).fault, Some(UploadFault::NotJsonl));
}

#[test]
fn utf_16_and_broken_utf_8_are_no_utf_8() {
    let good = line("\"a\"", "");
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(scan(&utf_16).fault, Some(UploadFault::NotJsonl), "it is ASCII with NULs: UTF-8, but no JSON");
    let mut broken = format!("{good}\n").into_bytes();
    broken.extend_from_slice(b"{\"custom_id\": \"\xc3\x28\"}\n");
    assert_eq!(scan(&broken).fault, Some(UploadFault::NotUtf8));
}

#[test]
fn a_line_may_be_ten_megabytes_long() {
    let content = "x".repeat(10 * 1024 * 1024);
    let text = line("\"a\"", &format!(r#", "user": "{content}""#));
    assert_eq!(n_accepted(text.as_bytes()), 1);
}

#[test]
fn a_custom_id_is_a_text_of_any_length_even_none() {
    let long = format!("\"{}\"", "i".repeat(10_000));
    for custom_id in ["\"\"", long.as_str(), "\"\\u0000\"", "\"猫 🐈\""] {
        assert_eq!(n_accepted(line(custom_id, "").as_bytes()), 1);
    }
}

#[test]
fn a_custom_id_that_is_no_text_is_refused_by_its_type() {
    for (custom_id, found) in [
        ("7", "an integer"),
        ("7.5", "a decimal number"),
        ("true", "a boolean"),
        ("[\"a\"]", "an array"),
        ("{}", "an object"),
    ] {
        let expected = Problem::WrongType { field: "custom_id", expected: "a string", found };
        assert_eq!(problems(line(custom_id, "").as_bytes()), [(expected, Some(1))]);
    }
    assert_eq!(problems(line("null", "").as_bytes()), [(Problem::Missing("custom_id"), Some(1))]);
}

#[test]
fn custom_ids_are_the_same_only_if_every_character_is() {
    let both = |a: &str, b: &str| format!("{}\n{}\n", line(a, ""), line(b, ""));
    assert_eq!(problems(both("\"a\"", "\"\\u0061\"").as_bytes()), [(Problem::DuplicateCustomId, Some(2))]);
    for (a, b) in [("\"a\"", "\"A\""), ("\"a\"", "\"a \""), ("\"é\"", "\"e\\u0301\"")] {
        assert_eq!(n_accepted(both(a, b).as_bytes()), 2);
    }
}

#[test]
fn json_may_be_nested_126_levels_deep() {
    let nested = |levels: usize| {
        line("\"a\"", &format!(r#", "metadata": {}1{}"#, "[".repeat(levels), "]".repeat(levels)))
    };
    // The line and its body are two more levels.
    assert_eq!(n_accepted(nested(124).as_bytes()), 1);
    assert_eq!(problems(nested(126).as_bytes()), [(Problem::NotJson, Some(1))]);
    assert_eq!(problems(nested(1_000_000).as_bytes()), [(Problem::NotJson, Some(1))]);
}

#[test]
fn of_a_repeated_key_the_last_value_counts() {
    let text = line("\"first\", \"custom_id\": \"second\"", r#", "model": "gpt-4o""#);
    assert_eq!(checked(text.as_bytes()).expect("the input is in order").1, "gpt-4o");
}

#[test]
fn numbers_may_be_large_but_not_infinite() {
    for number in ["123456789012345678901234567890", "1e308", "-0.0", "5e-324", "1e-400"] {
        assert_eq!(n_accepted(line("\"a\"", &format!(r#", "x": {number}"#)).as_bytes()), 1, "{number}");
    }
    for number in ["1e400", "NaN", "Infinity", "01", "1.", "+1"] {
        let text = format!("{}\n{}", line("\"a\"", ""), line("\"b\"", &format!(r#", "x": {number}"#)));
        assert_eq!(problems(text.as_bytes()), [(Problem::NotJson, Some(2))], "{number}");
    }
}

#[test]
fn half_a_surrogate_pair_is_no_json() {
    assert_eq!(problems(line("\"\\ud800\"", "").as_bytes()), [(Problem::NotJson, Some(1))]);
    assert_eq!(n_accepted(line("\"\\ud83d\\ude00\"", "").as_bytes()), 1);
}

#[test]
fn unknown_keys_beside_the_four_are_passed_over() {
    let text = line("\"a\", \"note\": \"mine\"", "");
    assert_eq!(n_accepted(text.as_bytes()), 1);
}

#[test]
fn names_are_as_written() {
    let lower = line("\"a\"", "").replace("POST", "post");
    assert_eq!(problems(lower.as_bytes()), [(Problem::InvalidMethod("post".to_owned()), Some(1))]);
    let slash = line("\"a\"", "").replace("completions\"", "completions/\"");
    assert_eq!(problems(slash.as_bytes()), [(Problem::InvalidUrl, Some(1))]);
    let whole = line("\"a\"", "").replace("\"/v1/", "\"https://api.openai.com/v1/");
    assert_eq!(problems(whole.as_bytes()), [(Problem::InvalidUrl, Some(1))]);
}

#[test]
fn a_file_of_a_hundred_thousand_empty_objects_is_told_by_its_number_of_lines() {
    let text = "{}\n".repeat(100_000);
    assert_eq!(problems(text.as_bytes()), [(Problem::TooManyLines { limit: 50_000 }, None)]);
    let scan = scan(text.as_bytes());
    assert!(matches!(scan.lines[0].content, LineContent::Unusable(Problem::Missing("custom_id"))));
}
