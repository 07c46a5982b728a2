//! `/v1/files`

use batchmock::{Limits, MockServer};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    Answer, CHAT, Client, Form, Transcript, chat, custom_ids, days, frozen, seconds, start,
};

const PURPOSES: [&str; 6] = ["fine-tune", "assistants", "batch", "user_data", "vision", "evals"];

/// Uploads small files under these names, oldest first, a second apart, and gives their ids.
async fn upload_all(client: &Client, server: &MockServer, purposes: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for (n, purpose) in purposes.iter().enumerate() {
        ids.push(client.upload(purpose, &format!("{n}.jsonl"), chat("a", "hello")).await.id());
        server.clock().advance(seconds(1)).unwrap();
    }
    ids
}

fn ids_of(page: &Answer) -> Vec<String> {
    let page = page.json();
    let files = page["data"].as_array().unwrap();
    files.iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
}

/// Follows a list to its end, as the official clients do (F-247).
async fn walk(client: &Client, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after = String::new();
    loop {
        let page = client.get(&format!("/files?{query}{after}")).await;
        pages.push(ids_of(&page));
        if page.json()["has_more"] == json!(false) {
            return pages;
        }
        after = format!("&after={}", pages.last().unwrap().last().unwrap());
    }
}

// Uploading

#[tokio::test]
async fn an_upload_answers_the_file_as_it_was_recorded() {
    let (_server, client) = start().await;
    let answer = client.upload("batch", "requests.jsonl", chat("a", "hello") + "\n").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    insta::assert_snapshot!(answer);
}

