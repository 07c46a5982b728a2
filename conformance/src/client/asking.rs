//! What is asked of a client in a scenario: the task, and the outcomes that are known beforehand.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use standardwebhooks::Webhook;

use super::account::Outcome;
use super::blind;
use super::scenario::{Items, Scenario, Work};
use super::task::{Delivery, Item, Task, TaskFile, Verb};

/// A task, and what there is to know of it that the client is not told.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The task.
    pub(crate) task: Task,
    /// Outcomes that are right, and why.
    pub(crate) expected: BTreeMap<String, (Outcome, &'static str)>,
}

impl Asked {
    fn only(task: Task) -> Self {
        Self { task, expected: BTreeMap::new() }
    }
}

/// What is asked in a scenario. The same seed asks the same, but for the times of webhooks, which must be of now.
pub(crate) fn asked(scenario: &Scenario, seed: u64, unix_seconds: i64) -> Asked {
    match scenario.work {
        Work::Run(items) => Asked::only(of_items(Verb::RunBatch, items, seed)),
        Work::Cancel(items) => Asked::only(of_items(Verb::RunThenCancel, items, seed)),
        Work::Collect(n, _) => Asked::only(of_items(Verb::Collect, Items::new(n), seed)),
        Work::Files => Asked::only(Task { files: files(seed), ..Task::new(Verb::FilesRoundtrip) }),
        Work::Webhooks => webhooks(seed, unix_seconds),
    }
}

fn of_items(verb: Verb, items: Items, seed: u64) -> Task {
    Task {
        endpoint: items.endpoint.to_owned(),
        model: "gpt-4o-mini".to_owned(),
        completion_window: "24h".to_owned(),
        items: (0..items.n).map(|n| item(seed, n, items.are_odd)).collect(),
        finish: items.finish,
        cleanup: items.cleanup,
        ..Task::new(verb)
    }
}

/// What careless code spoils: line separators that are none, quotes and backslashes, what is not in the basic plane, text
/// that runs the other way, a letter of two code points, control characters.
const ODDITIES: [&str; 8] = [
    "\u{2028}between\u{2029}lines\u{85}",
    "\"quoted\" and \\escaped\\n",
    "\u{1f9ea} 𝒳 \u{1f1e9}\u{1f1ea}",
    "עברית ‏العربية",
    "e\u{301} is not \u{e9}",
    "a tab\tand a line\r\nend",
    "  spaces at both ends  ",
    "<b>&amp;</b> {{braces}} ${HOME} %s",
];

/// A prompt that is unlike the others, and of which no part says which key it has.
fn item(seed: u64, n: usize, is_odd: bool) -> Item {
    let word = blind::word(seed, &format!("prompt {n}"));
    let prompt = if is_odd {
        format!("{word} {}", ODDITIES[n % ODDITIES.len()])
    } else {
        format!("Answer in one word. This is question {word}.")
    };
    Item { key: format!("k-{:03}", n + 1), prompt }
}

/// Inputs of batches, as bytes that must not change on the way.
fn files(seed: u64) -> Vec<TaskFile> {
    let line = |n: usize, text: &str| {
        let body = serde_json::json!({
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": format!("{} {text}", blind::word(seed, &format!("file {n}")))}],
        });
        serde_json::json!({
            "custom_id": format!("r-{n}"), "method": "POST", "url": "/v1/chat/completions", "body": body,
        })
        .to_string()
    };
    let file =
        |key: &str, name: &str, text: String| TaskFile { key: key.to_owned(), name: name.to_owned(), text };
    vec![
        file("f-1", "plain.jsonl", format!("{}\n{}\n", line(1, "plain"), line(2, "text"))),
        file("f-2", "fräulein €.jsonl", format!("{}\n", line(3, "ünïcödé \u{2028}\u{2029}\u{85} \u{1f9ea}"))),
        file("f-3", "windows.jsonl", format!("{}\r\n{}\r\n", line(4, "one"), line(5, "two"))),
        file("f-4", "no end.jsonl", line(6, "without a line end")),
    ]
}

/// How old a webhook may be, by far exceeded.
const STALE_SECONDS: i64 = 3600;

