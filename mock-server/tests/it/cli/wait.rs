//! `batchmock wait`

use std::net::TcpListener;

use super::process::{SECRET_KEY, Served, run};

/// A base URL where nobody answers: its port was free a moment ago, and is not given out again so soon.
pub(super) fn nobody() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/v1")
}

#[test]
fn it_ends_when_the_mock_takes_requests() {
    let served = Served::start(&[]);
    let said = served.run(&["wait"]);
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""));
}

#[test]
fn it_gives_up_when_nobody_answers() {
    let base_url = nobody();
    let said = run(["wait", "--timeout", "300ms", "--base-url", &base_url, "--api-key", SECRET_KEY]);
    assert_eq!((said.code, said.stdout.as_str()), (5, ""));
    let begins = format!("batchmock: gave up after 300ms: no batchmock answers at {base_url}: ");
    assert!(said.stderr.starts_with(&begins), "{}", said.stderr);
    assert!(!said.stderr.contains(SECRET_KEY));
}

#[test]
fn it_gives_up_on_somebody_who_never_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/v1", silent.local_addr().unwrap());
    let said = run(["wait", "--timeout", "50ms", "--base-url", &base_url]);
    assert_eq!(said.code, 5);
    assert_eq!(
        said.stderr,
        format!("batchmock: gave up after 50ms: nobody has answered at {base_url} yet\n")
    );
}

#[test]
fn a_key_that_no_header_can_hold_is_not_waited_for() {
    let said = run(["wait", "--timeout", "1h", "--base-url", &nobody(), "--api-key", "two words"]);
    assert_eq!(said.code, 2);
}
