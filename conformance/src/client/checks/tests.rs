//! Each check on evidence that is made up: one that passes it, one that fails it, and one by which it cannot be judged.

use std::collections::BTreeSet;

use serde_json::json;

use super::{all, find};
use crate::client::account::{End, Outcome, Problem, Usage};
use crate::client::check::Judgment;
use crate::client::evidence::{Evidence, Fate, File, Staged, Stranger};
use crate::client::made_up::{KEY, account, answer, batch, good, right};
use crate::client::task::{Delivery, Task, TaskFile, Verb};
use crate::expect::Mismatch;

fn judge(check: &str, evidence: &Evidence) -> Judgment {
    find(check).unwrap().judge(evidence)
}

/// What is wrong, as a report tells it.
fn told(check: &str, evidence: &Evidence) -> String {
    match judge(check, evidence) {
        Judgment::Failed(Mismatch { what, expected, actual, exchange: _ }) => {
            format!("{check}: {what}\n  expected {}\n  found: {actual}", expected.join(" or "))
        }
        Judgment::Passed => format!("{check}: passed"),
        Judgment::NotExercised(why) => format!("{check}: not exercised, {why}"),
    }
}

/// Evidence after a change.
fn but(mut evidence: Evidence, change: impl FnOnce(&mut Evidence)) -> Evidence {
    change(&mut evidence);
    evidence
}

/// A batch of four that completed well, after trouble.
fn after_trouble(trouble: impl FnOnce(&mut Evidence)) -> Evidence {
    let mut evidence = Evidence::nothing(End::Exit(0));
    trouble(&mut evidence);
    evidence.make(batch("1", "completed", &["a", "b", "c", "d"].map(answer)));
    evidence.collect();
    evidence.account = all_well();
    evidence
}

fn all_well() -> crate::client::account::Account {
    let ok = |key, text| (key, Outcome::Ok, Some(text));
    account(End::Exit(0), &[ok("k-001", "a"), ok("k-002", "b"), ok("k-003", "c"), ok("k-004", "d")])
}

fn refused_for_ever(times: usize, status: u16) -> Evidence {
    let mut evidence = Evidence::nothing(End::Exit(1));
    for _ in 0..times {
        evidence.trouble("create_batch", "/v1/batches", status);
    }
    evidence
}

/// A download that was cut; it may be fetched again.
fn cut(again: bool) -> Evidence {
    let mut evidence = Evidence::nothing(End::Exit(0));
    evidence.make(batch("1", "completed", &["a", "b", "c", "d"].map(answer)));
    evidence.look("completed");
    let request = evidence.fetch("file-out-1");
    (request.fault, request.is_whole) = (Some("cut_body".to_owned()), false);
    if again {
        evidence.fetch("file-out-1");
        evidence.account = all_well();
    } else {
        evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, Some("a"))]);
    }
    evidence
}

/// A creation whose answer was lost.
fn lost_ack(end: End) -> Evidence {
    let mut evidence = good();
    let create = evidence.requests.iter_mut().find(|request| request.operation == "create_batch").unwrap();
    (create.fault, create.is_whole, create.status) = (Some("lost".to_owned()), false, None);
    evidence.account.end = end;
    evidence
}

/// A task that is to be finished; these keys are submitted again, and answered.
fn finished(again: &[usize]) -> Evidence {
    let mut evidence = good();
    evidence.task.finish = true;
    let mut second = batch("2", "completed", &[answer("e"), answer("f"), answer("g"), answer("h")]);
    second.input.retain(|line| again.iter().any(|n| line.key.as_deref() == Some(&format!("k-{n:03}"))));
    evidence.make(second);
    evidence.collect();
    evidence
}

/// A run after another that was ended.
fn restarted(second_batch: bool) -> Evidence {
    let mut evidence = after_trouble(|_| ());
    evidence.n_earlier_runs = 1;
    if second_batch {
        evidence.make(batch("2", "completed", &["a", "b", "c", "d"].map(answer)));
        evidence.collect();
    }
    evidence
}

fn problem(line: Option<u64>) -> Problem {
    Problem { code: Some("invalid_json_line".to_owned()), line, message: Some("no JSON".to_owned()) }
}

