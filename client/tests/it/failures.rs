//! What goes wrong on the way, and what the client makes of it.

use std::time::Duration;

use batchmock_client::{NewBatch, NewFile};

use crate::support::{CHAT, Jumping, KEY, Listener, Reply, client_of, lines, stepping};

const BATCH: &str = r#"{"id":"batch_1","object":"batch","endpoint":"/v1/chat/completions","status":"validating","created_at":1}"#;

fn busy(headers: &str) -> Reply {
    let body =
        r#"{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
    Reply::status("429 Too Many Requests", headers, body)
}

#[tokio::test]
async fn pauses_are_as_long_as_the_service_asks() {
    let (time, millis) = (Jumping::default(), Duration::from_millis);
    let listener = Listener::saying(vec![
        busy("retry-after-ms: 1500\r\nretry-after: 9\r\n"),
        busy("retry-after: 2\r\n"),
        busy("retry-after: Thu, 01 Jan 2026 00:01:00 GMT\r\n"),
        busy(""),
        Reply::json(BATCH),
    ])
    .await;
    client_of(listener.base_url(), &time).batches().retrieve("batch_1").await.unwrap();
    let waits = time.waits();
    assert!((millis(1500)..millis(1650)).contains(&waits[0]), "{waits:?}");
    assert!((millis(2000)..millis(2200)).contains(&waits[1]), "{waits:?}");
    assert!((millis(56_000)..millis(63_000)).contains(&waits[2]), "{waits:?}");
    assert!((millis(400)..millis(4_000)).contains(&waits[3]), "{waits:?}");
    assert_eq!(waits.len(), 4);
}

#[tokio::test]
async fn attempts_end_and_the_error_tells_all_but_the_key() {
    let time = Jumping::default();
    let body = format!("key {KEY} has no luck");
    let listener = Listener::saying(vec![Reply::status("503 Busy", "x-request-id: req_1\r\n", &body)]).await;
    let client = client_of(listener.base_url(), &time);
    let error = client.batches().retrieve("batch_1").await.unwrap_err();
    assert_eq!((error.status(), listener.asked().len()), (Some(503), 5));
    insta::assert_snapshot!(error, @"GET /batches/batch_1: status 503: key [key] has no luck (request req_1)");
    assert!(!format!("{error:?} {client:?}").contains(KEY));
}

#[tokio::test]
async fn what_no_repetition_mends_is_asked_once() {
    let refusals = [
        ("400 Bad Request", "", "invalid_value"),
        ("401 Unauthorized", "", "invalid_api_key"),
        ("404 Not Found", "", "x"),
        ("409 Conflict", "", "x"),
        ("429 Too Many Requests", "", "insufficient_quota"),
        ("500 Oh", "x-should-retry: false\r\n", "x"),
    ];
    for (status, headers, code) in refusals {
        let body = format!(r#"{{"error":{{"message":"no","type":"t","param":null,"code":"{code}"}}}}"#);
        let listener = Listener::saying(vec![Reply::status(status, headers, &body)]).await;
        let client = client_of(listener.base_url(), &Jumping::default());
        let error = client.batches().retrieve("batch_1").await.unwrap_err();
        assert_eq!((error.code(), listener.asked().len()), (Some(code), 1), "{status}");
    }
}

#[tokio::test]
async fn lost_connections_and_answers_that_make_no_sense_are_asked_again() {
    let listener = Listener::saying(vec![
        Reply::Drop,
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"id\"".to_vec()),
        Reply::json("<html>"),
        Reply::Bytes(b"no HTTP at all\r\n\r\n".to_vec()),
        Reply::json(BATCH),
    ])
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    client.batches().retrieve("batch_1").await.unwrap();
    assert_eq!(listener.asked().len(), 5);
}

