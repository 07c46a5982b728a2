//! A process that runs a file and is killed at each of its requests, before the service sees it and after, and goes on.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs};

use batchmock_client::{Client, PollPolicy};

use crate::resuming::{assert_done_once, divided};
use crate::runs::Work;
use crate::support::{KEY, Listener, Reply, lines, stepping};

/// Not a test: what the killed process does. It is this same program, told so by its environment.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Ok(base_url) = env::var("KILLED_BASE_URL") else { return };
    let path = |name| env::var(name).expect("whoever starts it says where");
    let poll = PollPolicy { first_pause: Duration::from_millis(1), ..PollPolicy::default() };
    let client = Client::builder().base_url(base_url).api_key(KEY).poll(poll).build().unwrap();
    let run = client.run_file(path("KILLED_INPUT"), path("KILLED_OUTPUT"));
    run.options(divided()).await.unwrap();
}

fn start(listener: &Listener, work: &Work) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["kills::the_process_that_is_killed", "--exact", "--quiet"])
        .env("KILLED_BASE_URL", listener.base_url())
        .env("KILLED_INPUT", &work.input)
        .env("KILLED_OUTPUT", &work.output)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs until the process ends by itself; tells whether it did so at once.
async fn run_and_kill_at(request: usize, was_served: bool) -> bool {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a", "b", "c~500", "d"]));
    let running: Arc<Mutex<Option<Child>>> = Arc::default();
    let (victim, mut asked) = (Arc::clone(&running), 0);
    let listener = Listener::before(&server, move |_, _| {
        asked += 1;
        if asked != request {
            return Reply::Forward;
        }
        victim.lock().unwrap().as_mut().unwrap().kill().unwrap();
        if was_served { Reply::Lose } else { Reply::Drop }
    })
    .await;
    let mut starts = 0;
    loop {
        starts += 1;
        *running.lock().unwrap() = Some(start(&listener, &work));
        // Its output is closed when it ends, and until then nobody holds what it is killed by.
        let mut output = running.lock().unwrap().as_mut().unwrap().stdout.take().unwrap();
        tokio::task::spawn_blocking(move || output.read_to_end(&mut Vec::new())).await.unwrap().unwrap();
        let status = running.lock().unwrap().as_mut().unwrap().wait().unwrap();
        if status.success() {
            break;
        }
        assert!(starts < 3, "it was killed once");
    }
    let context = format!("killed at request {request}, served: {was_served}");
    assert_done_once(&server, &work, 3, &context).await;
    assert_eq!(fs::read_to_string(&work.output).unwrap().lines().count(), 4);
    starts == 1
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_request_is_gone_on_with() {
    for was_served in [true, false] {
        let mut request = 1;
        while !run_and_kill_at(request, was_served).await {
            request += 1;
        }
        assert!(request > 20, "{request} requests");
    }
}
