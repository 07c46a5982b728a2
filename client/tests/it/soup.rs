//! Runs through a network on which anything can happen to any request: still, everything is done once.

use std::fs;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::resuming::{assert_done_once, divided};
use crate::runs::Work;
use crate::support::{Jumping, Listener, Reply, client_of, lines, stepping};

/// What happens to a request, in one of three cases.
fn anything(rng: &mut ChaCha8Rng) -> Reply {
    match rng.random_range(0..24) {
        0 => Reply::Lose,
        1 => Reply::Drop,
        2 => Reply::Half,
        3 => Reply::status("429 Too Many Requests", "retry-after: 3\r\n", "{}"),
        4 => Reply::status("502 Bad Gateway", "", "<html>"),
        5 => Reply::status("500 Internal Server Error", "x-should-retry: true\r\n", ""),
        6 => Reply::json("<html>"),
        7 => Reply::status("408 Request Timeout", "", ""),
        _ => Reply::Forward,
    }
}

#[tokio::test]
async fn everything_is_done_once_whatever_happens_on_the_way() {
    for seed in 0..20 {
        let server = stepping().start().await.unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let listener = Listener::before(&server, move |_, _| anything(&mut rng)).await;
        let work = Work::of(&lines(&["a", "b", "c~500", "d"]));
        let mut runs = 0;
        loop {
            runs += 1;
            let client = client_of(listener.base_url(), &Jumping::default());
            match client.run_file(&work.input, &work.output).options(divided()).await {
                Ok(_) => break,
                Err(error) => assert!(runs < 10 && !error.is_journal(), "seed {seed}: {error}"),
            }
        }
        assert_done_once(&server, &work, 3, &format!("seed {seed}")).await;
        assert!(fs::exists(&work.output).unwrap());
    }
}
