//! Webhooks of the mock, whose signatures the official packages accept.

use batchmock::WebhookEndpoint;
use batchmock_client::types::BatchStatus;
use batchmock_client::{Client, Webhooks};
use futures_util::StreamExt as _;
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

#[tokio::test]
async fn what_is_told_twice_has_one_id_and_is_believed_after_a_look() {
    let (told, mut telling) = mpsc::unbounded_channel();
    let listener = Listener::start(move |asked, _| {
        told.send(asked.clone()).unwrap();
        Reply::status("200 OK", "", "")
    })
    .await;
    let endpoint = WebhookEndpoint::new(&(listener.base_url() + "/hook"), SECRET.parse().unwrap()).unwrap();
    let server = stepping().webhook(endpoint).start().await.unwrap();
    let key = server.scenario_key("webhook-twice", "test").unwrap();
    let client = Client::builder().base_url(server.base_url()).api_key(key.as_str());
    let client = client.time(Jumping::default()).build().unwrap();
    let id = create(&client, &["a"]).await;
    let mut looks = client.batches().wait(&id).looks();
    // The first look shows `validating`, the second that it is in progress; then it is told that all is done.
    for _ in 0..2 {
        looks.next().await.unwrap().unwrap();
    }
    let webhooks = Webhooks::new(SECRET).unwrap();
    let read = |asked: &Asked| webhooks.verify(&asked.body, |name| header(asked, name)).unwrap();
    let first = read(&telling.recv().await.unwrap());
    assert_eq!((first.kind.as_str(), first.object_id.as_deref()), ("batch.completed", Some(&*id)));
    let mut last = None;
    while let Some(batch) = looks.next().await.transpose().unwrap() {
        last = Some(batch.status.clone());
    }
    assert_eq!(last, Some(BatchStatus::Completed));
    // Who does a thing once for each id does it once.
    let second = read(&telling.recv().await.unwrap());
    assert_eq!(second.delivery_id, first.delivery_id);
}
