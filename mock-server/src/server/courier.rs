//! The courier: tells endpoints what has happened in their worlds.
//!
//! The only thing in a mock that runs by itself. It sleeps until the earliest time at which a world has something
//! to be told, or until a world says that there is something earlier; where nobody is told anything, it is never
//! woken. What it carries is decided by the [`Outbox`](crate::webhook::Outbox) of each world.

mod post;

use std::sync::Arc;

use tokio::task::{JoinHandle, JoinSet};

use crate::http::App;
use crate::sim::Timestamp;
use crate::webhook::Errand;
use crate::world::World;
use post::Post;

/// The courier of a server. It stops when this is dropped, and what is under way is broken off.
#[derive(Debug)]
pub(super) struct Courier(JoinHandle<()>);

impl Courier {
    /// Starts one.
    pub(super) fn start(app: App) -> Self {
        Self(tokio::spawn(run(app)))
    }

    /// Stops it, and returns when it holds nothing any more.
    pub(super) async fn stop(mut self) {
        self.0.abort();
        // Should it have panicked, it has stopped as well.
        let _ = (&mut self.0).await;
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(app: App) {
    let post = Arc::new(Post::default());
    let most = app.worlds.config().limits.webhooks_at_a_time.max(1);
    let mut under_way = JoinSet::new();
    loop {
        let agenda = app.worlds.agenda();
        let may_take = under_way.len() < most;
        let next = agenda.next().filter(|_| may_take);
        tokio::select! {
            () = agenda.has_earlier(), if may_take => {}
            () = until(next, &app) => {}
            Some(_) = under_way.join_next() => {}
        }
        if under_way.len() >= most {
            continue;
        }
        let wall = app.wall();
        for world in app.worlds.agenda().take_due(wall) {
            for errand in world.errands(wall) {
                under_way.spawn(run_errand(Arc::clone(&world), errand, Arc::clone(&post), app.clone()));
            }
        }
    }
}

/// Ready at a time of the wall, if there is one.
async fn until(at: Option<Timestamp>, app: &App) {
    let Some(at) = at else { return std::future::pending().await };
    let left = at.since(app.wall());
    if !left.is_zero() {
        #[expect(clippy::disallowed_methods, reason = "a batch may end without anybody asking")]
        tokio::time::sleep(left).await;
    }
}

async fn run_errand(world: Arc<World>, errand: Errand, post: Arc<Post>, app: App) {
    // Nobody is told what could still be lost. Where it is lost, it will happen again.
    if world.kept(app.wall()).await.is_err() {
        return;
    }
    let outcome = post.deliver(&errand).await;
    let Errand { number, event, .. } = errand;
    tracing::info!(
        target: "batchmock::webhook",
        event = event.kind.name(),
        batch = event.batch_id,
        delivery = number,
        world = world.label(),
        "{outcome}"
    );
    world.record_errand(app.wall(), number, &event, outcome);
}
