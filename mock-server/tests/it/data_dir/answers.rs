//! Who answers the lines of a batch, when a mock is stopped before the batch has ended and started again.

use std::path::PathBuf;

use batchmock::{Builder, LineRules, MockServer, Recording};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Client, chat, frozen, seconds};

/// What a batch of these lines shows and gets: run in one go, or with a restart with other flags in between.
async fn results(
    data: &TempDir,
    builder: Builder,
    lines: &[String],
    restarts: bool,
) -> (String, String, String) {
    let start = |builder: Builder| async {
        let server = builder.data_dir(data.path().join("data")).start().await.unwrap();
        let client = Client::new(&server);
        (server, client)
    };
    let (mut server, mut client): (MockServer, Client) = start(builder).await;
    let id = client.batch(lines).await;
    if restarts {
        server.stop().await;
        (server, client) = start(frozen().seed(1_000)).await;
    }
    server.clock().advance(seconds(4)).unwrap();
    let batch = client.retrieve(&id).await.text().to_owned();
    let (output, error) = client.results(&id).await;
    server.stop().await;
    (batch, output, error)
}

#[tokio::test]
async fn rules_decide_as_they_did() {
    let rules = LineRules::from_toml(
        "[[line]]\nprompt = 'question (?<which>[0-9])'\nevery = 2\ntext = '{n}: {which}'\n\
         [[line]]\ncustom_id = '*'\nnth = 3\nstatus = 418\nerror = { message = 'tea for {custom_id}' }",
    )
    .unwrap();
    let lines = crate::support::chats(6);
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_one_go = results(&one, frozen().rules(rules.clone()), &lines, false).await;
    assert_eq!(results(&other, frozen().rules(rules), &lines, true).await, in_one_go);
    assert!(in_one_go.1.contains("4: 4") && in_one_go.2.contains("tea for a-3"));
}

/// Files of a recording, of which one may be changed.
fn recorded(dir: &TempDir) -> (Recording, PathBuf) {
    let result = |name: &str, status: u16| {
        let response = json!({"status_code": status, "body": {"said": name}});
        json!({"custom_id": name, "response": response}).to_string()
    };
    let lines = [chat("a", "one"), chat("b", "two")];
    let (results, input) = (dir.path().join("output.jsonl"), dir.path().join("input.jsonl"));
    std::fs::write(&results, [result("a", 200), result("b", 400)].join("\n")).unwrap();
    std::fs::write(&input, lines.join("\n")).unwrap();
    (Recording::open([&results]).unwrap().with_input([&input]).unwrap(), results)
}

#[tokio::test]
async fn what_was_recorded_is_given_as_it_was_to_be() {
    let lines = [chat("x", "one"), chat("y", "two"), chat("z", "three")];
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let in_one_go = results(&one, frozen().recording(recorded(&one).0), &lines, false).await;
    assert_eq!(results(&other, frozen().recording(recorded(&other).0), &lines, true).await, in_one_go);
    assert_eq!((in_one_go.1.lines().count(), in_one_go.2.lines().count()), (1, 2));
}

#[tokio::test]
async fn a_recording_that_has_changed_meanwhile_is_not_taken_for_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (recording, results) = recorded(&dir);
    let server = frozen().recording(recording).data_dir(dir.path().join("data")).start().await.unwrap();
    let id = Client::new(&server).batch(&[chat("x", "one"), chat("y", "two")]).await;
    server.stop().await;

    let before = std::fs::read_to_string(&results).unwrap();
    let server = frozen().data_dir(dir.path().join("data")).start().await.unwrap();
    let client = Client::new(&server);
    server.clock().advance(seconds(4)).unwrap();
    for changed in [Some(before.replace("400", "200")), Some(before.replace("\"a\"", "\"c\"")), None] {
        match changed {
            Some(changed) => std::fs::write(&results, changed).unwrap(),
            None => std::fs::remove_file(&results).unwrap(),
        }
        let batch = client.retrieve(&id).await.json();
        assert_eq!(
            batch["request_counts"],
            json!({"total": 2, "completed": 1, "failed": 1}),
            "as it was decided"
        );
        let answer = client.content(batch["output_file_id"].as_str().unwrap()).await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("batchmock could not read or write its files"), "{answer}");
        assert!(!answer.text().contains("output.jsonl"), "{answer}");
    }
    std::fs::write(&results, before).unwrap();
    let (output, error) = client.results(&id).await;
    assert!(output.contains(r#""said":"a""#) && error.contains(r#""said":"b""#), "{output}{error}");
}