fn webhooks(outcomes: &[Outcome]) -> Evidence {
    let mut evidence = Evidence::nothing(End::Exit(0));
    evidence.task = Task::new(Verb::WebhookConsume);
    let right = [(Outcome::Handled, "it is signed"), (Outcome::Refused, "it is not")];
    for (n, (outcome, why)) in right.into_iter().enumerate() {
        let key = format!("d-{n}");
        evidence.task.deliveries.push(Delivery {
            key: key.clone(),
            headers: std::collections::BTreeMap::new(),
            body: String::new(),
        });
        evidence.expected.insert(key, (outcome, why));
    }
    let lines: Vec<_> =
        ["d-0", "d-1"].into_iter().zip(outcomes).map(|(key, outcome)| (key, *outcome, None)).collect();
    evidence.account = account(End::Exit(0), &lines);
    evidence
}

fn roundtrip(bytes: &[u8], fetched: bool, deleted: bool) -> Evidence {
    let mut evidence = Evidence::nothing(End::Exit(0));
    evidence.task = Task::new(Verb::FilesRoundtrip);
    let file = TaskFile { key: "f-1".to_owned(), name: "ü.jsonl".to_owned(), text: "{}\r\n".to_owned() };
    evidence.task.files = vec![file];
    evidence.files = vec![File {
        id: "file-1".to_owned(),
        purpose: "batch".to_owned(),
        name: "ü.jsonl".to_owned(),
        bytes: bytes.to_owned(),
        is_there: !deleted,
    }];
    if fetched {
        evidence.fetch("file-1");
    }
    evidence
}

