//! Many connections, and those that take their answers slowly or not at all.

use std::time::Duration;

use batchmock::ConnectionLimits;

use super::wire::{Bench, Wire};
use crate::support::{chats, frozen};

/// Lets this process have as many files open as the system allows.
fn raise_limit_on_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Where it may not be raised it has to do as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

#[test]
fn a_thousand_idle_connections_disturb_nobody() {
    raise_limit_on_files();
    let bench = Bench::start(frozen());
    let mut idle: Vec<Wire> = (0..1_000).map(|_| bench.connect()).collect();
    // A third of them has begun to ask, another one has been answered.
    for wire in idle.iter_mut().step_by(3) {
        wire.send(b"GET /v1/files HT").unwrap();
    }
    for wire in idle.iter_mut().skip(1).step_by(3) {
        wire.send(format!("{}\r\n", bench.head("GET", "/v1/models")).as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").unwrap().status, 200);
    }
    bench.wait(async {
        let id = bench.client.batch(&chats(10)).await;
        bench.server.clock().advance(Duration::from_secs(4)).unwrap();
        assert_eq!(bench.client.results(&id).await.0.lines().count(), 10);
    });
    // And each of them is still good.
    for wire in idle.iter_mut().skip(2).step_by(3) {
        wire.send(format!("{}\r\n", bench.head("GET", "/v1/models")).as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").unwrap().status, 200);
    }
}

/// How many connections a small server has.
const FEW: usize = 8;

/// Opens connections, and asks for something over each, until one is refused; gives those that were served.
fn fill_up(bench: &Bench) -> Vec<Wire> {
    let request = format!("{}\r\n", bench.head("GET", "/v1/models"));
    let mut holding = Vec::new();
    for _ in 0..=FEW {
        let mut wire = bench.connect();
        wire.send(request.as_bytes()).unwrap();
        let answer = wire.answer("GET").unwrap();
        if answer.status == 503 {
            assert_eq!(answer.message(), "batchmock has 8 connections open, and takes no more at a time.");
            assert_eq!(wire.rest(), b"", "and the connection is closed");
            return holding;
        }
        assert_eq!(answer.status, 200);
        holding.push(wire);
    }
    panic!("more connections are served than there may be");
}

/// Whether a place comes free. The server has to come round to it.
fn is_one_served_again(bench: &Bench) -> bool {
    let request = format!("{}\r\n", bench.head("GET", "/v1/models"));
    (0..50_000).any(|_| {
        let mut wire = bench.connect();
        let _ = wire.send(request.as_bytes());
        wire.answer("GET").is_some_and(|answer| answer.status == 200)
    })
}

#[test]
fn a_connection_too_many_is_told_so_until_another_one_ends() {
    let limits = ConnectionLimits { n_connections: FEW, ..ConnectionLimits::default() };
    let bench = Bench::start(frozen().connections(limits));
    let mut holding = fill_up(&bench);
    drop(holding.pop());
    assert!(is_one_served_again(&bench));
}

/// A file too large for the buffers between a server and a client.
const LARGE: usize = 32 * 1024 * 1024;

fn with_a_large_file(limits: ConnectionLimits) -> (Bench, String) {
    let bench = Bench::start(frozen().connections(limits));
    let file = bench.wait(bench.client.upload("vision", "large.bin", vec![b'a'; LARGE])).id();
    (bench, file)
}

/// Asks for all of a file, and takes only the beginning of it.
fn begin_to_download(bench: &Bench, file: &str) -> Wire {
    let mut wire = bench.connect();
    wire.send(format!("{}\r\n", bench.head("GET", &format!("/v1/files/{file}/content"))).as_bytes()).unwrap();
    assert_eq!(wire.some(&mut [0]), 1);
    wire
}

#[test]
fn a_client_that_stops_reading_holds_up_nobody_and_gets_the_rest_later() {
    let (bench, file) = with_a_large_file(ConnectionLimits::default());
    let mut stopped: Vec<Wire> = (0..8).map(|_| begin_to_download(&bench, &file)).collect();
    bench.wait(async {
        assert_eq!(bench.client.content(&file).await.body.len(), LARGE);
        // It is gone for others, and stays whole for those who have begun.
        assert_eq!(bench.client.delete(&format!("/files/{file}")).await.status, 200);
    });
    bench.assert_well();
    let mut wire = stopped.pop().unwrap();
    let mut n_read = 0;
    let mut room = vec![0; 1024 * 1024];
    while n_read < LARGE {
        n_read += wire.some(&mut room);
    }
}

#[test]
fn a_client_that_stops_reading_is_left_in_the_end() {
    let limits = ConnectionLimits {
        n_connections: FEW,
        answer_stalls_for: Duration::from_millis(300),
        ..ConnectionLimits::default()
    };
    let (bench, file) = with_a_large_file(limits);
    let mut stopped = begin_to_download(&bench, &file);
    let _holding = fill_up(&bench);
    assert!(is_one_served_again(&bench), "the place of the connection is free, though nothing more was read");
    assert!(stopped.rest().len() < LARGE, "an answer that is not taken is not completed");
}

#[test]
fn a_client_that_has_said_all_is_answered() {
    let bench = Bench::start(frozen());
    let mut wire = bench.connect();
    wire.send(format!("{}\r\n", bench.head("GET", "/v1/files")).as_bytes()).unwrap();
    wire.end();
    assert_eq!(wire.answer("GET").unwrap().status, 200);
}
