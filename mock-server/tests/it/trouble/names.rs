//! Names of files that nobody should give.

use reqwest::StatusCode;

use crate::support::{Form, start};

#[tokio::test]
async fn a_name_is_kept_as_it_is_and_is_never_a_path() {
    let (_server, client) = start().await;
    let long = format!("{}.jsonl", "n".repeat(10_000));
    for name in
        ["../../etc/passwd", "/etc/passwd", "..", ".", "/", "C:\\windows\\system.ini", "a\tb", "", " ", &long]
    {
        let quoted = name.replace('\\', "\\\\");
        let answer = client.upload("batch", &quoted, "{}").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer}");
        assert_eq!(answer.json()["filename"], name);
        let content = client.content(&answer.id()).await;
        assert_eq!((content.status, content.text()), (StatusCode::OK, "{}"), "{name}");
        assert!(content.headers["content-disposition"].as_bytes().starts_with(b"attachment; filename=\""));
        assert_eq!(client.delete(&format!("/files/{}", answer.id())).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn control_characters_in_a_name_reach_no_header() {
    let (_server, client) = start().await;
    // As they are they end the headers of the part; encoded, they are part of the name.
    for raw in ["a\0b", "a\rb", "a\x1b[31mb"] {
        let answer = client.upload("batch", raw, "{}").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer.message().starts_with("Could not parse multipart form: "), "{answer}");
    }
    let encoded = "form-data; name=\"file\"; filename*=UTF-8''a%00b%0D%0ASet-Cookie:%20c%1B%22%5C";
    let form = Form::new().field("purpose", "batch").part(&format!("Content-Disposition: {encoded}"), "{}");
    let answer = client.upload_form(&form).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer}");
    assert_eq!(answer.json()["filename"], "a\0b\r\nSet-Cookie: c\u{1b}\"\\");
    let content = client.content(&answer.id()).await;
    assert_eq!(content.header("content-disposition"), Some("attachment; filename=\"abSet-Cookie: c\""));
    assert_eq!(content.header("set-cookie"), None);
}