/// For each check: evidence that passes it, several that fail it, and one by which it cannot be judged.
#[expect(clippy::too_many_lines, reason = "a table")]
fn tries() -> Vec<(&'static str, Evidence, Vec<Evidence>, Evidence)> {
    let nothing = || Evidence::nothing(End::Exit(0));
    let no_terminal = || but(good(), |evidence| evidence.requests.retain(|request| request.number <= 4));
    let in_time = |staged: Staged, wait_ms: i64| {
        let mut evidence = after_trouble(|evidence| {
            evidence.trouble("create_batch", "/v1/batches", 429);
        });
        evidence.staged = staged;
        let at_ms = evidence.requests[0].at_ms;
        evidence.requests.iter_mut().skip(1).for_each(|request| request.at_ms = at_ms + wait_ms);
        evidence
    };
    let waits = Staged { wait_ms: Some(300), ..Staged::default() };
    let polls = |poll_ms| but(good(), |evidence| evidence.staged.poll_ms = Some(poll_ms));
    vec![
        (
            "K1",
            good(),
            vec![
                but(good(), |evidence| {
                    for _ in 0..2 {
                        evidence.look("expired");
                    }
                }),
                but(good(), |evidence| evidence.account.end = End::OutOfTime),
            ],
            no_terminal(),
        ),
        (
            "K2",
            good(),
            vec![
                no_terminal(),
                but(no_terminal(), |evidence| evidence.account.end = End::Crash("signal 6".to_owned())),
                but(no_terminal(), |evidence| evidence.look("in_progress").status = Some(500)),
            ],
            but(no_terminal(), |evidence| {
                evidence.look("in_progress").status = Some(500);
                evidence.account.end = End::Exit(1);
            }),
        ),
        (
            "K3",
            after_trouble(|_| ()),
            vec![
                but(after_trouble(|_| ()), |evidence| {
                    evidence.ask("file_content", "/v1/files/None/content", &["None"], 404, json!(null));
                }),
                but(after_trouble(|_| ()), |evidence| {
                    evidence.ask("unknown", "/v1/files//content", &[], 404, json!(null));
                }),
            ],
            good(),
        ),
        (
            "K4",
            good(),
            vec![
                but(good(), |evidence| {
                    evidence.requests.retain(|request| !request.path.contains("file-err"));
                }),
                but(good(), |evidence| {
                    let out = evidence.requests.iter_mut().find(|request| request.path.contains("file-out"));
                    out.unwrap().is_whole = false;
                }),
            ],
            no_terminal(),
        ),
        (
            "K5",
            good(),
            vec![
                but(good(), |evidence| {
                    evidence.account = account(
                        End::Exit(0),
                        &[("k-001", Outcome::Ok, Some("b")), ("k-002", Outcome::Ok, Some("a"))],
                    );
                }),
                but(good(), |evidence| {
                    evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, Some("prompt 1"))]);
                }),
            ],
            but(good(), |evidence| evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, None)])),
        ),
        (
            "K6",
            good(),
            vec![
                but(good(), |evidence| evidence.account = account(End::Exit(1), &[])),
                but(good(), |evidence| {
                    evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, Some("a"))]);
                }),
                but(good(), |evidence| {
                    let line = evidence.account.lines()[0].clone();
                    evidence.account.push(line);
                }),
                but(good(), |evidence| {
                    let mut line = evidence.account.lines()[0].clone();
                    line.key = "1-1".to_owned();
                    evidence.account.push(line);
                }),
                but(good(), |evidence| evidence.account.unreadable.push("line 9: it is no JSON".to_owned())),
            ],
            no_terminal(),
        ),
        (
            "K7",
            good(),
            vec![
                but(good(), |evidence| {
                    evidence.account = account(End::Exit(0), &[("k-003", Outcome::Ok, None)]);
                }),
                but(good(), |evidence| {
                    evidence.account = account(End::Exit(0), &[("k-003", Outcome::Missing, None)]);
                }),
            ],
            but(good(), |evidence| evidence.requests.retain(|request| !request.path.contains("file-err"))),
        ),
        (
            "K8",
            good(),
            vec![but(good(), |evidence| evidence.account = account(End::Exit(1), &[]))],
            no_terminal(),
        ),
        ("K9", finished(&[4]), vec![finished(&[1, 2, 4]), finished(&[])], good()),
        (
            "K10",
            finished(&[4]),
            vec![but(no_terminal(), |evidence| {
                evidence.make(batch("2", "completed", &["a", "b", "c", "d"].map(answer)));
            })],
            nothing(),
        ),
        ("K11", in_time(waits, 290), vec![in_time(waits, 200)], in_time(Staged::default(), 290)),
        (
            "K12",
            after_trouble(|evidence| evidence.trouble("upload_file", "/v1/files", 500)),
            vec![
                refused_for_ever(1, 429),
                but(
                    after_trouble(|evidence| evidence.trouble("upload_file", "/v1/files", 500)),
                    |evidence| {
                        evidence.account.end = End::Exit(1);
                    },
                ),
                but(
                    after_trouble(|evidence| evidence.trouble("upload_file", "/v1/files", 500)),
                    |evidence| {
                        evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, Some("a"))]);
                    },
                ),
            ],
            after_trouble(|_| ()),
        ),
        (
            "K13",
            restarted(false),
            vec![
                restarted(true),
                but(restarted(false), |evidence| evidence.account = account(End::Exit(1), &[])),
            ],
            after_trouble(|_| ()),
        ),
        (
            "K14",
            but(Evidence::failed(problem(Some(1))), |evidence| {
                evidence.account.summary.errors = vec![problem(Some(1))];
            }),
            vec![
                Evidence::failed(problem(Some(1))),
                but(Evidence::failed(problem(Some(1))), |evidence| {
                    evidence.account.summary.errors = vec![problem(None)];
                }),
                but(Evidence::failed(problem(Some(1))), |evidence| {
                    evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, Some("a"))]);
                }),
            ],
            good(),
        ),
        (
            "K15",
            good(),
            vec![
                but(good(), |evidence| {
                    evidence.batches[0].input[1].problem =
                        Some("its custom_id is 2, and not a text".to_owned());
                }),
                but(good(), |evidence| evidence.batches[0].input[1].custom_id = "1-0".to_owned()),
                but(good(), |evidence| evidence.batches[0].input[1].key = Some("k-001".to_owned())),
                but(good(), |evidence| evidence.files[0].name = "requests.txt".to_owned()),
                but(good(), |evidence| evidence.files[0].bytes = vec![b'{', 0xff]),
            ],
            nothing(),
        ),
        (
            "K16",
            good(),
            vec![
                but(good(), |evidence| {
                    evidence.account = account(
                        End::Exit(0),
                        &[("k-001", Outcome::Ok, Some("a ")), ("k-002", Outcome::Ok, Some("b"))],
                    );
                }),
                but(good(), |evidence| evidence.account = account(End::Exit(1), &[])),
            ],
            no_terminal(),
        ),
        (
            "K17",
            good(),
            vec![but(good(), |evidence| {
                let twice = Usage { input_tokens: 20, output_tokens: 4, total_tokens: 24 };
                evidence.account.summary.usage = Some(twice);
            })],
            but(good(), |evidence| evidence.account.summary.usage = None),
        ),
        (
            "K18",
            but(good(), |evidence| {
                for id in ["file-in-1", "file-out-1", "file-err-1"] {
                    evidence.delete(id);
                }
            }),
            vec![
                but(no_terminal(), |evidence| evidence.delete("file-in-1")),
                but(good(), |evidence| {
                    evidence.requests.retain(|request| !request.path.contains("file-out"));
                    evidence.delete("file-out-1");
                }),
            ],
            good(),
        ),
        (
            "K19",
            but(good(), |evidence| drop(evidence.look("reviewing").clone())),
            vec![but(good(), |evidence| {
                evidence.look("reviewing");
                evidence.account = account(End::Exit(1), &[]);
            })],
            good(),
        ),
        ("K20", polls(1000), vec![polls(2000)], good()),
        (
            "K21",
            refused_for_ever(3, 503),
            vec![
                but(refused_for_ever(3, 503), |evidence| evidence.account.end = End::Exit(0)),
                but(refused_for_ever(3, 503), |evidence| evidence.account.end = End::OutOfTime),
                but(refused_for_ever(3, 503), |evidence| {
                    evidence.account = account(End::Exit(1), &[("k-001", Outcome::Ok, Some("a"))]);
                }),
            ],
            good(),
        ),
        (
            "K22",
            refused_for_ever(1, 400),
            vec![refused_for_ever(2, 401), finished(&[3, 4])],
            refused_for_ever(2, 503),
        ),
        (
            "K23",
            but(good(), |evidence| {
                evidence.strangers = vec![Stranger { path: "/elsewhere".to_owned(), has_key: false }];
            }),
            vec![
                but(good(), |evidence| evidence.requests[0].query = format!("key={KEY}")),
                but(good(), |evidence| {
                    evidence.strangers = vec![Stranger { path: "/elsewhere".to_owned(), has_key: true }];
                }),
            ],
            but(good(), |evidence| evidence.staged.redirects = true),
        ),
        (
            "K24",
            webhooks(&[Outcome::Handled, Outcome::Refused]),
            vec![webhooks(&[Outcome::Handled, Outcome::Handled]), webhooks(&[Outcome::Refused])],
            webhooks(&[]),
        ),
        (
            "K25",
            but(good(), |evidence| {
                evidence.task.cleanup = true;
                evidence.delete("file-in-1");
            }),
            vec![but(good(), |evidence| evidence.task.cleanup = true)],
            good(),
        ),
        (
            "K26",
            but(good(), |evidence| {
                evidence.batches[0].results.pop();
                evidence.account = account(End::Exit(0), &[("k-004", Outcome::Missing, None)]);
            }),
            vec![
                but(good(), |evidence| {
                    evidence.batches[0].results.pop();
                    evidence.account = account(End::Exit(0), &[("k-001", Outcome::Ok, Some("a"))]);
                }),
                but(good(), |evidence| {
                    evidence.batches[0].results.pop();
                    evidence.account = account(End::Exit(0), &[("k-004", Outcome::Ok, Some(""))]);
                }),
            ],
            good(),
        ),
        (
            "K27",
            good(),
            vec![
                but(good(), |evidence| evidence.files[0].bytes = b"{}\n".repeat(50_001)),
                but(good(), |evidence| drop(evidence.batches[0].input.pop())),
            ],
            nothing(),
        ),
        ("K28", cut(true), vec![cut(false)], good()),
        (
            "K29",
            but(no_terminal(), |evidence| {
                evidence.account = account(End::Exit(1), &[]);
                evidence.account.summary.batch_ids = vec!["batch_1".to_owned()];
            }),
            vec![
                but(no_terminal(), |evidence| evidence.account.end = End::OutOfTime),
                but(no_terminal(), |evidence| evidence.account = account(End::Exit(0), &[])),
                but(no_terminal(), |evidence| evidence.account = account(End::Exit(1), &[])),
                no_terminal(),
            ],
            nothing(),
        ),
        (
            "K30",
            refused_for_ever(30, 503),
            vec![
                refused_for_ever(31, 503),
                but(refused_for_ever(3, 503), |evidence| evidence.account.end = End::OutOfTime),
            ],
            good(),
        ),
        (
            "K31",
            lost_ack(End::Exit(0)),
            vec![but(lost_ack(End::Exit(0)), |evidence| evidence.account = account(End::Exit(0), &[]))],
            good(),
        ),
        (
            "K32",
            roundtrip(b"{}\r\n", true, true),
            vec![
                roundtrip(b"{}\n", true, true),
                roundtrip(b"{}\r\n", false, true),
                roundtrip(b"{}\r\n", true, false),
            ],
            but(roundtrip(b"", true, true), |evidence| evidence.files.clear()),
        ),
    ]
}

