//! Webhooks on the command line.
//!
//! Who reads what a mock logs blocks, and so needs a second thread for the endpoint that is to answer meanwhile.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use reqwest::Method;

use super::process::{Guarded, Served, batchmock, run};
use crate::support::{Client, chats};
use crate::webhooks::receiver::{Receiver, SECRET};

/// The secret of a mock whose seed is 0.
fn made_secret() -> String {
    run(["webhooks", "secret"]).stdout.trim_end().to_owned()
}

/// Lets a batch of a mock with a frozen clock complete.
async fn complete_a_batch(served: &Served) -> String {
    let client = Client::of(&served.base_url, "sk-batchmock");
    let batch = client.batch(&chats(1)).await;
    let url = format!("http://{}/_mock/v1/clock/advance", served.address());
    let advance = reqwest::Client::new().request(Method::POST, url).bearer_auth("sk-batchmock");
    assert_eq!(advance.body(r#"{"by": "1d"}"#).send().await.unwrap().status(), 200);
    batch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_secret_is_told_once_and_signs() {
    let mut receiver = Receiver::start().await;
    let mut served = Served::start(&["--clock", "frozen", "--webhook-url", &receiver.url("/hook")]);
    let batch = complete_a_batch(&served).await;
    let told = receiver.next().await;
    assert_eq!((told.told().1, told.objection(&made_secret())), (batch.clone(), None));
    served.line_with(&format!("signed with the secret {}.", made_secret()));
    let logged = served.line_with(&batch);
    assert!(logged.contains("batch.completed"), "{logged}");
    assert_eq!(served.told.matches(&made_secret()).count(), 1, "{}", served.told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_given_secret_is_shown_nowhere() {
    for format in ["text", "json"] {
        let mut receiver = Receiver::start().await;
        let url = receiver.url("/hook");
        let mut served = Served::start(&[
            "--clock",
            "frozen",
            "--log-format",
            format,
            "--webhook-url",
            &url,
            "--webhook-secret",
            SECRET,
            "--webhook-event",
            "batch.completed",
            "--webhook-plan",
            "{ copies = 2 }",
        ]);
        let batch = complete_a_batch(&served).await;
        for _ in 0..2 {
            let told = receiver.next().await;
            assert_eq!((told.told().1, told.objection(SECRET)), (batch.clone(), None));
        }
        served.line_with(&batch);
        served.line_with(&batch);
        assert!(!served.told.contains(&SECRET[6..20]), "{}", served.told);
    }
}

#[test]
fn a_command_finds_the_secret_in_its_environment() {
    let me = env!("CARGO_BIN_EXE_batchmock");
    // A command that starts only if what it finds there is a secret, and then says something else.
    let said = run([
        "exec",
        "--webhook-url",
        "http://127.0.0.1:9/",
        "--webhook-secret",
        SECRET,
        "--",
        me,
        "webhooks",
        "listen",
        "--help",
    ]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(!said.stdout.contains(SECRET), "{}", said.stdout);
}

#[tokio::test]
async fn a_listener_tells_what_each_webhook_is_worth() {
    let mut command = batchmock(["webhooks", "listen", "--port", "0"]);
    let mut listener = Guarded(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(listener.0.stderr.take().unwrap());
    let mut stdout = BufReader::new(listener.0.stdout.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    let plan = "{ signature = 'wrong', signature_attempts = 1, copies = 1 }";
    for (arguments, verdict) in [
        (&[][..], "signature right"),
        (&["--webhook-secret", "another"], "REFUSED: signature invalid"),
        (&["--webhook-plan", plan], "REFUSED: signature invalid"),
    ] {
        let served = Served::start(&[&["--clock", "frozen", "--webhook-url", &url][..], arguments].concat());
        let batch = complete_a_batch(&served).await;
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let words: Vec<_> = line.trim_end().split("  ").collect();
        assert_eq!((words[0], words[1], words[3]), ("batch.completed", batch.as_str(), verdict), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secure_endpoint_is_told_if_the_system_trusts_it_and_not_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    for is_trusted in [true, false] {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = dir.path().join("trusted.pem");
        let trusted = if is_trusted { made.cert.pem() } else { other.cert.pem() };
        std::fs::write(&file, trusted).unwrap();
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let mut receiver = Receiver::secure(made.cert.der().clone(), key).await;
        let url = format!("https://localhost:{}/hook", receiver.address.port());
        let mut command = batchmock(["serve", "--port", "0", "--clock", "frozen", "--webhook-url", &url]);
        command.env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
        let mut served = Served::start_by(command);
        let batch = complete_a_batch(&served).await;
        let logged = served.line_with(&batch);
        if is_trusted {
            assert!(logged.contains("answered with status 200"), "{logged}");
            let told = receiver.next().await;
            assert_eq!((told.told().1, told.objection(&made_secret())), (batch, None));
        } else {
            assert!(logged.contains("no connection: invalid peer certificate"), "{logged}");
            assert!(receiver.rest().is_empty());
        }
    }
}
