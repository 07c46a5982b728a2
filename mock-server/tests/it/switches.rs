//! Each switch changes exactly what it says.

use std::fmt::Write as _;
use std::time::Duration;

use batchmock::switches::{SwitchInfo, Switches};
use serde_json::Value;

use crate::support::{
    Answer, CHAT, Client, Form, chat, chats, frozen, line, new_batch, seconds, slower_than_the_window,
};

/// Where two answers differ, and what they say there.
type Difference = (String, String, String);

/// Headers that are drawn for each answer, follow from its body, or tell a stranger the time on the wall.
const UNSTABLE_HEADERS: [&str; 4] = ["content-length", "date", "openai-processing-ms", "x-request-id"];

/// Everything in which a switch could make a difference: the same requests each time, each with a title.
async fn play(switches: Switches) -> Vec<(String, Answer)> {
    let mut seen = Vec::new();
    let server = frozen().pace(slower_than_the_window()).switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let slow = [chats(2), vec![chat("c~500", "three"), chat("d~400", "four")]].concat();
    let unstarted = client.batch(&slow).await;
    let expiring = client.batch(&slow).await;
    client.cancel(&unstarted).await;
    server.clock().advance(seconds(30 * 3_600 - 1)).unwrap();
    look(&mut seen, &client, "cancelled while validating", &unstarted).await;
    look(&mut seen, &client, "expired", &expiring).await;

    let server = frozen().switches(switches).start().await.unwrap();
    let client = Client::new(&server);
    let mixed = client.batch(&[chat("猫", "meow"), chat("b~500", "two"), chat("c", "three")]).await;
    let failing = client.batch(&[chat("d~400", "one"), chat("e~timeout", "two")]).await;
    let good = client.batch(&chats(1)).await;
    let elsewhere = client.batch(&[line("a", "/v1/embeddings", &crate::support::chat_body("x"))]).await;
    let cancelled = client.batch(&chats(4)).await;
    server.clock().advance(Duration::from_millis(900)).unwrap();
    look(&mut seen, &client, "about to run", &good).await;
    server.clock().advance(Duration::from_millis(1_100)).unwrap();
    client.cancel(&cancelled).await;
    look(&mut seen, &client, "in progress", &good).await;
    server.clock().advance(seconds(2)).unwrap();
    for (title, id) in [
        ("mixed", &mixed),
        ("all lines failed", &failing),
        ("all lines succeeded", &good),
        ("another URL", &elsewhere),
        ("cancelled while running", &cancelled),
    ] {
        look(&mut seen, &client, title, id).await;
    }
    let form = Form::new().field("purpose", "batch").file("a.jsonl", chat("a", "hello"));
    let uploaded = client.upload_form(&form).await;
    let retrieve = client.get(&format!("/files/{}", uploaded.id())).await;
    seen.push(("upload".to_owned(), uploaded));
    seen.push(("the file, retrieved".to_owned(), retrieve));
    seen.push(("no such file".to_owned(), client.get("/files/none").await));
    seen.push(("no such batch".to_owned(), client.retrieve("batch_none").await));
    let stranger = client.with_authorization(None);
    seen.push(("no key".to_owned(), stranger.get("/batches").await));
    seen.push(("no key for files".to_owned(), stranger.get("/files").await));
    seen.push((
        "a wrong key".to_owned(),
        client.with_authorization(Some("Basic eDp5")).get("/batches").await,
    ));

    let input = client.upload_lines(&chats(1)).await;
    let keyed = client.with_headers(&[("idempotency-key", "a-key")]);
    for title in ["created with a key", "created again with the key"] {
        seen.push((title.to_owned(), keyed.create(&input, CHAT).await));
    }

    // Last, since what comes of a batch that is not created is not there.
    let created = client.post("/batches", &new_batch("file-none", CHAT)).await;
    server.clock().advance(seconds(1)).unwrap();
    let id = if created.status.is_success() { created.id() } else { "batch_none".to_owned() };
    seen.push(("create with an unknown input".to_owned(), created));
    seen.push(("what became of it".to_owned(), client.retrieve(&id).await));
    seen
}

