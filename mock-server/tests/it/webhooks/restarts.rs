//! What is told after a restart on the same data.

use batchmock::ClockMode;

use super::bench::{Bench, read};
use super::receiver::Receiver;
use crate::support::{chats, days, frozen};

#[tokio::test]
async fn what_was_told_before_a_restart_is_not_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || frozen().data_dir(dir.path().join("mock")).webhook_plan(read("{ copies = 2 }"));
    let mut bench = Bench::with(Receiver::start().await, builder()).await;
    bench.client.batch(&chats(1)).await;
    bench.server.clock().advance(days(1)).unwrap();
    let running = bench.client.batch(&chats(1)).await;
    bench.receiver.next().await;
    bench.ended(2).await;
    bench.server.stop().await;

    let mut bench = Bench::with(Receiver::start().await, builder()).await;
    bench.server.clock().advance(days(1)).unwrap();
    assert_eq!(bench.receiver.next().await.told().1, running);
    bench.ended(2).await;
}

#[tokio::test]
async fn what_happened_while_no_server_ran_is_told_when_the_world_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let builder = || frozen().clock(ClockMode::Scaled(20.0)).data_dir(dir.path().join("mock"));
    let bench = Bench::with(Receiver::start().await, builder()).await;
    let batch = bench.client.batch(&chats(1)).await;
    bench.server.stop().await;

    let mut bench = Bench::with(Receiver::start().await, builder()).await;
    // A world is read when its key is first used.
    bench.client.get("/batches").await;
    assert_eq!(bench.receiver.next().await.told().1, batch);
}