#[tokio::test]
async fn the_purpose_may_come_before_the_file_or_after_it() {
    let mut answers = Vec::new();
    for form in [
        Form::new().field("purpose", "batch").file("a.jsonl", chat("a", "hello")),
        Form::new().file("a.jsonl", chat("a", "hello")).field("purpose", "batch"),
    ] {
        let (_server, client) = start().await;
        answers.push(client.upload_form(&form).await);
    }
    assert_eq!(answers[0].status, StatusCode::OK);
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn every_purpose_is_taken_and_only_files_for_batches_expire() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for purpose in PURPOSES {
        transcript.add(purpose, &client.upload(purpose, "file.jsonl", chat("a", "hello")).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_purpose_nobody_can_upload_for_is_refused() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for purpose in ["world_domination", "batch_output", "Batch", ""] {
        transcript.add(purpose, &client.upload(purpose, "file.jsonl", chat("a", "hello")).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn filenames_are_echoed_as_sent() {
    let (_server, client) = start().await;
    for (disposition, filename) in [
        (r#"name="file"; filename="requests.jsonl""#, "requests.jsonl"),
        (r#"name="file"; filename="no extension""#, "no extension"),
        (r#"name="file"; filename="你好.txt""#, "你好.txt"),
        (r#"name="file"; filename="../../etc/passwd""#, "../../etc/passwd"),
        (r#"name="file"; filename="C:\dir\a.jsonl""#, r"C:\dir\a.jsonl"),
        (r#"name="file"; filename="a \"quoted\" name""#, r#"a "quoted" name"#),
        (r#"name="file"; filename="a; name=purpose""#, "a; name=purpose"),
        (r"name=file; filename=plain.jsonl", "plain.jsonl"),
        (r#"filename="first.jsonl"; name="file""#, "first.jsonl"),
        // F-506: the encoded name wins, wherever it stands.
        (
            r#"name="file"; filename="=?utf-8?B?5L2g5aW9LnR4dA==?="; filename*=utf-8''%E4%BD%A0%E5%A5%BD.txt"#,
            "你好.txt",
        ),
        (r#"name="file"; filename*=UTF-8''%E4%BD%A0%E5%A5%BD.txt; filename="hello.txt""#, "你好.txt"),
        (r#"name="file"; filename*=UTF-8'zh'a%20b%3B%22.txt"#, "a b;\".txt"),
        // What cannot be decoded does not count.
        (r#"name="file"; filename="hello.txt"; filename*=UTF-8''%FF"#, "hello.txt"),
        (r#"name="file"; filename="hello.txt"; filename*=latin-9''%A4"#, "hello.txt"),
        (r#"name="file"; filename="filename*=UTF-8''no.txt""#, "filename*=UTF-8''no.txt"),
        // Assumed.
        (r#"name="file""#, "upload"),
    ] {
        let part = format!("Content-Disposition: form-data; {disposition}\r\nContent-Type: ");
        let form = Form::new().field("purpose", "user_data").part(&part, "hello");
        let answer = client.upload_form(&form).await;
        assert_eq!(answer.status, StatusCode::OK, "{disposition}: {answer}");
        assert_eq!(answer.json()["filename"], filename, "{disposition}");
        // F-013: raw UTF-8, no escapes.
        let quoted = serde_json::to_string(filename).unwrap();
        assert!(answer.text().contains(&format!("\"filename\": {quoted},\n")), "{answer}");
    }
}

#[tokio::test]
async fn the_form_of_the_dotnet_sdk_is_read() {
    let (_server, client) = start().await;
    // As recorded (net BatchTests/CreateGetAndCancelBatchProtocol.json): a quoted boundary with an equals
    // sign in it, names without quotes, the file first and without a type.
    let boundary = "AvururxP4YPAeTc92QZ=H42Z4EeQsIPcB88JI8fatCvntFR_gfeCFu23zjYfgkkGEVSGlq";
    let body = [
        &format!("--{boundary}\r\n"),
        "Content-Disposition: form-data; name=file; filename=test-batch-file; filename*=utf-8''test-batch-file\r\n\r\n",
        &chat("request-1", "What is 2+2?"),
        &format!("\r\n--{boundary}\r\n"),
        "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=purpose\r\n\r\nbatch",
        &format!("\r\n--{boundary}--\r\n"),
    ]
    .concat();
    let content_type = format!("multipart/form-data; boundary=\"{boundary}\"");
    let answer = client.send(Method::POST, "/files", Some(&content_type), body.into()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
    let file = answer.json();
    assert_eq!((&file["filename"], &file["purpose"]), (&json!("test-batch-file"), &json!("batch")));
}

#[tokio::test]
async fn bytes_come_back_exactly_as_they_were_sent() {
    let (_server, client) = start().await;
    let mut bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    bytes.extend_from_slice(b"\r\n----batchmock-test-boundar\r\n--\r\n\r\n");
    for contents in [bytes.as_slice(), b"", b"\r\n", b"\0"] {
        let file = client.upload("vision", "image.png", contents).await;
        assert_eq!(file.json()["bytes"], contents.len());
        let content = client.content(&file.id()).await;
        assert_eq!(content.status, StatusCode::OK);
        assert!(content.body == contents, "{} bytes came back otherwise", contents.len());
    }
}

#[tokio::test]
async fn only_the_first_line_and_the_encoding_of_a_batch_file_are_checked() {
    let (_server, client) = start().await;
    let good = chat("a", "hello");
    let mut transcript = Transcript::default();
    for (title, bytes) in [
        ("prose (F-117)", "This is prose.\n".as_bytes()),
        ("nothing (F-118)", b""),
        ("line ends only", b"\n\n"),
        ("a byte order mark", b"\xef\xbb\xbf{}\n"),
        ("not UTF-8 (F-121)", b"{}\n{\"custom_id\": \"\xff\"}\n"),
    ] {
        transcript.add(title, &client.upload("batch", "requests.jsonl", bytes).await);
    }
    insta::assert_snapshot!(transcript);

    for (title, bytes) in [
        ("a broken second line (F-118)", format!("{good}\n{{broken\n")),
        ("no method (F-120)", r#"{"custom_id": "a", "url": "/v1/embeddings", "body": {}}"#.to_owned()),
        ("CRLF (F-122)", format!("{good}\r\n{good}\r\n")),
        ("blank lines", format!("{good}\n\n{good}\n\n")),
    ] {
        assert_eq!(client.upload("batch", "prose.txt", bytes).await.status, StatusCode::OK, "{title}");
    }
    let answer = client.upload("assistants", "prose.txt", "This is prose.\n").await;
    assert_eq!(answer.status, StatusCode::OK, "other files are not checked");
}

#[tokio::test]
async fn a_file_may_be_as_long_as_its_purpose_allows() {
    let line = chat("a", "hello");
    let batch_file_bytes = line.len() as u64;
    let limits = Limits { batch_file_bytes, file_bytes: 2 * batch_file_bytes, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);

    assert_eq!(client.upload("batch", "a.jsonl", &line).await.status, StatusCode::OK);
    let too_large = client.upload("batch", "a.jsonl", line.clone() + "\n").await;
    insta::assert_snapshot!(too_large);
    let purpose_last = Form::new().file("a.jsonl", line.clone() + "\n").field("purpose", "batch");
    assert_eq!(client.upload_form(&purpose_last).await.body, too_large.body);

    assert_eq!(client.upload("vision", "a.png", line.repeat(2)).await.status, StatusCode::OK);
    assert_eq!(client.upload("vision", "a.png", line.repeat(2) + "\n").await.body, too_large.body);
    assert_eq!(ids_of(&client.get("/files").await).len(), 2, "what is refused is not kept");
}

#[tokio::test]
async fn a_client_gets_to_read_why_its_long_body_is_refused() {
    let limits = Limits { batch_file_bytes: 1_000, json_bytes: 1_000, ..Limits::default() };
    let server = frozen().limits(limits).start().await.unwrap();
    let client = Client::new(&server);
    let long = "x".repeat(20_000_000);
    assert_eq!(client.upload("batch", "a.jsonl", &long).await.message(), "File is too large.");
    let stranger = client.with_authorization(None);
    assert_eq!(stranger.upload("vision", "a.png", &long).await.status, StatusCode::UNAUTHORIZED);
    let answer = client.post("/batches", &json!({"input_file_id": long})).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_a_form_lacks_is_named() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for (title, form) in [
        ("no purpose", Form::new().file("a.jsonl", chat("a", "hello"))),
        ("no file", Form::new().field("purpose", "batch")),
        ("nothing", Form::new()),
        ("no seconds", with_expiry(&[("anchor", "created_at")])),
        ("no anchor", with_expiry(&[("seconds", "3600")])),
        ("another anchor", with_expiry(&[("anchor", "last_active_at"), ("seconds", "3600")])),
        ("too soon", with_expiry(&[("anchor", "created_at"), ("seconds", "3599")])),
        ("too late", with_expiry(&[("anchor", "created_at"), ("seconds", "2592001")])),
        ("no number", with_expiry(&[("anchor", "created_at"), ("seconds", "an hour")])),
        ("no fields of its own", with_expiry(&[]).field("expires_after", "3600")),
    ] {
        transcript.add(title, &client.upload_form(&form).await);
    }
    insta::assert_snapshot!(transcript);
}

fn with_expiry(parts: &[(&str, &str)]) -> Form {
    let form = Form::new().field("purpose", "batch").file("a.jsonl", chat("a", "hello"));
    parts.iter().fold(form, |form, (name, value)| form.field(&format!("expires_after[{name}]"), value))
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let (_server, client) = start().await;
    let form = Form::new().field("purpose", "batch").file("a.jsonl", chat("a", "hello"));
    let cut_off = form.body()[..200].to_vec();
    let without_end = form.body()[..form.body().len() - 4].to_vec();
    let mut transcript = Transcript::default();
    for (title, content_type, body) in [
        ("no content type", None, form.body()),
        ("JSON", Some("application/json".to_owned()), b"{}".to_vec()),
        ("no boundary", Some("multipart/form-data".to_owned()), form.body()),
        ("another boundary", Some("multipart/form-data; boundary=other".to_owned()), form.body()),
        ("cut off in the file", Some(Form::content_type()), cut_off),
        ("cut off in the last boundary", Some(Form::content_type()), without_end),
        ("empty", Some(Form::content_type()), Vec::new()),
    ] {
        let answer = client.send(Method::POST, "/files", content_type.as_deref(), body).await;
        transcript.add(title, &answer);
    }
    insta::assert_snapshot!(transcript);
    assert!(ids_of(&client.get("/files").await).is_empty());
}

#[tokio::test]
async fn unknown_form_fields_are_refused() {
    let (_server, client) = start().await;
    let known = Form::new().field("purpose", "batch").file("a.jsonl", chat("a", "b"));
    let mut transcript = Transcript::default();
    transcript.add("one", &client.upload_form(&known.clone().field("surprise", "yes")).await);
    let two = known.field("surprise", "yes").field("", "").field("surprise", "no");
    transcript.add("two", &client.upload_form(&two).await);
    insta::assert_snapshot!(transcript);
    assert!(ids_of(&client.get("/files").await).is_empty());
}

// Looking

#[tokio::test]
async fn a_retrieved_file_looks_as_it_did_when_it_was_uploaded() {
    let (server, client) = start().await;
    let uploaded = client.upload("batch", "requests.jsonl", chat("a", "hello")).await;
    server.clock().advance(days(1)).unwrap();
    let retrieved = client.get(&format!("/files/{}", uploaded.id())).await;
    assert_eq!(retrieved.to_string(), uploaded.to_string());
}

#[tokio::test]
async fn a_list_shows_the_newest_file_first() {
    let (server, client) = start().await;
    let mut transcript = Transcript::default();
    transcript.add("no file", &client.get("/files").await);
    upload_all(&client, &server, &["batch", "vision"]).await;
    transcript.add("two files", &client.get("/files").await);
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_list_can_be_walked_in_both_orders() {
    let (server, client) = start().await;
    let ids = upload_all(&client, &server, &["batch", "vision", "batch", "evals", "batch"]).await;
    let pages = |pages: &[&[usize]]| -> Vec<Vec<String>> {
        pages.iter().map(|page| page.iter().map(|file| ids[*file].clone()).collect()).collect()
    };
    assert_eq!(walk(&client, "limit=2").await, pages(&[&[4, 3], &[2, 1], &[0]]));
    assert_eq!(walk(&client, "limit=2&order=desc").await, pages(&[&[4, 3], &[2, 1], &[0]]));
    assert_eq!(walk(&client, "limit=2&order=asc").await, pages(&[&[0, 1], &[2, 3], &[4]]));
    assert_eq!(walk(&client, "limit=2&purpose=batch").await, pages(&[&[4, 2], &[0]]));
    assert_eq!(walk(&client, "limit=1&purpose=batch&order=asc").await, pages(&[&[0], &[2], &[4]]));
    assert_eq!(walk(&client, "purpose=assistants").await, pages(&[&[]]));
    assert_eq!(walk(&client, "limit=5").await, pages(&[&[4, 3, 2, 1, 0]]));
    assert_eq!(walk(&client, &format!("after={}", ids[0])).await, pages(&[&[]]));
    assert_eq!(walk(&client, "after=file-unknown").await, pages(&[&[]]), "assumed");
}

#[tokio::test]
async fn files_of_the_same_second_keep_their_order() {
    let (_server, client) = start().await;
    let mut newest_first = Vec::new();
    for n in 0..5 {
        newest_first.insert(0, client.upload("batch", &format!("{n}.jsonl"), chat("a", "hello")).await.id());
    }
    assert_eq!(walk(&client, "limit=2").await.concat(), newest_first);
}

#[tokio::test]
async fn query_parameters_of_a_list_are_checked() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for query in
        ["limit=0", "limit=10001", "limit=-1", "limit=ten", "order=newest", "limit=1&limit=2", "surprise=1"]
    {
        transcript.add(query, &client.get(&format!("/files?{query}")).await);
    }
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn content_comes_as_an_attachment() {
    let (_server, client) = start().await;
    let line = chat("a", "hello") + "\n";
    for (sent, shown) in [
        ("requests.jsonl", "requests.jsonl"),
        ("你好.jsonl", "你好.jsonl"),
        // What would end the quotes is left out.
        (r#"a\"b.jsonl"#, "ab.jsonl"),
    ] {
        let file = client.upload("batch", sent, &line).await.id();
        let content = client.content(&file).await;
        assert_eq!(content.status, StatusCode::OK);
        assert_eq!(content.text(), line);
        assert_eq!(content.header("content-type"), Some("application/octet-stream"));
        assert_eq!(content.header("content-length"), Some(line.len().to_string().as_str()));
        let disposition = content.headers["content-disposition"].as_bytes();
        assert_eq!(
            String::from_utf8_lossy(disposition),
            format!("attachment; filename=\"{shown}\""),
            "F-130"
        );
    }
}

#[tokio::test]
async fn some_purposes_cannot_be_downloaded() {
    let (_server, client) = start().await;
    let mut transcript = Transcript::default();
    for purpose in PURPOSES {
        let file = client.upload(purpose, "file.jsonl", chat("a", "hello")).await.id();
        let content = client.content(&file).await;
        // F-132, F-133, F-504; that files for evaluations can be downloaded is assumed.
        if ["assistants", "user_data"].contains(&purpose) {
            transcript.add(purpose, &content);
        } else {
            assert_eq!(content.status, StatusCode::OK, "{purpose}");
        }
    }
    insta::assert_snapshot!(transcript);
}

// Going

#[tokio::test]
async fn a_deleted_file_is_gone() {
    let (_server, client) = start().await;
    let id = client.upload("batch", "requests.jsonl", chat("a", "hello")).await.id();
    let path = format!("/files/{id}");
    let mut transcript = Transcript::default();
    transcript.add("delete", &client.delete(&path).await);
    transcript.add("delete again (F-125)", &client.delete(&path).await);
    transcript.add("retrieve", &client.get(&path).await);
    transcript.add("content", &client.content(&id).await);
    transcript.add("list", &client.get("/files").await);
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn a_file_that_never_was_is_not_there() {
    let (_server, client) = start().await;
    // F-124: ids of files have no form that is checked.
    for (id, message) in [
        ("fake_id", "No such File object: fake_id"),
        ("file-0000000000000000000000", "No such File object: file-0000000000000000000000"),
        ("batch_1", "No such File object: batch_1"),
        ("a%2Fb", "No such File object: a/b"),
        ("%E4%BD%A0", "No such File object: 你"),
    ] {
        let path = format!("/files/{id}");
        for answer in [client.get(&path).await, client.delete(&path).await, client.content(id).await] {
            assert_eq!((answer.status, answer.message().as_str()), (StatusCode::NOT_FOUND, message));
        }
    }
    // What is no UTF-8 cannot name a file at all.
    let answer = client.get("/files/%FF").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.message(), "Invalid URL (GET /v1/files/%FF)");
}

#[tokio::test]
async fn files_expire_as_time_goes_on() {
    let (server, client) = start().await;
    let thirty_days = client.upload("batch", "a.jsonl", chat("a", "hello")).await.id();
    let for_ever = client.upload("vision", "a.png", "png").await.id();
    let hour = [("anchor", "created_at"), ("seconds", "3600")];
    let an_hour = client.upload_form(&with_expiry(&hour)).await;
    let (created_at, expires_at) = (&an_hour.json()["created_at"], &an_hour.json()["expires_at"]);
    assert_eq!(expires_at.as_i64().unwrap() - created_at.as_i64().unwrap(), 3_600);
    let an_hour = an_hour.id();

    server.clock().advance(seconds(3_599)).unwrap();
    assert_eq!(client.content(&an_hour).await.status, StatusCode::OK);
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(ids_of(&client.get("/files").await), [for_ever.clone(), thirty_days.clone()]);
    for answer in [
        client.get(&format!("/files/{an_hour}")).await,
        client.content(&an_hour).await,
        client.delete(&format!("/files/{an_hour}")).await,
    ] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.message(), format!("No such File object: {an_hour}"));
    }

    server.clock().advance(seconds(30 * 86_400 - 3_601)).unwrap();
    assert_eq!(ids_of(&client.get("/files").await), [for_ever.clone(), thirty_days]);
    server.clock().advance(seconds(1)).unwrap();
    assert_eq!(ids_of(&client.get("/files").await), [for_ever.as_str()]);
    server.clock().advance(days(3_650)).unwrap();
    assert_eq!(ids_of(&client.get("/files").await), [for_ever]);
}

// For who holds the server

/// All files that `MockServer::files` finds: purpose, whether it is there, and its text.
fn held(server: &MockServer) -> Vec<(String, bool, String)> {
    let files = server.files(server.api_key());
    let text = |file: &batchmock::StoredFile| String::from_utf8(file.read().unwrap()).unwrap();
    files.iter().map(|file| (file.purpose.clone(), file.is_there, text(file))).collect()
}

#[tokio::test]
async fn what_was_deleted_unread_can_still_be_read_by_who_holds_the_server() {
    let server = frozen().keep_removed_files().start().await.unwrap();
    let client = Client::new(&server);
    let lines = chat("a", "hello");
    let input = client.upload("batch", "a.jsonl", &lines).await.id();
    let batch = client.create(&input, CHAT).await.id();
    server.clock().advance(days(1)).unwrap();
    let output = client.retrieve(&batch).await.json()["output_file_id"].as_str().unwrap().to_owned();
    for file in [&output, &input] {
        assert_eq!(client.delete(&format!("/files/{file}")).await.status, StatusCode::OK);
        assert_eq!(client.content(file).await.status, StatusCode::NOT_FOUND);
    }
    let n_entries = server.journal(server.api_key()).entries().len();
    let found = held(&server);
    assert_eq!(server.journal(server.api_key()).entries().len(), n_entries, "a look leaves no trace");
    let [(output_purpose, false, output), (input_purpose, false, input)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((output_purpose.as_str(), input_purpose.as_str(), input), ("batch_output", "batch", &lines));
    assert_eq!(custom_ids(output), ["a"]);
}

#[tokio::test]
async fn files_that_are_there_are_found_by_age_and_removed_ones_are_gone_unless_they_are_kept() {
    let server = frozen().start().await.unwrap();
    let client = Client::new(&server);
    let ids = upload_all(&client, &server, &["batch", "vision", "evals"]).await;
    assert_eq!(client.delete(&format!("/files/{}", ids[1])).await.status, StatusCode::OK);
    let found: Vec<_> = held(&server).into_iter().map(|(purpose, is_there, _)| (purpose, is_there)).collect();
    assert_eq!(found, [("batch".to_owned(), true), ("evals".to_owned(), true)]);
}
