//! What a poller sees in each scenario, and that it sees the same under every clock.

use std::fmt::Write as _;

use batchmock::{ClockMode, Pace, Scenarios};

use super::{in_scenario, names, seen};
use crate::support::{Client, chats, frozen, seconds};

/// What polls see of a batch of ten lines until it has ended, each sight once.
async fn life(client: &Client, step: impl Fn()) -> Vec<String> {
    let id = client.batch(&chats(10)).await;
    let mut sights: Vec<String> = Vec::new();
    loop {
        let batch = client.retrieve(&id).await.json();
        let sight = seen(&batch);
        if sights.last() != Some(&sight) {
            sights.push(sight);
        }
        if ["completed", "failed", "expired", "cancelled"].contains(&batch["status"].as_str().unwrap()) {
            return sights;
        }
        step();
    }
}

#[tokio::test]
async fn each_scenario_plays_the_same_under_every_clock() {
    let mut told = String::new();
    for name in names() {
        let scenario = Scenarios::default().get(&name).unwrap().clone();
        // Where requests fail, what batches go through is told in `connections.rs`.
        let refuses = |particular: &String| {
            particular.starts_with("fault") || particular.starts_with("quota { file_bytes")
        };
        if scenario.particulars().iter().any(refuses) {
            continue;
        }
        let of_hours = scenario.particulars().iter().any(|particular| particular.starts_with("stepping"));
        let key = frozen().start().await.unwrap().scenario_key(&name, "test").unwrap();
        let mut lives = Vec::new();
        // Ten times a quick batch is ten waits of four seconds: on a clock that runs, those that take hours are played,
        // and step.
        for clock in [ClockMode::Stepping, ClockMode::Frozen, ClockMode::Real] {
            if clock == ClockMode::Real && !of_hours {
                continue;
            }
            let server = frozen().clock(clock).start().await.unwrap();
            let client = Client::new(&server).with_key(&key);
            let step = || {
                if clock == ClockMode::Frozen {
                    server.clock_of(&key).advance_to_next_change().unwrap();
                }
            };
            lives.push(life(&client, step).await);
        }
        assert!(lives.iter().all(|life| *life == lives[0]), "{name}: {lives:#?}");
        writeln!(told, "{name}\n  {}", lives[0].join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn a_scaled_clock_does_not_step() {
    let server = frozen().clock(ClockMode::Scaled(1e-9)).start().await.unwrap();
    let client = Client::new(&server).with_key(&server.scenario_key("expired-partial", "").unwrap());
    let id = client.batch(&chats(10)).await;
    for _ in 0..5 {
        assert_eq!(client.retrieve(&id).await.json()["status"], "validating");
    }
}

#[tokio::test]
async fn a_batch_that_is_cancelled_half_way_goes_on_for_a_while() {
    let (server, client) = in_scenario("cancel-partial").await;
    let clock = server.clock_of(&server.scenario_key("cancel-partial", "test").unwrap());
    let id = client.batch(&chats(8)).await;
    clock.advance(seconds(2 * 3_600)).unwrap();
    let mut sights = vec![seen(&client.retrieve(&id).await.json()), seen(&client.cancel(&id).await.json())];
    for minutes in [5, 19, 1] {
        clock.advance(seconds(minutes * 60)).unwrap();
        sights.push(seen(&client.retrieve(&id).await.json()));
    }
    assert_eq!(
        sights,
        ["in_progress 8/2/0", "cancelling 8/2/0", "cancelling 8/3/0", "cancelling 8/4/0", "cancelled 8/4/0"]
    );
    let (output, error) = client.results(&id).await;
    assert_eq!((output.lines().count(), error.lines().count()), (4, 4));
    assert!(error.lines().all(|line| line.contains("batch_cancelled")), "{error}");
    assert_eq!(seen(&client.cancel(&id).await.json()), "cancelled 8/4/0");
}

#[tokio::test]
async fn cancelling_while_the_files_are_written_comes_too_late() {
    let (server, client) = in_scenario("cancel-partial:too-late").await;
    let clock = server.clock_of(&server.scenario_key("cancel-partial:too-late", "test").unwrap());
    let id = client.batch(&chats(4)).await;
    clock.advance(seconds(2 * 3_600)).unwrap();
    assert_eq!(seen(&client.cancel(&id).await.json()), "finalizing 4/4/0");
    clock.advance(seconds(3 * 3_600)).unwrap();
    assert_eq!(seen(&client.retrieve(&id).await.json()), "completed 4/4/0");
}

#[tokio::test]
async fn a_scenario_leaves_alone_what_it_does_not_speak_of() {
    let server = frozen().pace(Pace::REALISTIC).start().await.unwrap();
    let client = Client::new(&server).with_key(&server.scenario_key("mixed-errors", "").unwrap());
    let plain = Client::new(&server);
    let of = |batch: serde_json::Value| batch["completion_window"].clone();
    let (mixed, other) = (client.batch(&chats(8)).await, plain.batch(&chats(8)).await);
    assert_eq!(of(client.retrieve(&mixed).await.json()), of(plain.retrieve(&other).await.json()));
    server.clock().advance(seconds(75_600 + 1_000)).unwrap();
    assert_eq!(seen(&plain.retrieve(&other).await.json()), "completed 8/8/0");
    let clock = server.clock_of(&server.scenario_key("mixed-errors", "").unwrap());
    clock.advance(seconds(4)).unwrap();
    assert_eq!(seen(&client.retrieve(&mixed).await.json()), "completed 8/5/3");
}
