//! Webhooks of the mock, whose signatures the official packages accept.

use batchmock::WebhookEndpoint;
use batchmock_client::Webhooks;
use tokio::sync::mpsc;

use crate::support::{Asked, Jumping, Listener, Reply, client_of, create, stepping};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn header(asked: &Asked, name: &str) -> Option<String> {
    let value = |line: &str| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    };
    asked.head.lines().find_map(value)
}

#[tokio::test]
async fn what_the_mock_tells_is_verified_and_read() {
    let (told, mut telling) = mpsc::unbounded_channel();
    let listener = Listener::start(move |asked, _| {
        told.send(asked.clone()).unwrap();
        Reply::status("200 OK", "", "")
    })
    .await;
    let url = listener.base_url() + "/hook";
    let endpoint = WebhookEndpoint::new(&url, SECRET.parse().unwrap()).unwrap();
    let server = stepping().webhook(endpoint).start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let id = create(&client, &["a"]).await;
    client.batches().wait(&id).await.unwrap();

    let asked = telling.recv().await.unwrap();
    let webhooks = Webhooks::new(SECRET).unwrap();
    let event = webhooks.verify(&asked.body, |name| header(&asked, name)).unwrap();
    assert_eq!((event.kind.as_str(), event.object_id), ("batch.completed", Some(id)));
    assert_eq!(Some(event.delivery_id), header(&asked, "webhook-id"));
    let others = Webhooks::new("whsec_AAAA").unwrap();
    assert!(others.verify(&asked.body, |name| header(&asked, name)).unwrap_err().is_signature());
}
