//! Quotas as the control API shows and sets them, and as the command line does.

use serde_json::json;

use super::{allowance, control, set, start};
use crate::cli::process::{Served, run};
use crate::support::{CHAT, chat_body, chats, seconds};

#[tokio::test]
async fn what_holds_and_what_is_used_is_shown() {
    let (server, client) = start(
        "enqueued_tokens = { gpt-4o-mini = 1_000 }\nbatches_per_hour = 2_000\nuploads_per_minute = 6\n\
         requests_per_minute = 3\nphantom_for = \"1s\"",
    )
    .await;
    server.clock().advance(seconds(1)).unwrap();
    client.batch(&chats(2)).await;
    client.batch(&chats(3)).await;
    client.post("/chat/completions", &chat_body("hello")).await;
    insta::assert_snapshot!(control(&server, server.api_key()).get("/quotas").await);
}

#[tokio::test]
async fn quotas_are_set_as_a_whole_and_a_reset_brings_those_of_the_server_back() {
    let (server, _client) = start("batches_per_hour = 7").await;
    let shown = set(&server, json!({"preset": "tier-1", "batches_per_hour": null, "file_bytes": 5})).await;
    assert_eq!(shown["quotas"]["batches_per_hour"], 2_000);
    assert_eq!(shown["quotas"]["file_bytes"], 5);
    assert_eq!(shown["quotas"]["enqueued_tokens"]["*"], 90_000);
    let again = set(&server, shown["quotas"].clone()).await;
    assert_eq!(again["quotas"], shown["quotas"], "what is shown can be set");
    assert_eq!(set(&server, json!({})).await["quotas"], json!({}));
    control(&server, server.api_key()).post("/reset", &json!({})).await;
    assert_eq!(allowance(&server).await["quotas"], json!({"batches_per_hour": 7}));
}

#[tokio::test]
async fn each_world_has_quotas_of_its_own() {
    let (server, client) = start("").await;
    set(&server, json!({"batches_per_hour": 0})).await;
    let input = client.upload_lines(&chats(1)).await;
    let refused = client.create(&input, CHAT).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, None), "never is no time");
    assert!(!client.with_key("sk-other").batch(&chats(1)).await.is_empty());
}

#[tokio::test]
async fn what_is_used_stays_used_under_other_quotas() {
    let (server, client) = start("batches_per_hour = 10").await;
    for _ in 0..4 {
        client.batch(&chats(1)).await;
    }
    let shown = set(&server, json!({"batches_per_hour": 4, "enqueued_tokens": 36})).await;
    assert_eq!(shown["used"]["batches_per_hour"]["used"], 4);
    assert_eq!(shown["used"]["enqueued"][0]["tokens"], 36);
}

#[test]
fn the_command_line_takes_presets_and_single_limits() {
    let flags = [
        "--quota",
        "tier-1",
        "--quota",
        "enqueued_tokens.gpt-4o-mini=1,000",
        "--quota",
        "batches_per_hour=none",
    ];
    let served = Served::start(&flags);
    let (status, body) = served
        .ask(|client, base_url| client.get(format!("{}/_mock/v1/quotas", base_url.trim_end_matches("/v1"))));
    assert_eq!(status, 200);
    let quotas = &serde_json::from_str::<serde_json::Value>(&body).unwrap()["quotas"];
    assert_eq!(quotas["enqueued_tokens"]["gpt-4o-mini"], 1_000);
    assert_eq!(quotas["enqueued_tokens"]["*"], 90_000);
    assert_eq!(quotas.get("batches_per_hour"), None);
    assert_eq!(quotas["uploads_per_minute"], 1_000);

    let refused = run(["serve", "--quota", "enqueued=1000"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("there is no key `enqueued` here; the nearest is `enqueued_"),
        "{}",
        refused.stderr
    );
}