#[test]
fn each_check_passes_fails_and_is_not_exercised() {
    let mut tried = BTreeSet::new();
    let mut failures = Vec::new();
    for (check, passes, fails, not_exercised) in tries() {
        assert_eq!(judge(check, &passes), Judgment::Passed, "{check}");
        for evidence in &fails {
            let told = told(check, evidence);
            assert!(matches!(judge(check, evidence), Judgment::Failed(_)), "{told}");
            failures.push(told);
        }
        let judgment = judge(check, &not_exercised);
        assert!(matches!(judgment, Judgment::NotExercised(_)), "{check}: {judgment:?}");
        tried.insert(check);
    }
    assert_eq!(tried, all().map(|check| check.id).collect(), "each check is tried");
    insta::assert_snapshot!(failures.join("\n"));
}

/// What is said of a key.
type Claim = fn(usize) -> (Outcome, Option<String>);

#[test]
fn who_does_nothing_passes_nothing_however_it_ends_and_whatever_it_says() {
    let ends = [End::Exit(0), End::Exit(1), End::Crash("signal 11".to_owned()), End::OutOfTime, End::Endless];
    let claims: [Claim; 4] = [
        |_| (Outcome::Missing, None),
        |n| (Outcome::Ok, Some(format!("prompt {n}"))),
        |n| (if n % 2 == 0 { Outcome::Ok } else { Outcome::Error }, Some("amber-auk-00000000".to_owned())),
        |_| (Outcome::Refused, None),
    ];
    for end in ends {
        for claim in claims {
            let mut evidence = Evidence::nothing(end.clone());
            for n in 1..=4 {
                let (outcome, text) = claim(n);
                let key = format!("k-{n:03}");
                let line = account(end.clone(), &[(&key, outcome, text.as_deref())]).lines()[0].clone();
                evidence.account.push(line);
            }
            for check in all() {
                let judgment = check.judge(&evidence);
                assert!(matches!(judgment, Judgment::NotExercised(_)), "{}: {judgment:?}", check.id);
            }
        }
    }
}

#[test]
fn an_account_that_is_right_passes_all_that_it_exercises() {
    let evidence = good();
    assert_eq!(evidence.account, right());
    for check in all() {
        let judgment = check.judge(&evidence);
        assert!(!matches!(judgment, Judgment::Failed(_)), "{}: {judgment:?}", check.id);
    }
}

#[test]
fn checks_have_unique_ids_and_rest_on_facts_that_there_are() {
    let mut ids = BTreeSet::new();
    for check in all() {
        assert!(ids.insert(check.id), "{} stands twice", check.id);
        for fact in check.facts {
            assert!(crate::facts::of(fact).next().is_some(), "{}: there is no {fact}", check.id);
        }
        for sentence in [check.requirement, check.gated_by, check.reason] {
            assert!(sentence.ends_with('.'), "{}: {sentence}", check.id);
        }
    }
    assert_eq!(ids.len(), 32);
}

#[test]
fn another_fate_is_no_answer() {
    assert!(Fate::Expired.is_worth_another_try());
    assert!(!answer("a").is_worth_another_try());
    let status = |status| Fate::Refused { status, code: None };
    assert!(status(429).is_worth_another_try() && status(500).is_worth_another_try());
    assert!(!status(400).is_worth_another_try());
}
