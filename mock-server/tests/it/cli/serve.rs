//! `batchmock serve`

use std::net::TcpListener;

use serde_json::Value;

use super::process::{SECRET_KEY, Served, batchmock, run, said};

#[test]
fn it_tells_where_it_takes_requests_and_takes_them() {
    for arguments in [&[][..], &["--clock", "frozen"], &["--clock", "stepping"], &["--clock", "scaled:3600"]]
    {
        let mut served = Served::start(arguments);
        let (status, _) = served.ask(|client, base_url| client.get(format!("{base_url}/batches")));
        assert_eq!(status, 200);
        let address = served.base_url.strip_prefix("http://").unwrap().to_owned();
        let stop = served.line_with("Ctrl-C");
        assert!(stop.ends_with('\n'));
        let banner =
            served.told.replace(&address, "{address}/v1").replace(env!("CARGO_PKG_VERSION"), "{version}");
        let name = arguments.last().unwrap_or(&"real").replace(':', "_");
        insta::assert_snapshot!(name, banner);
    }
}

#[test]
fn it_takes_the_keys_it_is_told_and_shows_none_of_them() {
    for (name, arguments) in
        [("one_key", &["--key", SECRET_KEY][..]), ("two_keys", &["--key", SECRET_KEY, "--key", "sk-other"])]
    {
        let mut served = Served::start(arguments);
        let (status, _) = served.ask(|client, base_url| client.get(format!("{base_url}/batches")));
        assert_eq!(status, 200, "{name}");
        let mut command = batchmock(["clock"]);
        let wrong = command.env("OPENAI_BASE_URL", &served.base_url).env("OPENAI_API_KEY", "sk-wrong");
        let refused = said(wrong).stderr;
        assert!(refused.contains("Incorrect API key provided: sk-wrong."), "{refused}");
        let address = served.base_url.strip_prefix("http://").unwrap().to_owned();
        served.line_with("Ctrl-C");
        assert!(!served.told.contains(SECRET_KEY), "{}", served.told);
        let banner =
            served.told.replace(&address, "{address}/v1").replace(env!("CARGO_PKG_VERSION"), "{version}");
        insta::assert_snapshot!(name, banner);
    }
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = run(["serve", "--port", &port]);
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (
            3,
            "",
            format!(
                "batchmock: port {port} of 127.0.0.1 is taken, perhaps by another batchmock: choose one with \
                 --port, or let --port 0 find a free one\n"
            )
            .as_str()
        )
    );
}

#[test]
fn an_address_of_another_machine_is_told() {
    // TEST-NET-1 belongs to nobody.
    let said = run(["--host", "192.0.2.1", "--port", "0"]);
    assert_eq!(said.code, 3);
    assert!(said.stderr.starts_with("batchmock: cannot listen on 192.0.2.1:0: "), "{}", said.stderr);
}

#[test]
fn rules_that_cannot_be_read_are_told_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let mut told = String::new();
    for path in [
        dir.path().join("none.toml"),
        file("binary.toml", b"\xff"),
        file("broken.toml", b"[[line]]\ncustom_id = \"a*\"\noutcome = 429\n"),
        file("unknown.toml", b"[[line]]\nname = \"a*\"\noutcome = \"429\"\n"),
        file("cut.toml", b"[[line]]\ncustom_id = \"a*\n"),
        file(
            "outcome.toml",
            b"[[line]]\nmodel = \"a*\"\noutcome = \"429\"\n[[line]]\nmodel = \"b\"\noutcome = \"teapot\"\n",
        ),
        file("pattern.toml", b"[[line]]\ncustom_id = \"[\"\noutcome = \"429\"\n"),
        file("nothing.toml", b"[[line]]\noutcome = \"429\"\n"),
    ] {
        let said = run(["--port".as_ref(), "0".as_ref(), "--lines".as_ref(), path.as_os_str()]);
        assert_eq!((said.code, said.stdout.as_str()), (4, ""), "{}", said.stderr);
        assert!(said.stderr.contains(path.to_str().unwrap()), "{}", said.stderr);
        told.push_str(&said.stderr.replace(dir.path().to_str().unwrap(), "{dir}"));
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

#[test]
fn recordings_are_told_with_what_cannot_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let output = file(
        "output.jsonl",
        concat!(
            r#"{"custom_id": "a", "response": {"status_code": 200, "body": {}}, "error": null}"#,
            "\n{broken\n",
            r#"{"custom_id": "b", "response": null, "error": {"code": "batch_expired"}}"#,
        ),
    );
    let mut served = Served::start(&["--replay", &output, "--replay-missing", "answer"]);
    assert!(
        served
            .told
            .contains(&format!("batchmock: cannot replay {output}, line 2: it is no JSON of a result")),
        "{}",
        served.told
    );
    let told = served.line_with("replayed");
    assert_eq!(
        told,
        "  1 result is replayed; 1 never ran when it was recorded. Other requests are answered as ever.\n"
    );

    let input = file("input.jsonl", &crate::support::chat("a", "hello"));
    for (arguments, told) in [
        (vec!["--replay", &input], "no line can be replayed; "),
        (vec!["--replay", "none.jsonl"], "cannot read none.jsonl: "),
        (vec!["--replay", &output, "--replay-input", &output], "no line can be replayed; "),
    ] {
        let said = run([&["--port", "0"][..], &arguments].concat());
        assert_eq!(said.code, 4, "{}", said.stderr);
        assert!(said.stderr.starts_with(&format!("batchmock: cannot replay: {told}")), "{}", said.stderr);
    }
}