/// Webhooks that are right, repeated, late, and forged in several ways.
fn webhooks(seed: u64, now: i64) -> Asked {
    let bytes = |what: &str| -> Vec<u8> {
        (0..4).flat_map(|n| blind::number(seed, &format!("{what} {n}")).to_be_bytes()).collect()
    };
    let (own, foreign) = (bytes("secret"), bytes("another secret"));
    let id = |n: u32| format!("wh_{:016x}", blind::number(seed, &format!("webhook {n}")));
    let body = |n: u32, kind: &str, at: i64| {
        let number = |what: &str| blind::number(seed, &format!("{what} {n}"));
        format!(
            r#"{{"object":"event","id":"evt_{:016x}","type":"{kind}","created_at":{at},"data":{{"id":"batch_{:016x}"}}}}"#,
            number("event"),
            number("batch"),
        )
    };
    let sign = |secret: &[u8], id: &str, at: i64, body: &str| {
        let webhook = Webhook::from_bytes(secret.to_vec()).expect("any bytes are a secret");
        webhook.sign(id, at, body.as_bytes()).expect("the time is after 1970")
    };
    let mut deliveries = Vec::new();
    let mut expected = BTreeMap::new();
    let mut deliver = |id: &str, at: i64, signature: Option<String>, body: &str, outcome: Outcome, why| {
        let key = format!("d-{:02}", deliveries.len() + 1);
        let mut headers = BTreeMap::from([
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-id".to_owned(), id.to_owned()),
            ("webhook-timestamp".to_owned(), at.to_string()),
        ]);
        headers.extend(signature.map(|signature| ("webhook-signature".to_owned(), signature)));
        expected.insert(key.clone(), (outcome, why));
        deliveries.push(Delivery { key, headers, body: body.to_owned() });
    };
    let (first, second) = (body(1, "batch.completed", now - 9), body(2, "batch.expired", now - 8));
    let signed = sign(&own, &id(1), now, &first);
    deliver(&id(1), now, Some(signed), &first, Outcome::Handled, "it is signed with the secret");
    let forged = sign(&foreign, &id(3), now, &second);
    deliver(&id(3), now, Some(forged), &second, Outcome::Refused, "it is signed with another secret");
    let again = sign(&own, &id(1), now + 1, &first);
    deliver(&id(1), now + 1, Some(again), &first, Outcome::Duplicate, "its webhook-id has come before");
    let both = format!("v1,{} {}", STANDARD.encode([0; 32]), sign(&own, &id(2), now, &second));
    deliver(&id(2), now, Some(both), &second, Outcome::Handled, "one of its two signatures is right");
    let third = body(4, "batch.failed", now - 7);
    let signed = sign(&own, &id(4), now, &third);
    let tampered = third.replace("batch.failed", "batch.completed");
    deliver(&id(4), now, Some(signed), &tampered, Outcome::Refused, "its body was changed");
    deliver(&id(5), now, None, &third, Outcome::Refused, "it is not signed");
    let stale = sign(&own, &id(6), now - STALE_SECONDS, &third);
    deliver(&id(6), now - STALE_SECONDS, Some(stale), &third, Outcome::Refused, "it is an hour old");
    let early = sign(&own, &id(7), now + STALE_SECONDS, &third);
    deliver(&id(7), now + STALE_SECONDS, Some(early), &third, Outcome::Refused, "it is an hour ahead");
    let signed = sign(&own, &id(8), now, &third);
    deliver(&id(9), now, Some(signed), &third, Outcome::Refused, "it is signed for another webhook-id");
    let late = body(10, "batch.cancelled", now - 60);
    let signed = sign(&own, &id(10), now - 30, &late);
    deliver(&id(10), now - 30, Some(signed), &late, Outcome::Handled, "it is right, if out of order");
    let task = Task {
        secret: Some(format!("whsec_{}", STANDARD.encode(&own))),
        deliveries,
        ..Task::new(Verb::WebhookConsume)
    };
    Asked { task, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::scenarios;
    use crate::client::task::SCHEMA;

    const NOW: i64 = 1_767_225_600;

    #[test]
    fn every_task_is_as_its_schema_says_and_follows_from_the_seed() {
        let schema = serde_json::from_str(SCHEMA).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for scenario in scenarios::all() {
            let mut task = asked(scenario, 1, NOW).task;
            assert_eq!(asked(scenario, 1, NOW).task, task);
            if let Work::Collect(..) = scenario.work {
                task.batch_id = Some("batch_1".to_owned());
                task.keys = task.items.drain(..).map(|item| item.key).collect();
            }
            let json = serde_json::to_value(&task).unwrap();
            let errors: Vec<_> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
            assert_eq!(errors, [""; 0], "{}", scenario.id);
        }
    }

    #[test]
    fn prompts_are_unique_and_odd_ones_survive_json() {
        let items: Vec<_> = (0..100).map(|n| item(3, n, true)).collect();
        let prompts: std::collections::BTreeSet<_> = items.iter().map(|item| &item.prompt).collect();
        assert_eq!(prompts.len(), items.len());
        let again: Vec<Item> = serde_json::from_str(&serde_json::to_string(&items).unwrap()).unwrap();
        assert_eq!(again, items);
    }

    #[test]
    fn of_webhooks_some_are_right_and_others_are_not() {
        let asked = webhooks(1, NOW);
        let count = |outcome| asked.expected.values().filter(|(expected, _)| *expected == outcome).count();
        assert_eq!([Outcome::Handled, Outcome::Duplicate, Outcome::Refused].map(count), [3, 1, 6]);
        let secret = asked.task.secret.unwrap();
        let webhook = Webhook::new(&secret).unwrap();
        let first = &asked.task.deliveries[0];
        let signature = webhook.sign(&first.headers["webhook-id"], NOW, first.body.as_bytes()).unwrap();
        assert_eq!(first.headers["webhook-signature"], signature);
    }
}
