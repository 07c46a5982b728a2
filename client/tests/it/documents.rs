//! What README and documentation show is what happens.

const README: &str = include_str!("../../../README.md");
const GUIDE: &str = include_str!("../../../docs/client.md");

/// The first block of code after a heading.
fn block<'a>(document: &'a str, heading: &str, language: &str) -> &'a str {
    let section = document.split_once(heading).expect("the heading is there").1;
    let code = section.split_once(&format!("```{language}\n")).expect("there is code").1;
    code.split_once("```").expect("the code ends").0
}

#[test]
fn the_example_of_the_readme_is_that_of_the_crate_which_is_run() {
    let crate_docs: String = include_str!("../../src/lib.rs")
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .filter(|line| !line.starts_with("# "))
        .fold(String::new(), |all, line| all + line + "\n");
    for (document, heading) in
        [(README, "## A client that gets every ending right"), (GUIDE, "## A list in, a list out")]
    {
        let example = block(document, heading, "rust");
        let code = example.lines().skip_while(|line| line.starts_with("use ") || line.is_empty());
        let code = code.fold(String::new(), |all, line| all + line + "\n");
        assert!(code.lines().count() >= 8 && crate_docs.contains(&code), "{code}");
    }
}

/// The recorded session is run again: each command says what it said then, but for the time that it took.
#[cfg(feature = "cli")]
#[tokio::test]
async fn the_session_of_the_readme_is_what_the_command_says() {
    use std::fs;

    use crate::cli::{command, said};
    use crate::support::{KEY, stepping};

    let session = block(README, "The same as a command", "text");
    let start = batchmock::Timestamp::from_unix_seconds(1_767_225_600);
    let server = stepping().start_at(start).start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut again = String::new();
    for step in session.split("$ ").skip(1) {
        let (line, shown) = step.split_once('\n').unwrap();
        again.extend(["$ ", line, "\n"]);
        if let Some(name) = line.strip_prefix("cat ") {
            fs::write(dir.path().join(name), shown).unwrap();
            again += shown;
            continue;
        }
        let words = line.strip_prefix("batchmock-client ").expect("a session has no other commands");
        // Nobody has to wait here.
        let poll = if words.starts_with("run ") { " --poll 1ms" } else { "" };
        let mut command = command((words.to_owned() + poll).split_whitespace());
        command.current_dir(dir.path());
        command.env("OPENAI_BASE_URL", server.base_url()).env("OPENAI_API_KEY", KEY);
        let said = tokio::task::spawn_blocking(move || said(&mut command)).await.unwrap();
        again += &(said.stdout + &said.stderr);
    }
    assert_eq!(without_times(&again), without_times(session), "{again}");
}

/// The lines of a session with a time in place of each.
#[cfg(feature = "cli")]
fn without_times(session: &str) -> String {
    let line = |line: &str| match line.strip_prefix('[').and_then(|line| line.split_once("] ")) {
        Some((_, rest)) => format!("[time] {rest}\n"),
        None => format!("{line}\n"),
    };
    session.lines().map(line).collect()
}
