//! Faults in the journal: each is told with the exchange that met it.

use batchmock::{MockServer, Outcome, ReceivedRequest};

use super::{one, plan, with};
use crate::support::{CHAT, Client, chats, frozen};

/// The last request that a server has had.
fn last(server: &MockServer) -> ReceivedRequest {
    server.received_requests(server.api_key()).pop().expect("there was one")
}

#[tokio::test]
async fn each_exchange_tells_its_fault() {
    let (server, client) = with("{ name = 'busy', nth = 1, error = 'overloaded', retry_after = 1 }").await;
    client.get("/batches").await;
    let busy = last(&server);
    assert_eq!(busy.fault.as_deref(), Some("overloaded by rule 1 (busy)"));
    assert_eq!((busy.status, busy.retry_after.as_deref()), (Some(503), Some("1")));
    assert_eq!(busy.outcome, Outcome::Sent);
    client.get("/batches").await;
    assert_eq!(last(&server).fault, None);

    let id = client.batch(&chats(1)).await;
    server.faults().add_for_batch(&id, &one("{ vanished = true }")).unwrap();
    client.retrieve(&id).await;
    assert_eq!(last(&server).fault, Some(format!("vanished by rule 1 of {id}")));
}

#[tokio::test]
async fn what_was_never_answered_has_no_status_and_was_broken_off() {
    let rules = "[[fault]]\noperation = 'create_batch'\nnth = 1\nconnection = 'lost_acknowledgement'\n\
                 [[fault]]\noperation = 'list_files'\nconnection = 'closed_before_headers'\n";
    let server = frozen().faults(plan(rules)).start().await.unwrap();
    let client = Client::new(&server);
    let input = client.upload_lines(&chats(1)).await;
    let body = crate::support::new_batch(&input, CHAT).to_string();
    let lost =
        client.try_send(reqwest::Method::POST, "/batches", Some("application/json"), body.into()).await;
    assert!(lost.is_err());
    let lost = last(&server);
    assert_eq!(lost.fault.as_deref(), Some("lost_acknowledgement by rule 1"));
    assert_eq!((lost.status, lost.outcome, lost.answer.n_bytes), (None, Outcome::BrokenOff, 0));
    let batches = client.get("/batches").await.json();
    let id = batches["data"][0]["id"].as_str().unwrap();
    assert!(lost.ids.iter().any(|touched| touched == id), "the journal knows what was made: {lost:?}");

    assert!(client.try_send(reqwest::Method::GET, "/files", None, Vec::new()).await.is_err());
    let closed = server.received_requests(server.api_key());
    let closed =
        closed.iter().find(|request| request.fault.as_deref() == Some("closed_before_headers by rule 2"));
    assert_eq!(closed.map(|closed| (closed.status, closed.outcome)), Some((None, Outcome::BrokenOff)));
}

#[tokio::test]
async fn what_is_cut_is_told_as_far_as_it_was_sent() {
    for (rule, sent) in [
        ("{ connection = 'cut_body', cut_after = 10 }", 10),
        ("{ connection = 'broken_chunk', cut_after = 7 }", 7),
        ("{ connection = 'reset_after_headers' }", 0),
    ] {
        let (server, client) = with(rule).await;
        assert!(client.try_send(reqwest::Method::GET, "/models", None, Vec::new()).await.is_err());
        let cut = last(&server);
        assert_eq!(
            (cut.status, cut.outcome, cut.answer.n_bytes),
            (Some(200), Outcome::BrokenOff, sent),
            "{rule}"
        );
        assert!(cut.answer_bytes.is_some_and(|whole| whole > sent), "{cut:?}");
    }
}