/// A batch and its files.
async fn look(seen: &mut Vec<(String, Answer)>, client: &Client, title: &str, id: &str) {
    let batch = client.retrieve(id).await;
    for (key, name) in [("output_file_id", "output"), ("error_file_id", "errors")] {
        let json = batch.json();
        // As many requests, whether there is such a file or not.
        let id = json[key].as_str().filter(|id| !id.is_empty()).unwrap_or("none");
        seen.push((format!("{title}, {name}"), client.content(id).await));
    }
    seen.push((title.to_owned(), batch));
}

/// What differs between two answers.
fn differences(title: &str, before: &Answer, after: &Answer) -> Vec<Difference> {
    let headers = |answer: &Answer| {
        let lines = answer.header_lines();
        let is_stable = |line: &&str| !UNSTABLE_HEADERS.iter().any(|name| line.starts_with(name));
        lines.lines().filter(is_stable).collect::<Vec<_>>().join("; ")
    };
    let mut all = vec![
        (format!("{title}, status"), before.status.to_string(), after.status.to_string()),
        (format!("{title}, headers"), headers(before), headers(after)),
    ];
    if before.status != after.status {
        let shown = |answer: &Answer| match serde_json::from_slice::<Value>(&answer.body) {
            Ok(json) => json.to_string(),
            Err(_) => answer.text().to_owned(),
        };
        all.push((format!("{title}, body"), shown(before), shown(after)));
    } else if let (Some(one), Some(other)) = (object(before.text()), object(after.text())) {
        let told = all.len();
        compare(title, &one, &other, &mut all);
        assert!(told < all.len() || before.body == after.body, "{title}: the same JSON in other bytes");
    } else {
        let lines = |answer: &Answer| answer.text().lines().map(str::to_owned).collect::<Vec<_>>();
        let (one, other) = (lines(before), lines(after));
        for at in 0..one.len().max(other.len()) {
            let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
            let (title, one, other) = (format!("{title}, line {}", at + 1), line(&one), line(&other));
            let told = all.len();
            if let (Some(one), Some(other)) = (object(&one), object(&other))
                && one["custom_id"] == other["custom_id"]
            {
                compare(&title, &one, &other, &mut all);
            }
            if told == all.len() {
                all.push((title, one, other));
            }
        }
    }
    all.retain(|(_, one, other)| one != other);
    all
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// The places where two documents differ.
fn compare(path: &str, one: &Value, other: &Value, pairs: &mut Vec<Difference>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys().filter(|key| !one.contains_key(*key))) {
                let absent = Value::String("(absent)".to_owned());
                let side =
                    |object: &serde_json::Map<String, Value>| object.get(key).unwrap_or(&absent).clone();
                compare(&format!("{path}/{key}"), &side(one), &side(other), pairs);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (at, (one, other)) in one.iter().zip(other).enumerate() {
                compare(&format!("{path}/{at}"), one, other, pairs);
            }
        }
        _ if one != other => pairs.push((path.to_owned(), one.to_string(), other.to_string())),
        _ => {}
    }
}

/// All differences between two plays, each in three lines.
fn told(usual: &[(String, Answer)], other: &[(String, Answer)]) -> String {
    assert_eq!(usual.len(), other.len());
    let mut told = String::new();
    for ((title, before), (_, after)) in usual.iter().zip(other) {
        for (place, before, after) in differences(title, before, after) {
            writeln!(told, "  {place}\n    - {before}\n    + {after}").unwrap();
        }
    }
    told
}

#[tokio::test]
async fn each_switch_changes_exactly_what_it_says() {
    let usual = play(Switches::default()).await;
    assert_eq!(told(&usual, &play(Switches::default()).await), "");
    let mut all = String::new();
    for SwitchInfo { name, values, .. } in Switches::ALL {
        let mut switches = Switches::default();
        switches.set(name, values[0].0).unwrap();
        assert_eq!(switches, Switches::default(), "the first value of {name} is what was played");
        for (value, summary) in &values[1..] {
            switches.set(name, value).unwrap();
            let told = told(&usual, &play(switches).await);
            assert_ne!(told, "", "{name}={value} makes no difference");
            writeln!(all, "{name}={value}: {}\n{told}", summary.trim()).unwrap();
        }
    }
    insta::assert_snapshot!(all);
}
