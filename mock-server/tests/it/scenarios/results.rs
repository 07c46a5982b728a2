//! What the files of batches hold in scenarios that are about files.

use serde_json::Value;

use super::in_scenario;
use crate::support::{Client, chats, custom_ids, days, results_of};

/// The output and the error file of a batch of so many lines in a scenario, as bytes.
async fn files(scenario: &str, n_lines: usize) -> (Vec<u8>, Vec<u8>) {
    let (server, client) = in_scenario(scenario).await;
    let clock = server.clock_of(&server.scenario_key(scenario, "test").unwrap());
    let id = client.batch(&chats(n_lines)).await;
    clock.advance(days(2)).unwrap();
    bytes(&client, &id).await
}

async fn bytes(client: &Client, id: &str) -> (Vec<u8>, Vec<u8>) {
    let batch = client.retrieve(id).await.json();
    let mut files = Vec::new();
    for key in ["output_file_id", "error_file_id"] {
        files.push(match batch[key].as_str() {
            Some(id) => client.content(id).await.body,
            None => Vec::new(),
        });
    }
    let error = files.pop().unwrap();
    (files.pop().unwrap(), error)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn of<'l>(lines: &'l [Value], custom_id: &str) -> &'l Value {
    lines.iter().find(|line| line["custom_id"] == custom_id).unwrap()
}

#[tokio::test]
async fn lines_fail_for_several_reasons_and_one_answer_is_cut() {
    let (output, error) = files("mixed-errors", 8).await;
    let (output, error) = (results_of(&text(output)), results_of(&text(error)));
    assert_eq!((output.len(), error.len()), (5, 3));
    let status = |id: &str| of(&error, id)["response"]["status_code"].as_u64().unwrap();
    assert_eq!((status("a-2"), status("a-4"), status("a-6")), (400, 429, 500));
    let too_long = &of(&error, "a-2")["response"]["body"]["error"];
    assert_eq!(
        (&too_long["code"], &too_long["param"]),
        (&"context_length_exceeded".into(), &"messages".into())
    );
    assert!(error.iter().all(|line| line["error"].is_null()));
    assert_eq!(of(&output, "a-3")["response"]["body"]["choices"][0]["finish_reason"], "length");

    let (output, error) = files("mixed-errors:failures-in-output", 8).await;
    assert_eq!((results_of(&text(output)).len(), error.len()), (8, 0));
}

#[tokio::test]
async fn lines_that_never_ran_can_be_told_nowhere() {
    let (output, error) = files("expired-partial", 10).await;
    assert_eq!((custom_ids(&text(output)).len(), custom_ids(&text(error)).len()), (1, 9));
    let (output, error) = files("expired-partial", 2).await;
    assert_eq!(
        (custom_ids(&text(output)).len(), custom_ids(&text(error)).len()),
        (1, 1),
        "also of few lines"
    );
    let (output, error) = files("expired-partial:no-error-file", 10).await;
    assert_eq!((custom_ids(&text(output)).len(), error.len()), (1, 0));
}

#[tokio::test]
async fn an_output_that_is_hard_to_read_holds_what_it_should() {
    let (output, error) = files("stuck-and-nasty:nasty", 10).await;
    assert!(error.is_empty());
    let output = text(output);
    assert!(!output.ends_with('\n'), "it has no line end at its end");
    assert!(output.contains("\r\n") && output.contains("\n\n"));
    let lines: Vec<&str> = output.split('\n').filter(|line| !line.trim().is_empty()).collect();
    let read: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut names: Vec<_> = read.iter().map(|line| line["custom_id"].as_str().unwrap()).collect();
    names.sort_by_key(|name| name[2..].parse::<u32>().unwrap());
    assert_eq!(names, ["a-1", "a-2", "a-4", "a-5", "a-6", "a-7", "a-8", "a-9", "a-10"], "a-3 is missing");

    let content = |id: &str| {
        of(&read, id)["response"]["body"]["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    assert!(["\u{2028}", "\u{2029}", "\u{85}"].iter().all(|mark| content("a-1").contains(mark)));
    assert!(lines.iter().any(|line| line.contains('\u{2028}')), "as it is, not escaped");
    assert!(lines.iter().any(|line| line.len() > 1024 * 1024));
    assert_eq!(content("a-4"), "");
    let edges = (1..output.len() / 65_536).map(|block| block * 65_536);
    assert!(
        edges.filter(|edge| !output.is_char_boundary(*edge)).count() > 5,
        "characters lie over block edges"
    );
}

#[tokio::test]
async fn broken_lines_are_broken_each_in_its_way() {
    let (output, _) = files("stuck-and-nasty:broken-lines", 8).await;
    let output = text(output);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 9);
    let (good, bad): (Vec<&str>, Vec<&str>) =
        lines.iter().partition(|line| serde_json::from_str::<Value>(line).is_ok());
    assert_eq!(bad.len(), 2);
    assert!(
        bad.iter().any(|line| line.contains(r#""custom_id": "a-2""#)),
        "what is no JSON has its name: {bad:?}"
    );
    let good: Vec<Value> = good.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(good.iter().filter(|line| line["custom_id"] == "a-3").count(), 2);
    assert_eq!(good.iter().filter(|line| line["custom_id"] == "unknown-a-4").count(), 1);
    let zero = of(&good, "a-5");
    assert_eq!(zero["response"], serde_json::json!({"status_code": 0, "request_id": "", "body": {}}));
}

#[tokio::test]
async fn what_the_service_may_do_tomorrow() {
    let (server, client) = in_scenario("future").await;
    let clock = server.clock_of(&server.scenario_key("future", "test").unwrap());
    let id = client.batch(&chats(2)).await;
    clock.advance(crate::support::seconds(3)).unwrap();
    let batch = client.retrieve(&id).await.json();
    assert_eq!(batch["status"], "reviewing");
    assert!(batch["field_of_tomorrow"].is_array() && batch["finalizing_at"].is_number(), "{batch}");
    clock.advance(crate::support::seconds(1)).unwrap();
    let (output, _) = bytes(&client, &id).await;
    assert!(
        results_of(&text(output))
            .iter()
            .all(|line| line["response"]["body"]["field_of_tomorrow"].is_object())
    );
}

#[tokio::test]
async fn lists_come_in_pages_of_one() {
    let (_server, client) = in_scenario("paged-list").await;
    let ids = [client.batch(&chats(1)).await, client.batch(&chats(1)).await];
    let first = client.get("/batches?limit=100").await.json();
    assert_eq!((&first["data"][0]["id"], &first["has_more"]), (&ids[1].as_str().into(), &true.into()));
    let second = client.get(&format!("/batches?after={}", ids[1])).await.json();
    assert_eq!((&second["data"][0]["id"], &second["has_more"]), (&ids[0].as_str().into(), &false.into()));
    let files = client.get("/files").await.json();
    assert_eq!((files["data"].as_array().unwrap().len(), &files["has_more"]), (1, &true.into()));
}
