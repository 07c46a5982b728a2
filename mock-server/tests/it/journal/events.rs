//! What becomes of batches and files.

use batchmock::{ClockMode, EntryKind, JournalEntry, JournalFilter, MockServer, Pace, WorldEvent};

use crate::support::{Client, START, chats, days, frozen, seconds, slower_than_the_window, start};

/// The events of the default key, each with the seconds since the start.
fn events(server: &MockServer) -> Vec<(f64, WorldEvent)> {
    let filter = JournalFilter::of_kind(EntryKind::Event);
    let entries = server.journal(server.api_key()).select(&filter);
    let event = |entry| match entry {
        JournalEntry::Event { number: _, at, event } => (at.since(START).as_secs_f64(), event),
        JournalEntry::Exchange(_) | JournalEntry::Note(_) => unreachable!("they were asked for"),
    };
    entries.into_iter().map(event).collect()
}

/// The statuses of batches, each with the seconds since the start, as `0 validating, 1 in_progress`.
fn statuses(server: &MockServer) -> String {
    let told = events(server)
        .into_iter()
        .filter_map(|(at, event)| Some(format!("{at} {}", event.status()?.as_str())));
    told.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn each_status_is_told_at_its_own_time_though_nobody_looked() {
    let (server, client) = start().await;
    client.batch(&chats(2)).await;
    server.clock().advance(days(1)).unwrap();
    assert_eq!(statuses(&server), "0 validating, 1 in_progress, 3 finalizing, 4 completed");
}

#[tokio::test]
async fn the_events_of_several_batches_stand_in_the_order_of_time() {
    let (server, client) = start().await;
    client.batch(&chats(1)).await;
    server.clock().advance(seconds(2)).unwrap();
    client.batch(&chats(2)).await;
    server.clock().advance(days(40)).unwrap();
    let events = events(&server);
    assert!(events.is_sorted_by_key(|(at, _)| *at), "{events:?}");
    let names: Vec<_> = events.iter().map(|(at, event)| format!("{at} {}", event.name())).collect();
    insta::assert_snapshot!(names.join("\n"));
}

#[tokio::test]
async fn a_stepping_clock_tells_what_each_poll_brings() {
    let server = frozen().clock(ClockMode::Stepping).start().await.unwrap();
    let client = Client::new(&server);
    let id = client.batch(&chats(1)).await;
    while client.retrieve(&id).await.json()["status"] != "completed" {}
    assert_eq!(statuses(&server), "0 validating, 1 in_progress, 3 finalizing, 4 completed");
    insta::assert_snapshot!(server.journal(server.api_key()));
}

#[tokio::test]
async fn statuses_that_last_no_time_are_told_as_well() {
    let server = frozen().pace(Pace::INSTANT).start().await.unwrap();
    Client::new(&server).batch(&chats(1)).await;
    server.clock().advance(seconds(1)).unwrap();
    let told = statuses(&server);
    let words: Vec<_> = told.split(", ").filter_map(|told| told.split(' ').nth(1)).collect();
    assert_eq!(words, ["validating", "in_progress", "finalizing", "completed"], "{told}");
}

#[tokio::test]
async fn other_endings_are_told() {
    let (server, client) = start().await;
    client.batch(&["{}"]).await;
    server.clock().advance(days(2)).unwrap();
    assert_eq!(statuses(&server), "0 validating, 1 failed");

    let (server, client) = start().await;
    let id = client.batch(&chats(4)).await;
    server.clock().advance(seconds(2)).unwrap();
    client.cancel(&id).await;
    server.clock().advance(days(2)).unwrap();
    assert_eq!(statuses(&server), "0 validating, 1 in_progress, 2 cancelling, 3 cancelled");

    let server = frozen().pace(slower_than_the_window()).start().await.unwrap();
    Client::new(&server).batch(&chats(4)).await;
    server.clock().advance(days(3)).unwrap();
    let told = statuses(&server);
    assert!(told.starts_with("0 validating, 1 in_progress, 86") && told.ends_with(" expired"), "{told}");

    let (server, client) = start().await;
    let input = client.upload_lines(&chats(1)).await;
    client.create(&input, crate::support::CHAT).await;
    client.delete(&format!("/files/{input}")).await;
    server.clock().advance(days(2)).unwrap();
    assert_eq!(statuses(&server), "0 validating, 1 failed");
}

#[tokio::test]
async fn a_forced_ending_is_told() {
    let (server, client) = start().await;
    let id = client.batch(&chats(2)).await;
    let url = format!("http://{}/_mock/v1/batches/{id}/ending", server.address());
    let force =
        reqwest::Client::new().post(url).bearer_auth(server.api_key()).body("{\"status\": \"completed\"}");
    assert_eq!(force.send().await.unwrap().status(), 200);
    assert_eq!(statuses(&server), "0 validating, 0 in_progress, 0 finalizing, 0 completed");
}

#[tokio::test]
async fn files_come_and_go() {
    let (server, client) = start().await;
    let id = client.batch(&chats(1)).await;
    server.clock().advance(seconds(5)).unwrap();
    let output = client.retrieve(&id).await.json()["output_file_id"].as_str().unwrap().to_owned();
    client.delete(&format!("/files/{output}")).await;
    server.clock().advance(days(31)).unwrap();
    let of_files: Vec<_> =
        events(&server).into_iter().filter(|(_, event)| event.status().is_none()).collect();
    let told: Vec<_> = of_files.iter().map(|(at, event)| format!("{at} {}", event.name())).collect();
    assert_eq!(told, ["0 file_added", "4 file_added", "5 file_deleted", "2592000 file_expired"]);
    assert_eq!(of_files[1].1.id(), output);
}

#[tokio::test]
async fn a_restart_begins_a_new_journal() {
    let dir = tempfile::tempdir().unwrap();
    let server = frozen().data_dir(dir.path().join("mock")).start().await.unwrap();
    let client = Client::new(&server);
    client.batch(&chats(1)).await;
    server.clock().advance(seconds(2)).unwrap();
    server.stop().await;

    let server = frozen().data_dir(dir.path().join("mock")).start().await.unwrap();
    assert_eq!(events(&server), []);
    server.clock().advance(seconds(10)).unwrap();
    assert_eq!(statuses(&server), "3 finalizing, 4 completed");
    server.stop().await;
}
