//! `/v1/uploads`, byte by byte; what each fact asks for is in `facts/uploads.rs`.

use reqwest::Method;
use serde_json::json;

use crate::facts::uploads::{add, begin, complete, upload_of};
use crate::support::{Answer, Client, Form, Transcript, chat, seconds, start};

async fn cancel(client: &Client, upload: &str) -> Answer {
    client.post(&format!("/uploads/{upload}/cancel"), &json!({})).await
}

#[tokio::test]
async fn an_upload_is_answered_in_each_status() {
    let (server, client) = start().await;
    let mut seen = Transcript::default();
    let line = chat("a", "hello") + "\n";
    let pending = client.post("/uploads", &upload_of("batch", line.len())).await;
    seen.add("pending", &pending);
    server.clock().advance(seconds(1)).unwrap();
    let part = add(&client, &pending.id(), &line).await;
    seen.add("a part of it", &part);
    server.clock().advance(seconds(1)).unwrap();
    seen.add("completed", &complete(&client, &pending.id(), &[part.id()]).await);
    let given_up = begin(&client, "batch", 10).await;
    seen.add("cancelled", &cancel(&client, &given_up).await);
    let late = begin(&client, "batch", 10).await;
    server.clock().advance(seconds(3_600)).unwrap();
    seen.add("expired", &cancel(&client, &late).await);
    insta::assert_snapshot!(seen);
}

#[tokio::test]
async fn what_uploads_are_refused_for_is_told() {
    let (_server, client) = start().await;
    let mut seen = Transcript::default();
    let upload = begin(&client, "batch", 4).await;
    let part = add(&client, &upload, "abcd").await.id();
    seen.add("no length", &client.post("/uploads", &json!({"filename": "a", "purpose": "batch"})).await);
    seen.add("an unknown purpose", &client.post("/uploads", &upload_of("diary", 4)).await);
    seen.add("no upload of this id", &add(&client, "upload_0", "abcd").await);
    let path = format!("/uploads/{upload}/parts");
    let form = Form::new().field("date", "abcd").body();
    let answer = client.send(Method::POST, &path, Some(&Form::content_type()), form).await;
    seen.add("a part without data", &answer);
    seen.add("a part that there is not", &complete(&client, &upload, &["part_0".to_owned()]).await);
    seen.add("a part named twice", &complete(&client, &upload, &[part.clone(), part.clone()]).await);
    let md5 = json!({"part_ids": [part], "md5": "0"});
    seen.add("another checksum", &client.post(&format!("/uploads/{upload}/complete"), &md5).await);
    cancel(&client, &upload).await;
    seen.add("a part of a cancelled one", &add(&client, &upload, "abcd").await);
    seen.add("a cancelled one, completed", &complete(&client, &upload, &[part]).await);
    seen.add("a cancelled one, cancelled", &cancel(&client, &upload).await);
    insta::assert_snapshot!(seen);
}
