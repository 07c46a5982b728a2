//! Recorded exchanges of real clients with the real service, replayed against the mock: whole answers are
//! compared, with ids, times and generated values [renamed](renaming) and nothing else forgiven but what
//! [`telling`] lists.
//!
//! The fixtures are transcribed by hand; `fixtures/README.md` describes their form.

mod exchange;
mod renaming;
mod telling;
mod transcript;

use std::fmt::Write as _;
use std::time::Duration;

use batchmock::{ClockMode, MockServer, Pace, PaceDuration, Progress, Switches, Timestamp};
use similar::TextDiff;

use exchange::{Answer, Request};
use renaming::Names;
use telling::tell_all;
use transcript::{Setting, Transcript};

/// A test for each transcript, named after it.
macro_rules! replayed {
    ($($name:ident,)+) => {
        /// The transcripts that are replayed.
        const REPLAYED: &[&str] = &[$(stringify!($name)),+];

        $(
            #[tokio::test]
            async fn $name() {
                replay(stringify!($name)).await;
            }
        )+
    };
}

replayed! {
    dotnet_cancel_batch,
    dotnet_download_file,
    dotnet_file_errors,
    dotnet_file_errors_2025,
    dotnet_files,
    dotnet_hello_chat,
    dotnet_list_batches,
    dotnet_retrieve_batch,
    dotnet_unknown_model,
    dotnet_wrong_key,
    ruby_llm_chat_batch,
    ruby_llm_embedding,
    ruby_llm_embeddings_batch,
    ruby_llm_wrong_key,
}

#[test]
fn every_transcript_is_replayed() {
    assert_eq!(Transcript::all(), REPLAYED);
}

#[test]
fn what_is_different_is_told() {
    let transcript = Transcript::read("dotnet_files");
    let recorded: Vec<_> = transcript.exchanges.iter().map(|exchange| exchange.answer.clone()).collect();
    let told = |answers: &[Answer]| tell_all(&transcript, answers).concat();
    let lies: [fn(&mut Answer); 7] = [
        |answer| answer.status = 201,
        |answer| answer.headers.retain(|(name, _)| name != "openai-version"),
        |answer| answer.headers.push(("x-other".to_owned(), "1".to_owned())),
        |answer| answer.body.truncate(answer.body.len() - 1),
        |answer| answer.body = answer.body.replace("  \"bytes\"", "    \"bytes\""),
        |answer| answer.body = answer.body.replace("\"expires_at\": null,\n  ", ""),
        |answer| answer.body = answer.body.replace("\"id\": \"file-", "\"id\": \"file_"),
    ];
    for (number, lie) in lies.iter().enumerate() {
        let mut answers = recorded.clone();
        lie(&mut answers[0]);
        assert_ne!(told(&answers), told(&recorded), "lie {number}");
    }
}

/// Replays a transcript and compares each answer with the recorded one.
async fn replay(name: &str) {
    let transcript = Transcript::read(name);
    let answers = answers_of_the_mock(&transcript).await;
    let recorded: Vec<_> = transcript.exchanges.iter().map(|exchange| exchange.answer.clone()).collect();
    let mut differences = String::new();
    for (told, (expected, exchange)) in tell_all(&transcript, &answers)
        .iter()
        .zip(tell_all(&transcript, &recorded).iter().zip(&transcript.exchanges))
    {
        let diff = TextDiff::from_lines(expected, told);
        let diff = diff.unified_diff().context_radius(3).header("recorded", "mock").to_string();
        if !diff.is_empty() {
            let Request { method, path, .. } = &exchange.request;
            writeln!(differences, "{method} {path}\n{diff}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{name}:\n{differences}");
}

/// What the mock answers to the requests of a transcript, at the same times.
async fn answers_of_the_mock(transcript: &Transcript) -> Vec<Answer> {
    let Setting { start, pace, switches, keys } = &transcript.mock;
    let mut settings = Switches::default();
    for switch in switches {
        let (name, value) = switch.split_once('=').unwrap();
        settings.set(name, value).unwrap();
    }
    let phase = |name: &str| PaceDuration::seconds(pace.get(name).copied().unwrap_or(60));
    let mut server = MockServer::builder()
        .clock(ClockMode::Frozen)
        .start_at(Timestamp::from_unix_seconds(*start))
        .pace(Pace {
            validating_for: phase("validating"),
            in_progress_for: phase("in_progress"),
            finalizing_for: phase("finalizing"),
            cancelling_for: phase("cancelling"),
            progress: Progress::Steps(2),
            ..Pace::QUICK
        })
        .switches(settings);
    if let Some(keys) = keys {
        server = server.keys(keys.clone());
    }
    let server = server.start().await.unwrap();

    // What ids are called on both sides, so that the mock is asked about its own.
    let (mut theirs, mut ours) = (Names::new(*start), Names::new(*start));
    let mut answers = Vec::new();
    let mut clock = 0;
    for exchange in &transcript.exchanges {
        let ahead = exchange.at - clock;
        clock = exchange.at;
        server.clock_of(exchange.request.key()).advance(Duration::from_secs(ahead)).unwrap();
        let request = exchange.request.clone().map_text(|text| theirs.translate(&ours, text));
        let answer = exchange::send(server.address(), &request).await;
        for (names, answer) in [(&mut theirs, &exchange.answer), (&mut ours, &answer)] {
            telling::tell(names, &exchange.request, answer, &exchange.answer, &transcript.recorded);
        }
        answers.push(answer);
    }
    answers
}