#[tokio::test]
async fn nobody_there_is_told_as_that() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client_of(format!("http://{nobody}/v1"), &Jumping::default());
    let error = client.batches().create(&NewBatch::new("file-1", CHAT)).await.unwrap_err();
    assert!(error.is_connect() && !error.is_ambiguous(), "{error}");
    let told = format!("POST /batches: no connection to http://{nobody} could be made: ");
    assert!(error.to_string().starts_with(&told), "{error}");
}

#[tokio::test]
async fn what_may_have_been_taken_is_not_sent_again() {
    for lost in [Reply::Drop, Reply::status("502 Bad Gateway", "", "<html>")] {
        let listener = Listener::saying(vec![lost]).await;
        let client = client_of(listener.base_url(), &Jumping::default());
        let error = client.batches().create(&NewBatch::new("file-1", CHAT)).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error}");
        let error = client.files().upload(NewFile::from_bytes("a.jsonl", "{}")).await.unwrap_err();
        assert!(error.is_ambiguous(), "{error}");
        assert_eq!(listener.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_batch_whose_acknowledgement_is_lost_is_found_by_its_tag() {
    let server = stepping().start().await.unwrap();
    let listener = Listener::before(&server, |asked, before| match asked.line.as_str() {
        "POST /v1/batches" if before == 0 => Reply::Lose,
        _ => Reply::Forward,
    })
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let file = client.files().upload(NewFile::from_bytes("in.jsonl", lines(&["a"]))).await.unwrap();
    let batch = client.batches().create_once(&NewBatch::new(&file.id, CHAT), "once").await.unwrap();
    let all = client.batches().list().all().await.unwrap();
    assert_eq!(all.iter().map(|batch| &batch.id).collect::<Vec<_>>(), [&batch.id]);
    assert_eq!(listener.count("POST /v1/batches"), 1);
}

#[tokio::test]
async fn a_batch_that_was_not_taken_is_created_again() {
    let server = stepping().start().await.unwrap();
    let listener = Listener::before(&server, |asked, before| match asked.line.as_str() {
        "POST /v1/batches" if before < 2 => Reply::Drop,
        _ => Reply::Forward,
    })
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let file = client.files().upload(NewFile::from_bytes("in.jsonl", lines(&["a"]))).await.unwrap();
    client.batches().create_once(&NewBatch::new(&file.id, CHAT), "once").await.unwrap();
    assert_eq!(client.batches().list().all().await.unwrap().len(), 1);
    assert_eq!(listener.count("POST /v1/batches"), 3);
}

#[tokio::test]
async fn a_file_and_a_batch_are_made_once_whatever_answers_get_lost() {
    let lost = ["POST /v1/files", "POST /v1/batches"];
    for reply in [Reply::Lose, Reply::Half, Reply::Drop] {
        let server = stepping().start().await.unwrap();
        let reply_once = reply.clone();
        let listener = Listener::before(&server, move |asked, before| {
            if lost.contains(&&*asked.line) && before == 0 { reply_once.clone() } else { Reply::Forward }
        })
        .await;
        let client = client_of(listener.base_url(), &Jumping::default());
        let new = || NewFile::from_bytes("in.jsonl", lines(&["a"]));
        // One of the same name and size is another one all the same.
        let other = client_of(server.base_url(), &Jumping::default()).files().upload(new()).await.unwrap();
        let file = client.files().upload_once(new()).await.unwrap();
        assert!(file.id != other.id && file.filename.starts_with("in-"), "{}", file.filename);
        let batch = client.batches().create_once(&NewBatch::new(&file.id, CHAT), &file.id).await.unwrap();
        let batches = client.batches().list().all().await.unwrap();
        assert_eq!(batches.iter().map(|batch| &batch.id).collect::<Vec<_>>(), [&batch.id], "{reply:?}");
        let files = client.files().list().all().await.unwrap();
        assert_eq!(files.iter().map(|file| &file.id).collect::<Vec<_>>(), [&file.id, &other.id], "{reply:?}");
    }
}

#[tokio::test]
async fn a_stream_is_sent_once_and_found_if_it_arrived() {
    for (reply, arrived) in [(Reply::Lose, true), (Reply::Drop, false)] {
        let server = stepping().start().await.unwrap();
        let listener = Listener::before(&server, move |asked, before| {
            if asked.line == "POST /v1/files" && before == 0 { reply.clone() } else { Reply::Forward }
        })
        .await;
        let client = client_of(listener.base_url(), &Jumping::default());
        let text = lines(&["a"]);
        let length = text.len() as u64;
        let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>(text.into())]);
        let uploaded = client.files().upload_once(NewFile::from_stream("in.jsonl", length, bytes)).await;
        assert_eq!(uploaded.is_ok(), arrived, "{uploaded:?}");
        assert_eq!(listener.count("POST /v1/files"), 1);
    }
}

