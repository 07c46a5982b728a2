//! `batchmock faults`, and faults on the command line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use batchmock::FaultPlan;

use super::process::{Said, Served, batchmock, run, said};

const PLAN: &str = r#"
[[fault]]
operation = "create_batch"
nth = 1
connection = "lost_acknowledgement"

[[fault]]
operation = "retrieve_*"
first = 2
error = "rate_limit_requests"
retry_after = 1
"#;

fn check(files: &[(&str, &str)]) -> Said {
    let dir = tempfile::tempdir().unwrap();
    let mut command = batchmock(["faults", "check"]);
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
        command.arg(name);
    }
    said(command.current_dir(dir.path()))
}

#[test]
fn faults_are_shown_as_they_were_understood() {
    let said = check(&[("a.toml", PLAN), ("b.toml", "fault = { stale_by = '1m' }")]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(said.stdout);
    assert_eq!(check(&[("none.toml", "")]).stdout, "There is no fault.\n");
}

#[test]
fn what_is_wrong_with_a_file_is_told() {
    let said = check(&[("a.toml", "[[fault]]\nerror = 'overload'")]);
    assert_eq!((said.code, said.stdout.as_str()), (4, ""));
    let told =
        "batchmock: cannot understand the faults in a.toml: line 2, column 9: `error` cannot be `overload`";
    assert!(said.stderr.starts_with(told), "{}", said.stderr);
    let said = run(["faults", "check", "none.toml"]);
    assert_eq!(said.code, 4);
    assert!(said.stderr.starts_with("batchmock: cannot read the faults in none.toml: "), "{}", said.stderr);
}

#[test]
fn the_schema_is_printed() {
    let said = run(["faults", "schema"]);
    assert_eq!((said.code, said.stdout.as_str()), (0, FaultPlan::SCHEMA));
}

#[test]
fn a_server_takes_faults_by_flag_and_by_file_and_logs_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("faults.toml");
    std::fs::write(
        &path,
        "[[fault]]\nname = 'second'\noperation = 'list_batches'\nnth = 2\nerror = 'bad_gateway'\n\
         [[fault]]\noperation = 'list_files'\nconnection = 'closed_before_headers'\n",
    )
    .unwrap();
    let rule = "{ operation = \"list_batches\", nth = 1, error = \"overloaded\" }";
    let mut served = Served::start(&["--faults", path.to_str().unwrap(), "--fault", rule]);
    let ask = || served.ask(|client, base_url| client.get(format!("{base_url}/batches"))).0;
    assert_eq!([ask(), ask(), ask()], [503, 502, 200]);
    let line = served.line_with("bad_gateway");
    assert!(line.contains("a fault is applied") && line.contains("second"), "{line}");
    served.line_with("/v1/batches 502");
    let mut stream = TcpStream::connect(served.address()).unwrap();
    stream
        .write_all(b"GET /v1/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-a\r\n\r\n")
        .unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    let line = served.line_with("GET /v1/files");
    assert!(line.contains(" --- "), "no status was ever sent: {line}");
}

#[test]
fn a_flag_that_is_no_fault_is_told() {
    let said = run(["serve", "--fault", "retrieve_batch:503"]);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("write a table in braces"), "{}", said.stderr);
    let said = run(["serve", "--fault", "{ error = \"overload\" }"]);
    assert!(said.stderr.contains("the nearest is `overloaded`"), "{}", said.stderr);
}
