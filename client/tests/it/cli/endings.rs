//! Runs, and how each ends.

use std::fs;

use batchmock::MockServer;

use super::{Said, run};
use crate::runs::Work;
use crate::support::{KEY, lines, stepping};

async fn run_file(server: &MockServer, key: &str, work: &Work, more: &[&str]) -> Said {
    let (input, output) = (work.input.to_str().unwrap(), work.output.to_str().unwrap());
    let arguments = [&["run", input, "-o", output, "--poll", "1ms"][..], more].concat();
    run(server, key, &arguments).await
}

#[tokio::test]
async fn each_ending_has_its_code() {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a", "b", "c", "d"]));
    let key = server.scenario_key("expired-partial", "x").unwrap();
    let said = run_file(&server, key.as_str(), &work, &["--max-attempts", "1", "--quiet"]).await;
    assert_eq!(said.code, 4, "{}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);

    let work = Work::of("{}\n");
    let said = run_file(&server, KEY, &work, &[]).await;
    assert_eq!((said.code, said.stderr.contains("nothing was sent")), (3, true), "{}", said.stderr);

    let said = run(&server, KEY, &["status", "batch_00000000000000000000000000000000"]).await;
    assert_eq!((said.code, said.stdout.as_str()), (5, ""), "{}", said.stderr);

    let work = Work::of(&lines(&["a"]));
    let said = run(&server, KEY, &["resume", work.output.to_str().unwrap()]).await;
    assert_eq!(said.code, 2, "{}", said.stderr);
}

#[tokio::test]
async fn a_run_that_broke_off_is_gone_on_with() {
    let server = stepping().start().await.unwrap();
    let refused = r#"{ operation = "retrieve_batch", status = 400 }"#.parse().unwrap();
    server.faults_of(KEY).add(&batchmock::FaultPlan::new(vec![refused])).unwrap();
    let work = Work::of(&lines(&["a", "b", "c"]));
    let broken = run_file(&server, KEY, &work, &["--quiet"]).await;
    assert_eq!(broken.code, 5, "{}", broken.stderr);
    let output = work.output.to_str().unwrap();
    assert!(
        broken.stderr.contains(&format!("go on with `batchmock-client resume {output}`")),
        "{}",
        broken.stderr
    );

    server.faults_of(KEY).clear();
    let resumed = run(&server, KEY, &["resume", output, "--poll", "1ms", "--quiet"]).await;
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(fs::read_to_string(output).unwrap().lines().count(), 3);
    let journal = server.journal(KEY);
    journal.assert_count(batchmock::Operation::UploadFile, 1);
    journal.assert_count(batchmock::Operation::CreateBatch, 1);
}

#[tokio::test]
async fn who_cancels_and_what_was_refused_have_the_code_of_other_endings() {
    let server = stepping().start().await.unwrap();
    for (scenario, status) in
        [("cancel-partial:foreign-cancel", "cancelled"), ("rejected-at-validation", "failed")]
    {
        let work = Work::of(&lines(&["a", "b", "c", "d"]));
        let key = server.scenario_key(scenario, "x").unwrap();
        let submitted = run(&server, &key, &["submit", work.input.to_str().unwrap()]).await;
        let watched = run(&server, &key, &["watch", submitted.stdout.trim(), "--poll", "1ms"]).await;
        assert_eq!(watched.code, 4, "{scenario}: {}{}", watched.stdout, watched.stderr);
        assert!(watched.stdout.contains(status), "{scenario}: {}", watched.stdout);
    }
    let work = Work::of(&lines(&["a"]));
    let submitted = run(&server, KEY, &["submit", work.input.to_str().unwrap()]).await;
    let batch = submitted.stdout.trim();
    let cancelled = run(&server, KEY, &["cancel", batch]).await;
    assert_eq!(cancelled.code, 0, "{}", cancelled.stderr);
    server.journal(KEY).assert_count(batchmock::Operation::CancelBatch, 1);
}

#[tokio::test]
async fn a_batch_by_hand() {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a", "b", "c~400", "d"]));
    let input = work.input.to_str().unwrap();
    let submitted = run(&server, KEY, &["submit", input, "--metadata", "job=test"]).await;
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    let batch = submitted.stdout.trim();
    let early = run(&server, KEY, &["results", batch, "--order", "output"]).await;
    assert_eq!((early.code, early.stdout.as_str()), (4, ""), "{}", early.stderr);
    let watched = run(&server, KEY, &["watch", batch, "--poll", "1ms"]).await;
    assert_eq!(watched.code, 1, "{}", watched.stderr);
    assert!(watched.stdout.starts_with(&format!("{batch}: completed, 4 of 4 done, 1 failed")));
    let listed = run(&server, KEY, &["list", "--json"]).await;
    assert!(listed.stdout.lines().count() == 1 && listed.stdout.contains("\"job\""), "{}", listed.stdout);

    let raw = run(&server, KEY, &["results", batch, "--order", "output"]).await;
    assert_eq!((raw.code, raw.stdout.lines().count()), (1, 4), "{}", raw.stderr);
    let output = work.output.to_str().unwrap();
    let joined = run(&server, KEY, &["results", batch, "--input", input, "-o", output]).await;
    assert_eq!(joined.code, 1, "{}", joined.stderr);
    let names: Vec<String> = fs::read_to_string(output)
        .unwrap()
        .lines()
        .map(|line| batchmock_client::Outcome::read(line).unwrap().custom_id().to_owned())
        .collect();
    assert_eq!(names, ["a", "b", "c~400", "d"]);
}

#[tokio::test]
async fn a_batch_that_is_refused_leaves_no_file() {
    let server = stepping().start().await.unwrap();
    let refused = r#"{ operation = "create_batch", status = 400 }"#.parse().unwrap();
    server.faults_of(KEY).add(&batchmock::FaultPlan::new(vec![refused])).unwrap();
    let work = Work::of(&lines(&["a"]));
    let submitted = run(&server, KEY, &["submit", work.input.to_str().unwrap()]).await;
    assert_eq!((submitted.code, submitted.stdout.as_str()), (5, ""), "{}", submitted.stderr);
    assert!(
        submitted.stderr.ends_with("; there is no batch, and the upload was deleted\n"),
        "{}",
        submitted.stderr
    );
    assert_eq!(run(&server, KEY, &["files", "list"]).await.stdout, "");
}

#[tokio::test]
async fn what_one_batch_does_not_take_is_not_submitted() {
    let server = stepping().start().await.unwrap();
    let chat =
        |name: &str, model: &str| batchmock_client::Request::chat(model, "x").custom_id(name).to_line();
    let work = Work::of(&format!("{}\n{}\n", chat("a", "gpt-4o-mini"), chat("b", "gpt-4o")));
    let submitted = run(&server, KEY, &["submit", work.input.to_str().unwrap()]).await;
    assert_eq!(submitted.code, 3, "{}", submitted.stderr);
    assert!(submitted.stderr.contains("`batchmock-client run` takes what one batch does not"));
    server.journal(KEY).assert_count(batchmock::Operation::UploadFile, 0);
    assert_eq!(run_file(&server, KEY, &work, &["--quiet"]).await.code, 0);
}

#[tokio::test]
async fn files_by_hand() {
    let server = stepping().start().await.unwrap();
    let text = lines(&["a"]);
    let work = Work::of(&text);
    let uploaded = run(&server, KEY, &["files", "upload", work.input.to_str().unwrap()]).await;
    let file = uploaded.stdout.trim();
    assert_eq!(run(&server, KEY, &["files", "content", file]).await.stdout, text);
    assert!(run(&server, KEY, &["files", "list"]).await.stdout.contains(file));
    assert!(run(&server, KEY, &["files", "get", file]).await.stdout.contains("in.jsonl"));
    assert_eq!(run(&server, KEY, &["files", "delete", file]).await.code, 0);
    assert_eq!(run(&server, KEY, &["files", "get", file]).await.code, 5);
}
