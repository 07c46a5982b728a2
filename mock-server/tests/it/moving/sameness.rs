//! A world is the same in the other mock, and goes on in the same way.

use std::time::Duration;

use batchmock::{Builder, ClockMode, LineRules, MockServer, Recording};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;

use super::{assert_same, control, export, import, look};
use crate::support::{
    CHAT, Client, Form, chat, chats, frozen, line, new_batch, seconds, slower_than_the_window,
};

/// The mock at home, which was told nothing of the other: another seed, another time, another pace.
fn at_home() -> Builder {
    MockServer::builder().seed(99).clock(ClockMode::Frozen)
}

/// Where the flags of the other matter: rules, a recording, quotas.
fn elaborate(recorded: &TempDir) -> Builder {
    let output = recorded.path().join("output.jsonl");
    let body = json!({"id": "chatcmpl-1", "object": "chat.completion", "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}});
    let result = json!({
        "id": "batch_req_1", "custom_id": "known", "error": null,
        "response": {"status_code": 200, "request_id": "1", "body": body},
    });
    std::fs::write(&output, format!("{result}\n")).unwrap();
    let rules =
        LineRules::from_toml("[[line]]\ncustom_id = \"order-*\"\ntext = \"Order {custom_id}\"").unwrap();
    frozen()
        .rules(rules)
        .recording(Recording::open([output]).unwrap())
        .unrecorded(batchmock::Unrecorded::IsAnswered)
}

/// Batches in every state and with every way to fail.
async fn fill(server: &MockServer, client: &Client) {
    let lines = [
        chats(3),
        vec![chat("猫~500", "four"), chat("order-1", "five"), chat("a~429", "six"), chat("known", "seven")],
    ]
    .concat();
    let quotas = json!({"enqueued_tokens": 5_000, "batches_per_hour": 100}).to_string();
    control(server).send(Method::PUT, "/quotas", Some("application/json"), quotas.into()).await;
    client.batch(&lines).await;
    client.batch(&["{}", "no JSON"]).await;
    client.create("file-1111111111111111111111", CHAT).await;
    let mut new = new_batch(&client.upload_lines(&lines).await, CHAT);
    new["metadata"] = json!({"z": "1", "a": "2", "mock_scenario": "mixed-errors"});
    new["output_expires_after"] = json!({"anchor": "created_at", "seconds": 3_600});
    client.post("/batches", &new).await;
    let going = client.upload_lines(&lines).await;
    client.create(&going, CHAT).await;
    client.delete(&format!("/files/{going}")).await;
    let (cancelled, deleted) = (client.batch(&chats(2)).await, client.batch(&lines).await);
    client.batch(&[chat("long", &"x".repeat(30_000))]).await;
    let clock = server.clock();
    clock.advance(Duration::from_millis(2_500)).unwrap();
    client.cancel(&cancelled).await;
    clock.advance(seconds(10)).unwrap();
    let output = client.retrieve(&deleted).await.json()["output_file_id"].as_str().unwrap().to_owned();
    assert_eq!(client.delete(&format!("/files/{output}")).await.status, StatusCode::OK);
    client.upload("evals", "größer.bin", [0, 159, 146, 150]).await;
    client.delete("/models/ft:gpt-4o-mini:acme::1").await;
    client.batch(&chats(4)).await;
    clock.advance(Duration::from_millis(1_500)).unwrap();
    client.batch(&chats(5)).await;
}

/// Goes on in both in the same way, and holds what comes of it against each other.
async fn go_on(one: (&MockServer, &Client), other: (&MockServer, &Client)) {
    for (server, client) in [one, other] {
        let id = client.batch(&[chat("a~429", "more"), chat("b", "more")]).await;
        server.clock().advance(seconds(2)).unwrap();
        client.cancel(&id).await;
        server.clock().advance(seconds(3_600)).unwrap();
        client.batch(&chats(2)).await;
    }
    assert_same(&look(other.0, other.1).await, &look(one.0, one.1).await);
}

#[tokio::test]
async fn every_answer_is_the_same_after_an_import_and_so_is_all_that_follows() {
    let recorded = tempfile::tempdir().unwrap();
    for has_data_dir in [[false, false], [true, false], [false, true], [true, true]] {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let builders = [elaborate(&recorded), at_home()];
        let [there, home] = [0, 1].map(|n| {
            let builder = builders[n].clone();
            if has_data_dir[n] { builder.data_dir(dirs[n].path().join("data")) } else { builder }
        });
        let server = there.start().await.unwrap();
        let client = Client::new(&server);
        fill(&server, &client).await;
        let expected = look(&server, &client).await;
        let file = export(&server).await;
        assert_eq!(export(&server).await, file, "the same world gives the same bytes");

        let other = home.clone().start().await.unwrap();
        let others = Client::new(&other);
        others.batch(&chats(1)).await;
        let came_in = import(&other, file.clone()).await;
        assert_eq!(came_in.status, StatusCode::OK, "{came_in}");
        assert_same(&look(&other, &others).await, &expected);
        assert_eq!(others.get("/models/ft:gpt-4o-mini:acme::1").await.status, StatusCode::NOT_FOUND);
        assert_eq!(export(&other).await, file, "and so does the same world elsewhere");

        let (other, others) = if has_data_dir[1] {
            other.stop().await;
            let other = home.start().await.unwrap();
            let others = Client::new(&other);
            assert_same(&look(&other, &others).await, &expected);
            (other, others)
        } else {
            (other, others)
        };
        // What a mock is told, such as rules and pace, is for what comes new: so new things here are plain.
        let plain = frozen().seed(99).start().await.unwrap();
        import(&plain, file.clone()).await;
        go_on((&plain, &Client::new(&plain)), (&other, &others)).await;
    }
}

#[tokio::test]
async fn what_is_created_next_is_the_same_as_where_it_came_from() {
    let (server, client) = crate::support::start().await;
    client.batch(&chats(3)).await;
    let other = at_home().start().await.unwrap();
    import(&other, export(&server).await).await;
    go_on((&server, &client), (&other, &Client::new(&other))).await;
}

#[tokio::test]
async fn an_expired_batch_and_uploads_that_wait_for_parts_move_as_well() {
    let there = frozen().pace(slower_than_the_window()).start().await.unwrap();
    let client = Client::new(&there);
    client.batch(&chats(10)).await;
    there.clock().advance(seconds(90_000)).unwrap();
    let text = format!("{}\n", chat("a", "in parts"));
    let new =
        json!({"purpose": "batch", "filename": "a.jsonl", "bytes": text.len(), "mime_type": "text/jsonl"});
    let upload = client.post("/uploads", &new).await.id();
    let mut parts = Vec::new();
    for piece in [&text[..20], &text[20..]] {
        let form =
            Form::new().part("Content-Disposition: form-data; name=\"data\"; filename=\"blob\"", piece);
        let path = format!("/uploads/{upload}/parts");
        parts.push(client.send(Method::POST, &path, Some(&Form::content_type()), form.body()).await.id());
    }
    let expected = look(&there, &client).await;

    let home = at_home().start().await.unwrap();
    let others = Client::new(&home);
    import(&home, export(&there).await).await;
    assert_same(&look(&home, &others).await, &expected);
    let complete = format!("/uploads/{upload}/complete");
    let completed = others.post(&complete, &json!({"part_ids": parts})).await;
    assert_eq!(completed.status, StatusCode::OK, "{completed}");
    assert_eq!(completed.body, client.post(&complete, &json!({"part_ids": parts})).await.body);
}

#[tokio::test]
async fn results_whose_input_is_gone_move_too_unless_they_must_survive_a_restart() {
    let (server, client) = crate::support::start().await;
    let input = client.upload_lines(&[chats(3), vec![chat("a~400", "no")]].concat()).await;
    let id = client.create(&input, CHAT).await.id();
    server.clock().advance(seconds(10)).unwrap();
    let results = client.results(&id).await;
    client.delete(&format!("/files/{input}")).await;
    let expected = look(&server, &client).await;
    let file = export(&server).await;

    let home = at_home().start().await.unwrap();
    let others = Client::new(&home);
    assert_eq!(import(&home, file.clone()).await.status, StatusCode::OK);
    assert_same(&look(&home, &others).await, &expected);
    assert_eq!(others.results(&id).await, results);
    assert_eq!(export(&home).await, file);

    let dir = tempfile::tempdir().unwrap();
    let kept = at_home().data_dir(dir.path().join("data")).start().await.unwrap();
    let before = Client::new(&kept).batch(&chats(1)).await;
    let refused = import(&kept, file).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.message().contains(&format!("the input of batch {id} was deleted")), "{refused}");
    assert_eq!(Client::new(&kept).retrieve(&before).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_real_clock_stands_still_in_the_file() {
    let there = MockServer::builder().clock(ClockMode::Scaled(3_600.0)).start().await.unwrap();
    let client = Client::new(&there);
    control(&there).send(Method::PUT, "/clock", None, b"{\"mode\": \"frozen\"}".to_vec()).await;
    client.batch(&[line("a", "/v1/nowhere", &json!({}))]).await;
    let now = there.clock().now();
    let file = export(&there).await;
    let home = MockServer::start().await.unwrap();
    import(&home, file).await;
    assert_eq!(home.clock().now(), now);
    home.clock().set_mode(ClockMode::Real);
    assert!(home.clock().now().since(now) < Duration::from_hours(1), "it goes on from there");
}

#[tokio::test]
async fn results_that_were_recorded_come_along() {
    let recorded = tempfile::tempdir().unwrap();
    let there = elaborate(&recorded).start().await.unwrap();
    let client = Client::new(&there);
    let id = client.batch(&[chat("known", "a"), chat("b", "b")]).await;
    there.clock().advance(seconds(10)).unwrap();
    let file = export(&there).await;
    let results = client.results(&id).await;
    assert!(results.0.contains("chatcmpl-1"));
    recorded.close().unwrap();

    let dir = tempfile::tempdir().unwrap();
    let home = at_home().data_dir(dir.path().join("data")).start().await.unwrap();
    assert_eq!(import(&home, file).await.status, StatusCode::OK);
    assert_eq!(Client::new(&home).results(&id).await, results);
}