#[cfg(unix)]
mod stopping {
    use rustix::process::Signal;

    use super::*;

    #[test]
    fn it_stops_when_it_is_asked_to_and_leaves_nothing_behind() {
        for signal in [Signal::TERM, Signal::INT] {
            let served = Served::start(&[]);
            // A file makes sure that there is something to leave behind.
            let (status, _) = served.ask(|client, base_url| {
                let file = reqwest::multipart::Part::text("{}").file_name("input.jsonl");
                let form = reqwest::multipart::Form::new().text("purpose", "batch").part("file", file);
                client.post(format!("{base_url}/files")).multipart(form)
            });
            assert_eq!(status, 200);
            assert_eq!(std::fs::read_dir(served.files()).unwrap().count(), 1, "its files are there");
            let (code, _, dir) = served.stop(signal);
            assert_eq!(code, Some(0), "{signal:?}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{signal:?}: its files are gone");
        }
    }

    #[test]
    fn it_stops_at_once_even_if_nobody_has_asked_it_anything() {
        for signal in [Signal::TERM, Signal::INT] {
            let (code, _, dir) = Served::start(&[]).stop(signal);
            assert_eq!(code, Some(0), "{signal:?}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{signal:?}");
        }
    }

    /// Requests of all kinds: with a key and without, to the API and to the control API, good and bad.
    fn talk_to(served: &Served) {
        served.ask(|client, base_url| client.get(format!("{base_url}/batches?after={SECRET_KEY}")));
        served.ask(|client, base_url| client.get(format!("{base_url}/batches/batch_none")));
        served.ask(|client, base_url| client.post(format!("{base_url}/chat/completions")).body("{"));
        served.ask(|client, base_url| client.get(base_url.replace("/v1", "/_mock/v1/clock")));
        served.ask(|client, base_url| {
            client.post(base_url.replace("/v1", "/_mock/v1/clock/advance")).body(r#"{"to": 0}"#)
        });
        served.ask(|client, base_url| client.get(base_url.replace("/v1", "/_mock/v1/health")));
    }

    #[test]
    fn a_request_is_a_line_for_people() {
        let mut served = Served::start(&[]);
        served.line_with("Ctrl-C");
        let banner = served.told.len();
        talk_to(&served);
        let (_, told, _) = served.stop(Signal::TERM);
        let lines: Vec<String> = told[banner..].lines().map(without_time).collect();
        insta::assert_snapshot!(lines.join("\n"));
        assert!(!told.contains(SECRET_KEY));
    }

    /// A line with the time that the request took written as `{ms}`.
    fn without_time(line: &str) -> String {
        let words = line.split(' ').collect::<Vec<_>>();
        let Some(unit) = words.iter().position(|word| *word == "ms") else { return line.to_owned() };
        let took: f64 = words[unit - 1].parse().unwrap();
        assert!(took < 60_000.0);
        [&words[..unit - 1], &["{ms}"], &words[unit..]].concat().join(" ")
    }

    #[test]
    fn a_request_is_an_object_for_programs() {
        let served = Served::start(&["--log-format", "json"]);
        talk_to(&served);
        let (_, told, _) = served.stop(Signal::TERM);
        assert!(!told.contains(SECRET_KEY));
        let mut requests = Vec::new();
        for line in told.lines() {
            let Value::Object(mut line) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
            let timestamp = line.remove("timestamp").unwrap();
            humantime::parse_rfc3339(timestamp.as_str().unwrap()).unwrap();
            if line.contains_key("path") {
                assert!(line.remove("took_us").unwrap().is_u64());
                requests.push(Value::Object(line));
            }
        }
        insta::assert_json_snapshot!(requests);
    }
}
