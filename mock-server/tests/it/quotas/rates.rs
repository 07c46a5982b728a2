//! Batches an hour (F-240), uploads a minute, bytes of files.

use std::time::Duration;

use batchmock::{ClockMode, MockServer, Quotas};
use serde_json::json;

use super::{allowance, control, set, start, start_with};
use crate::support::{Answer, CHAT, Client, chats, frozen, seconds};

/// What a refusal says: status, type, code, message and when to try again, without the account.
fn told(answer: &Answer) -> String {
    let error = &answer.json()["error"];
    let message = error["message"].as_str().unwrap();
    let names = |word: &&str| word.starts_with("org-") || word.starts_with("proj_");
    let message = message.split(' ').filter(|word| !names(word)).collect::<Vec<_>>().join(" ");
    let retry_after = answer.header("retry-after").unwrap_or("none");
    format!(
        "{} {} {} {}: {message} retry-after {retry_after}",
        answer.status.as_u16(),
        error["type"],
        error["code"],
        error["param"]
    )
}

async fn upload(client: &Client) -> Answer {
    client.upload("batch", "a.jsonl", format!("{}\n", chats(1)[0])).await
}

#[tokio::test]
async fn batches_beyond_those_of_an_hour_are_refused_until_one_comes_free() {
    let (server, client) = start("batches_per_hour = 3").await;
    let input = client.upload_lines(&chats(1)).await;
    for _ in 0..3 {
        assert_eq!(client.create(&input, CHAT).await.status, 200);
    }
    let refused = client.create(&input, CHAT).await;
    assert_eq!(
        told(&refused),
        "429 \"requests\" \"rate_limit_exceeded\" null: Rate limit reached for batches in project organization on \
         creations per hour: Limit 3, Used 3, Requested 1. Please try again in 20m0s. Visit \
         https://platform.openai.com/account/rate-limits to learn more. retry-after 1200"
    );
    assert!(refused.headers.keys().all(|name| !name.as_str().starts_with("x-ratelimit")), "F-009");
    assert_eq!(client.get("/batches").await.json()["data"].as_array().unwrap().len(), 3);

    server.clock().advance(Duration::from_millis(1_199_999)).unwrap();
    assert_eq!(client.create(&input, CHAT).await.status, 429);
    server.clock().advance(Duration::from_millis(1)).unwrap();
    assert_eq!(client.create(&input, CHAT).await.status, 200);
    assert_eq!(client.create(&input, CHAT).await.status, 429);
    assert_eq!(client.with_key("sk-other").batch(&chats(1)).await.len(), "batch_".len() + 32);
    assert_eq!(allowance(&server).await["used"]["batches_per_hour"]["used"], 3);
    server.clock().advance(seconds(3_600)).unwrap();
    assert_eq!(allowance(&server).await["used"]["batches_per_hour"]["used"], 0);
}

#[tokio::test]
async fn batches_that_are_refused_for_another_reason_do_not_count() {
    let (_server, client) = start("batches_per_hour = 1").await;
    let input = client.upload_lines(&chats(1)).await;
    for _ in 0..3 {
        assert_eq!(client.create(&input, "/v1/nowhere").await.status, 400);
    }
    assert_eq!(client.create(&input, CHAT).await.status, 200);
}

#[tokio::test]
async fn f_240_a_tier_has_2000_batches_an_hour() {
    let (server, client) = start("preset = \"tier-5\"").await;
    let input = client.upload_lines(&chats(1)).await;
    for _ in 0..2_000 {
        assert_eq!(client.create(&input, CHAT).await.status, 200);
    }
    assert_eq!(client.create(&input, CHAT).await.header("retry-after"), Some("2"));
    server.clock().advance(Duration::from_millis(1_800)).unwrap();
    assert_eq!(client.create(&input, CHAT).await.status, 200);
}

#[tokio::test]
async fn uploads_beyond_those_of_a_minute_are_refused_until_one_comes_free() {
    let (server, client) = start("uploads_per_minute = 2").await;
    assert_eq!(upload(&client).await.status, 200);
    // Requests are what is limited, whatever becomes of them.
    assert_eq!(client.upload("nothing", "a.jsonl", "{}").await.status, 400);
    let refused = upload(&client).await;
    assert_eq!(
        told(&refused),
        "429 \"requests\" \"rate_limit_exceeded\" null: Rate limit reached for files in project organization on uploads \
         per min: Limit 2, Used 2, Requested 1. Please try again in 30s. Visit \
         https://platform.openai.com/account/rate-limits to learn more. retry-after 30"
    );
    // In the form of the route (F-012, F-022).
    assert!(refused.text().ends_with("}\n") && refused.text().contains("\"detail\""), "{refused}");
    assert_eq!(upload(&client.with_key("sk-other")).await.status, 200);
    server.clock().advance(seconds(29)).unwrap();
    assert_eq!(upload(&client).await.status, 429);
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(upload(&client).await.status, 200);
}

#[tokio::test]
async fn files_beyond_the_storage_are_refused_until_others_are_deleted() {
    let (server, client) = start("file_bytes = 1_000").await;
    let first = client.upload("vision", "a.png", [0; 600]).await;
    assert_eq!(client.upload("vision", "b.png", [0; 400]).await.status, 200);
    let refused = client.upload("vision", "c.png", [0; 1]).await;
    let message = "You have exceeded your file storage quota. Organizations are limited to 1 KB of files. Please delete \
                   old files or attempt with a smaller file size.";
    assert_eq!((refused.status.as_u16(), refused.message()), (400, message.to_owned()));
    assert_eq!(client.with_key("sk-other").upload("vision", "c.png", [0; 1_000]).await.status, 200);
    assert_eq!(allowance(&server).await["used"]["file_bytes"], 1_000);
    client.delete(&format!("/files/{}", first.id())).await;
    assert_eq!(client.upload("vision", "c.png", [0; 600]).await.status, 200);
    set(&server, json!({})).await;
    assert_eq!(client.upload("vision", "d.png", [0; 600]).await.status, 200);
}

#[tokio::test]
async fn rates_follow_the_clock_of_the_world() {
    let builder = frozen().clock(ClockMode::Frozen);
    let (server, client) = start_with(builder, "batches_per_hour = 1").await;
    let input = client.upload_lines(&chats(1)).await;
    let other = client.with_key("sk-other");
    let others = other.upload_lines(&chats(1)).await;
    assert_eq!(client.create(&input, CHAT).await.status, 200);
    assert_eq!(other.create(&others, CHAT).await.status, 200);
    server.clock_of("sk-other").advance(seconds(3_600)).unwrap();
    assert_eq!(client.create(&input, CHAT).await.status, 429);
    assert_eq!(other.create(&others, CHAT).await.status, 200);
}

#[tokio::test]
async fn the_same_requests_are_refused_in_the_same_words() {
    let play = async || {
        let quotas = Quotas { batches_per_hour: Some(1), ..Quotas::default() };
        let server: MockServer = frozen().quotas(quotas).start().await.unwrap();
        let client = Client::new(&server);
        let input = client.upload_lines(&chats(1)).await;
        client.create(&input, CHAT).await;
        server.clock().advance(seconds(100)).unwrap();
        let refused = client.create(&input, CHAT).await;
        (refused, control(&server, server.api_key()).get("/quotas").await.body)
    };
    assert_eq!(play().await, play().await);
}
