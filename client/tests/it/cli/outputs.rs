//! Outputs: in which order, whose place they take, who may read them.

use std::fs;
use std::path::Path;

use batchmock::MockServer;

use super::{Said, run};
use crate::runs::Work;
use crate::support::{KEY, lines, stepping};

/// The names of the requests that lines of results tell of.
fn names(results: &str) -> Vec<String> {
    let name = |line: &str| batchmock_client::Outcome::read(line).unwrap().custom_id().to_owned();
    results.lines().map(name).collect()
}

/// A batch that has ended.
async fn ended(server: &MockServer, work: &Work) -> String {
    let submitted = run(server, KEY, &["submit", work.input.to_str().unwrap()]).await;
    let batch = submitted.stdout.trim().to_owned();
    assert_eq!(run(server, KEY, &["watch", &batch, "--poll", "1ms"]).await.code, 0);
    batch
}

#[tokio::test]
async fn results_come_in_the_order_that_is_asked_for() {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a", "b", "c", "d"]));
    let batch = ended(&server, &work).await;
    let (input, output) = (work.input.to_str().unwrap(), work.output.to_str().unwrap());
    let of_the_service = run(&server, KEY, &["results", &batch, "--order", "output"]).await;
    let mut sorted = names(&of_the_service.stdout);
    assert_ne!(sorted, ["a", "b", "c", "d"], "the service has another order than the input");
    sorted.sort();
    assert_eq!(sorted, ["a", "b", "c", "d"]);

    let into_a_file = ["results", &batch, "--order", "output", "-o", output];
    assert_eq!(run(&server, KEY, &into_a_file).await.code, 0);
    assert_eq!(fs::read_to_string(output).unwrap(), of_the_service.stdout);

    let of_the_input = ["results", &batch, "--input", input, "-o", output, "--force"];
    let said = run(&server, KEY, &of_the_input).await;
    assert_eq!(said.code, 0, "{}", said.stderr);
    let joined = fs::read_to_string(output).unwrap();
    assert_eq!(names(&joined), ["a", "b", "c", "d"]);
    let by_line = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(by_line(&joined), by_line(&of_the_service.stdout), "each is the service's own");
}

/// Each command that writes a file, with what it takes to write one here.
async fn writing(server: &MockServer, work: &Work) -> Vec<Vec<String>> {
    let batch = ended(server, work).await;
    let dir = work.input.parent().unwrap();
    let (template, rows) = (dir.join("template.json"), dir.join("rows.csv"));
    fs::write(&template, r#"{"url": "/v1/embeddings", "body": {"model": "m", "input": "{text}"}}"#).unwrap();
    fs::write(&rows, "text\nhello\n").unwrap();
    let uploaded = run(server, KEY, &["files", "upload", work.input.to_str().unwrap()]).await;
    let input = work.input.to_str().unwrap();
    let all: [&[&str]; 5] = [
        &["run", input, "--poll", "1ms"],
        &["results", &batch, "--input", input, "--poll", "1ms"],
        &["results", &batch, "--order", "output"],
        &["files", "content", uploaded.stdout.trim()],
        &["make", template.to_str().unwrap(), rows.to_str().unwrap()],
    ];
    let owned = |arguments: &[&str]| arguments.iter().map(|&argument| argument.to_owned()).collect();
    all.into_iter().map(owned).collect()
}

async fn write(server: &MockServer, arguments: &[String], output: &Path, more: &[&str]) -> Said {
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    arguments.extend(["-o", output.to_str().unwrap()]);
    arguments.extend(more);
    run(server, KEY, &arguments).await
}

#[tokio::test]
async fn nothing_takes_the_place_of_what_is_there_unless_it_is_told_to() {
    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a", "b"]));
    let dir = work.input.parent().unwrap();
    for arguments in writing(&server, &work).await {
        fs::write(&work.output, "mine").unwrap();
        let asked = server.received_requests(KEY).len();
        let said = write(&server, &arguments, &work.output, &[]).await;
        let refusal = format!(
            "batchmock-client: {}: it is there already; --force overwrites it\n",
            work.output.display()
        );
        assert_eq!((said.code, said.stderr), (2, refusal), "{arguments:?}");
        assert_eq!(fs::read_to_string(&work.output).unwrap(), "mine", "{arguments:?}");
        assert_eq!(server.received_requests(KEY).len(), asked, "{arguments:?}: nothing was asked for");

        let said = write(&server, &arguments, &work.output, &["--force"]).await;
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.stderr);
        assert_ne!(fs::read_to_string(&work.output).unwrap(), "mine", "{arguments:?}");

        let said = write(&server, &arguments, dir, &["--force"]).await;
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.stderr);
        assert!(said.stderr.ends_with(": it is a directory; the output is a file\n"), "{}", said.stderr);
        fs::remove_file(&work.output).unwrap();
    }
    let left = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    assert_eq!(left.len(), 3, "nothing else is left: {left:?}");
}

#[tokio::test]
async fn a_download_into_a_file_that_breaks_off_is_begun_again() {
    let server = stepping().start().await.unwrap();
    let text = lines(&["a", "b"]);
    let work = Work::of(&text);
    let batch = ended(&server, &work).await;
    let uploaded = run(&server, KEY, &["files", "upload", work.input.to_str().unwrap()]).await;
    let output = work.output.to_str().unwrap();
    let cut = || {
        let cut = r#"{ operation = "file_content", nth = 1, connection = "cut_body" }"#.parse().unwrap();
        server.faults_of(KEY).clear();
        server.faults_of(KEY).add(&batchmock::FaultPlan::new(vec![cut])).unwrap();
    };
    for arguments in
        [&["files", "content", uploaded.stdout.trim()][..], &["results", &batch, "--order", "output"]]
    {
        server.faults_of(KEY).clear();
        let whole = run(&server, KEY, arguments).await;
        cut();
        let into_a_file = [arguments, &["-o", output]].concat();
        let broken = run(&server, KEY, &[&into_a_file[..], &["--retries", "0"]].concat()).await;
        assert_eq!((broken.code, work.output.exists()), (5, false), "{}", broken.stderr);
        cut();
        let said = run(&server, KEY, &into_a_file).await;
        assert_eq!(said.code, whole.code, "{}", said.stderr);
        assert_eq!(fs::read_to_string(output).unwrap(), whole.stdout);
        fs::remove_file(output).unwrap();
        // What is on standard output cannot be taken back.
        cut();
        assert_eq!(run(&server, KEY, arguments).await.code, 5);
    }
}

#[tokio::test]
async fn results_never_take_the_place_of_their_input() {
    let server = stepping().start().await.unwrap();
    let text = lines(&["a"]);
    let work = Work::of(&text);
    let input = work.input.to_str().unwrap();
    let said = run(&server, KEY, &["run", input, "-o", input, "--force"]).await;
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert_eq!(fs::read_to_string(&work.input).unwrap(), text);
    assert_eq!(server.received_requests(KEY).len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn outputs_have_the_modes_of_other_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = stepping().start().await.unwrap();
    let work = Work::of(&lines(&["a"]));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    for arguments in writing(&server, &work).await {
        let said = write(&server, &arguments, &work.output, &[]).await;
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.stderr);
        assert_eq!(mode(&work.output), mode(&work.input), "{arguments:?}");
        fs::remove_file(&work.output).unwrap();
    }
}