#[tokio::test]
async fn content_that_breaks_off_is_never_taken_for_the_whole() {
    let server = stepping().start().await.unwrap();
    let listener = Listener::before(&server, |asked, _| {
        if asked.line.ends_with("/content") { Reply::Half } else { Reply::Forward }
    })
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let file = client.files().upload(NewFile::from_bytes("in.jsonl", lines(&["a", "b"]))).await.unwrap();
    let error = client.files().content(&file.id).await.unwrap().bytes().await.unwrap_err();
    assert!(error.is_cut(), "{error}");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.jsonl");
    client.files().content(&file.id).await.unwrap().save(&path).await.unwrap_err();
    assert!(!path.exists());
}

#[tokio::test]
async fn lists_go_on_over_empty_pages_and_give_nothing_twice() {
    let item = |id: &str| format!(r#"{{"id":"{id}","status":"completed","color":"{id}"}}"#);
    let page = |items: &[&str], more: bool, last: &str| {
        let items = items.iter().map(|id| item(id)).collect::<Vec<_>>().join(",");
        Reply::json(&format!(r#"{{"data":[{items}],"has_more":{more},"last_id":{last}}}"#))
    };
    let listener = Listener::saying(vec![
        page(&["b1", "b2"], true, "\"b2\""),
        page(&[], true, "\"b3\""),
        page(&["b2", "b4"], true, "null"),
        page(&[], true, "\"\""),
    ])
    .await;
    let client = client_of(listener.base_url(), &Jumping::default());
    let all = client.batches().list().all().await.unwrap();
    assert_eq!(all.iter().map(|batch| batch.id.as_str()).collect::<Vec<_>>(), ["b1", "b2", "b4"]);
    assert_eq!(all[2].field("color"), Some("b4".into()));
    let asked: Vec<_> = listener.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        asked,
        [
            "GET /v1/batches",
            "GET /v1/batches?after=b2",
            "GET /v1/batches?after=b3",
            "GET /v1/batches?after=b4"
        ]
    );
}

#[tokio::test]
async fn a_key_does_not_follow_a_redirect_to_another_host() {
    let elsewhere = Listener::saying(vec![Reply::json(BATCH)]).await;
    let to = elsewhere.base_url().replace("127.0.0.1", "localhost");
    let location = format!("location: {to}/batches/batch_1\r\n");
    let listener = Listener::saying(vec![Reply::status("302 Found", &location, "")]).await;
    let client = client_of(listener.base_url(), &Jumping::default());
    client.batches().retrieve("batch_1").await.unwrap();
    assert!(!elsewhere.asked()[0].head.contains(KEY));
}

#[tokio::test]
async fn a_file_in_parts_is_the_file() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    std::fs::write(&path, lines(&["a", "b", "c"])).unwrap();
    let upload = client.uploads().upload_file_by(&path, &"batch".into(), 100).await.unwrap();
    let file = upload.file.as_ref().unwrap();
    let content = client.files().content(&file.id).await.unwrap().bytes().await.unwrap();
    assert_eq!(content, lines(&["a", "b", "c"]));
    let whole = client.uploads().upload_file(&path, &"batch".into()).await.unwrap();
    assert_eq!(whole.file.as_ref().unwrap().bytes, content.len() as u64);
}
