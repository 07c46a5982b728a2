//! Waiting for what is recorded.

use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::Sleep;

use crate::http::App;
use crate::journal::JournalFilter;
use crate::world::World;

/// What a clock that moves by itself is waited for at least, so that nobody waits in a circle.
const LEAST: Duration = Duration::from_millis(1);

/// Waits until the journal of a world has so many entries that a filter lets pass, for a time at most. Tells whether it
/// has them.
pub(crate) async fn until_recorded(
    app: &App,
    world: &World,
    filter: &JournalFilter,
    n_entries: usize,
    at_most: Duration,
) -> bool {
    let journal = world.journal();
    let watch = journal.watch();
    let mut over = pin!(timer(at_most));
    loop {
        let change = watch.change();
        // Nothing happens in a world by itself, so who waits looks when there is something to be seen.
        let next_event = world.next_event_in(app.wall()).map(|left| timer(left.max(LEAST)));
        if journal.count(filter) >= n_entries {
            return true;
        }
        let next_event = async move {
            match next_event {
                Some(timer) => timer.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut over => return journal.count(filter) >= n_entries,
            () = change => {}
            () = next_event => {}
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "who waits for something that never comes must be told in the end"
)]
fn timer(lasts_for: Duration) -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(lasts_for))
}
