//! Runs that are ended before their end, and go on.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use batchmock::{ClockMode, MockServer};
use batchmock_client::run::{Limits, RunOptions, unfinished};
use batchmock_client::{Client, Event, Request, RetryPolicy};

use crate::runs::{Work, batches};
use crate::support::{Jumping, KEY, Listener, Reply, client_of, lines, stepping};

/// What is left of a run is one file and one batch for each of its batches, and a whole output.
pub(crate) async fn assert_done_once(server: &MockServer, work: &Work, n_batches: usize, context: &str) {
    assert_eq!(work.results(), ["a 200", "b 200", "c~500 500", "d 200"], "{context}");
    assert_eq!(batches(server).await.len(), n_batches, "{context}");
    let client = client_of(server.base_url(), &Jumping::default());
    let files = client.files().list_of(&"batch".into()).all().await.unwrap();
    assert_eq!(files.len(), n_batches, "{context}");
    assert!(!work.journal().exists(), "{context}");
    let names = fs::read_dir(work.output.parent().unwrap()).unwrap().count();
    assert_eq!(names, 2, "{context}: nothing else is left");
}

pub(crate) fn divided() -> RunOptions {
    RunOptions { limits: Limits { requests: 2, ..Limits::default() }, ..RunOptions::default() }
}

#[tokio::test]
async fn a_run_that_is_ended_at_any_event_is_gone_on_with() {
    let mut ended = 0;
    for stop_at in 0.. {
        let server = stepping().start().await.unwrap();
        let client = client_of(server.base_url(), &Jumping::default());
        let work = Work::of(&lines(&["a", "b", "c~500", "d"]));
        let (mut events, mut last) = (0, String::new());
        let run = client.run_file(&work.input, &work.output).options(divided()).on_progress(|progress| {
            events += 1;
            last = format!("{:?}", progress.event);
            if events > stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match run.await {
            Err(error) => assert!(error.is_stopped(), "{error}"),
            Ok(_) => break,
        }
        ended += 1;
        let is_written = last == "Written";
        let again = client.run_file(&work.input, &work.output).options(divided());
        let mut resumed = None;
        again
            .on_progress(|progress| {
                if let Event::Checked { resumed: is_resumed, .. } = progress.event {
                    resumed = Some(is_resumed);
                }
                ControlFlow::Continue(())
            })
            .await
            .unwrap();
        assert_eq!(resumed, Some(true), "{last}");
        assert!(!is_written || work.output.exists());
        assert_done_once(&server, &work, 3, &last).await;
    }
    assert!(ended > 25, "{ended}");
}

#[tokio::test]
async fn a_run_that_loses_its_connection_at_any_request_is_gone_on_with() {
    for lost in [Reply::Lose, Reply::Drop] {
        for lose_at in 0.. {
            let server = stepping().start().await.unwrap();
            let (mut asked, reply) = (0, lost.clone());
            let listener = Listener::before(&server, move |_, _| {
                asked += 1;
                if asked == lose_at + 1 { reply.clone() } else { Reply::Forward }
            })
            .await;
            // A client that gives up at once is as good as one that is killed.
            let client = Client::builder()
                .base_url(listener.base_url())
                .api_key(KEY)
                .retry(RetryPolicy { max_retries: 0, ..RetryPolicy::default() })
                .time(Jumping::default())
                .build()
                .unwrap();
            let work = Work::of(&lines(&["a", "b", "c~500", "d"]));
            let run = || client.run_file(&work.input, &work.output).options(divided());
            let first = run().await;
            let context = format!("{lost:?} at request {lose_at}");
            if first.is_err() {
                run().await.unwrap_or_else(|error| panic!("{context}: {error}"));
            }
            assert_done_once(&server, &work, 3, &context).await;
            if listener.asked().len() < lose_at {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_journal_is_only_for_the_run_that_wrote_it() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a"]));
    let stopped = client.run_file(&work.input, &work.output).on_progress(|progress| {
        let is_it = matches!(progress.event, Event::Uploaded { .. });
        if is_it { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.await.unwrap_err().is_stopped());
    fs::write(&work.input, lines(&["a", "b"])).unwrap();
    let error = work.run(&client).await.unwrap_err();
    assert!(error.is_journal() && error.to_string().contains("another input"), "{error}");
    fs::write(&work.input, lines(&["a"])).unwrap();
    let other = stepping().start().await.unwrap();
    let error = work.run(&client_of(other.base_url(), &Jumping::default())).await.unwrap_err();
    assert!(error.is_journal() && error.to_string().contains(&server.base_url()), "{error}");
    work.run(&client).await.unwrap();
}

#[tokio::test]
async fn a_run_in_memory_can_have_a_journal_too() {
    let server = stepping().start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let dir = tempfile::tempdir().unwrap();
    let requests = || ["a", "b"].map(|text| Request::chat("gpt-4o-mini", text));
    let journal = dir.path().join("journal");
    let stopped = client.run(requests()).journal(&journal).on_progress(|progress| {
        let is_it = matches!(progress.event, Event::Fetching { .. });
        if is_it { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.await.unwrap_err().is_stopped());
    let outcomes = client.run(requests()).journal(&journal).await.unwrap();
    assert_eq!(outcomes.len(), 2);
    assert_eq!(batches(&server).await.len(), 1);
    assert!(!Path::new(&journal).exists());
}

#[tokio::test]
async fn a_run_has_a_deadline_and_goes_on_afterwards() {
    let server = MockServer::builder().clock(ClockMode::Frozen).start().await.unwrap();
    let client = client_of(server.base_url(), &Jumping::default());
    let work = Work::of(&lines(&["a"]));
    let error = work.run(&client).await.unwrap_err();
    assert!(error.is_deadline(), "{error}");
    assert_eq!(error.unfinished_batches(), [batches(&server).await[0].id.clone()]);
    let left = unfinished(&work.output).unwrap().unwrap();
    assert_eq!((left.input, left.base_url), (work.input.clone(), server.base_url()));
    assert_eq!((left.running, left.ended), (error.unfinished_batches().to_vec(), (0, 1)));
    server.clock_of(KEY).set_mode(ClockMode::Stepping);
    work.run(&client).await.unwrap();
    assert_eq!(batches(&server).await.len(), 1);
    assert_eq!(unfinished(&work.output).unwrap(), None);
}
