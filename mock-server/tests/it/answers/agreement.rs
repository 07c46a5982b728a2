//! What was planned for lines and what files tell of them: for any rules and any input the same.

use batchmock::{ClockMode, LineRules, MockServer};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{find, started};
use crate::support::{CHAT, Client, SEED, START, frozen, line, results_of, seconds};

/// Tables of rules, right as far as their keys go.
fn any_rule() -> impl Strategy<Value = String> {
    let condition = prop_oneof![
        4 => "custom_id = '([*]|a[*]|b[*]|[*]-1|[?]-[?])'",
        2 => "prompt = '(x|[.]|[xy]+|(x)(y)?)'",
        2 => "model = 'gpt-[*]'\nendpoint = '/v1/chat/[*]'",
        1 => "endpoint = '/v1/embeddings'",
    ];
    let turn = prop_oneof![
        4 => Just(String::new()),
        1 => "nth = [1-4]",
        1 => "every = [1-3]",
        1 => "first = [1-3]\nafter = [1-3]",
    ];
    let effect = prop_oneof![
        "outcome = '(400|429|quota|500|timeout|refusal|length|404|503)'",
        "status = (400|404|418|429|500|599)",
        "status = 404\nerror = [{] message = '[{](n|prompt|canary)[}]' [}]",
        "body = '[{]\"text\": \"[{](custom_id|n|prompt)[}]\"[}]'",
        "status = (203|400|503)\nbody = '[{]\"text\": \"[{](custom_id|n|prompt)[}]\"[}]'",
        "text = '([{](n|prompt|model)[}]|text)'(\nfinish_reason = '(stop|length|content_filter)')?",
        "finish_reason = '(stop|length|content_filter)'",
        "refusal = (true|'no [{]n[}]')",
        "tool_call = [{] name = 'f', arguments = ('[{]\"a\": 1'|[{] a = '[{]prompt[}]' [}]) [}]",
    ];
    (condition, turn, effect)
        .prop_map(|(condition, turn, effect)| format!("[[line]]\n{condition}\n{turn}\n{effect}\n"))
}

/// Lines of a chat batch, some of which the endpoint refuses and some of which ask for an end by their names.
fn any_lines() -> impl Strategy<Value = Vec<String>> {
    let parts = ("[ab]", "(~400|~timeout|~refusal|)", "[xyz]{0,3}", prop::bool::weighted(0.2));
    prop::collection::vec(parts, 1..12).prop_map(|lines| {
        let numbered = lines.iter().enumerate();
        numbered
            .map(|(n, (name, end, prompt, is_refused))| {
                let mut body =
                    json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}]});
                if *is_refused {
                    body["temperature"] = json!(9);
                }
                line(&format!("{name}-{n}{end}"), CHAT, &body)
            })
            .collect()
    })
}

/// Whether a result stands where it belongs.
fn has_failed(line: &Value) -> bool {
    line["error"].is_object() || line["response"]["status_code"].as_u64().unwrap() >= 400
}

async fn files_agree(server: &MockServer, client: &Client, lines: &[String]) -> Result<(), TestCaseError> {
    let id = client.batch(lines).await;
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.json();
    prop_assert_eq!(&batch["status"], "completed");
    let counts = &batch["request_counts"];
    let (output, error) = client.results(&id).await;
    prop_assert_eq!(counts["total"].as_u64().unwrap(), lines.len() as u64);
    prop_assert_eq!(counts["completed"].as_u64().unwrap(), output.lines().count() as u64);
    prop_assert_eq!(counts["failed"].as_u64().unwrap(), error.lines().count() as u64);
    for (file, fails) in [(&output, false), (&error, true)] {
        for line in results_of(file) {
            prop_assert_eq!(has_failed(&line), fails, "{}", line);
        }
    }
    for sent in lines {
        let sent: Value = serde_json::from_str(sent).unwrap();
        find([&output, &error], sent["custom_id"].as_str().unwrap());
    }
    let tokens = |name: &str, other: &str| -> u64 {
        let of = |line: &Value| {
            let usage = &line["response"]["body"]["usage"];
            usage[name].as_u64().or(usage[other].as_u64()).unwrap_or(0)
        };
        results_of(&output).iter().map(of).sum()
    };
    prop_assert_eq!(
        batch["usage"]["input_tokens"].as_u64().unwrap(),
        tokens("prompt_tokens", "input_tokens")
    );
    prop_assert_eq!(
        batch["usage"]["output_tokens"].as_u64().unwrap(),
        tokens("completion_tokens", "output_tokens")
    );
    Ok(())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_the_lines_of_the_files(
        rules in prop::collection::vec(any_rule(), 0..5),
        lines in any_lines(),
    ) {
        let rules = LineRules::from_toml(&rules.concat()).unwrap();
        block_on(async {
            let (server, client) = started(frozen().rules(rules)).await;
            files_agree(&server, &client, &lines).await
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_rules_and_lines_give_the_same_bytes(
        rules in prop::collection::vec(any_rule(), 1..4),
        lines in any_lines(),
    ) {
        let rules = LineRules::from_toml(&rules.concat()).unwrap();
        let files = || block_on(async {
            let builder = MockServer::builder().seed(SEED).clock(ClockMode::Frozen).start_at(START);
            let (server, client) = started(builder.rules(rules.clone())).await;
            let id = client.batch(&lines).await;
            server.clock().advance(seconds(4)).unwrap();
            client.results(&id).await
        });
        prop_assert_eq!(files(), files());
    }
}
