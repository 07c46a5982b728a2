//! A mock that is killed in the middle of work, again and again.
//!
//! Beside it works another that keeps nothing and is never killed: the model. Both are asked the same things in the
//! same order, and must answer the same bytes. After each kill the mock must be as the model is: with all that was
//! acknowledged; of the one thing that was under way in each world, all or nothing; and all of it if somebody was
//! shown that it was done.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use batchmock::MockServer;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cli::process::{Guarded, Served, batchmock};
use crate::support::{Form, START, chat, frozen, new_batch};

/// How often a mock is killed in all histories together, unless `BATCHMOCK_KILLS` says otherwise.
const N_KILLS: usize = 60;

/// How many histories there are, each with a directory of its own, so that they can run side by side.
const N_HISTORIES: usize = 3;

/// How many worlds are worked on at once.
const N_WORLDS: usize = 3;

/// A request, to be sent to both.
#[derive(Debug, Clone)]
struct Op {
    method: Method,
    path: String,
    content_type: Option<String>,
    body: Vec<u8>,
}

impl Op {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), content_type: None, body: Vec::new() }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    fn post(path: impl Into<String>, body: &Value) -> Self {
        let content_type = Some("application/json".to_owned());
        Self { content_type, body: body.to_string().into(), ..Self::new(Method::POST, path) }
    }

    /// Whether it can change something that looks do not show.
    fn is_secret(&self) -> bool {
        self.method == Method::GET || self.path.starts_with("/v1/uploads")
    }

    fn upload(form: &Form) -> Self {
        let content_type = Some(Form::content_type());
        Self { content_type, body: form.body(), ..Self::new(Method::POST, "/v1/files") }
    }
}

/// A server to ask, by its root.
#[derive(Debug, Clone)]
struct Server {
    http: reqwest::Client,
    root: String,
}

type Answer = (u16, Vec<u8>);

impl Server {
    fn new(base_url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, root: base_url.strip_suffix("/v1").unwrap().to_owned() }
    }

    /// The whole answer; nothing if it does not come to its end.
    async fn ask(&self, key: &str, op: &Op) -> Option<Answer> {
        let mut request = self.http.request(op.method.clone(), format!("{}{}", self.root, op.path));
        request = request.bearer_auth(key).body(op.body.clone());
        if let Some(content_type) = &op.content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let mut body = answer.bytes().await.ok()?.to_vec();
        if op.path == QUOTAS {
            // Results are written anew after a restart, when somebody looks.
            let mut shown: Value = serde_json::from_slice(&body).unwrap();
            shown["used"]["file_bytes"].take();
            body = shown.to_string().into();
        }
        Some((status, body))
    }
}

const QUOTAS: &str = "/_mock/v1/quotas";

/// What a look at a world shows, without changing it.
const LOOKS: [&str; 5] = [
    "/_mock/v1/clock",
    "/v1/files?limit=10000",
    "/v1/batches?limit=100",
    "/v1/models/ft:gpt-4o-mini:acme::1",
    QUOTAS,
];

/// One world, and what is done in it.
struct World {
    key: String,
    rng: ChaCha8Rng,
    /// Its uploads, each with the parts that are known.
    uploads: Vec<(String, Vec<String>)>,
    /// What was asked last, if no answer came.
    under_way: Option<Op>,
    /// All answers to looks since the mock was started, as the model gave them.
    shown: HashSet<Answer>,
    /// The last answer that somebody else got who looked meanwhile.
    seen: Option<Answer>,
}

impl World {
    fn new(number: usize) -> Self {
        Self {
            key: format!("sk-killed-{number}"),
            rng: ChaCha8Rng::seed_from_u64(number as u64),
            uploads: Vec::new(),
            under_way: None,
            shown: HashSet::new(),
            seen: None,
        }
    }

    /// Asks both, one thing after the other, until the mock is killed.
    async fn work(&mut self, mock: &Server, model: &Server, begins: impl Fn()) {
        self.shown.clear();
        loop {
            let looks = self.look(model).await.expect("the model lives");
            let op = self.next_op(&ids(&looks[1]), &ids(&looks[2]));
            self.shown.extend(looks);
            self.under_way = Some(op.clone());
            begins();
            let Some(answer) = mock.ask(&self.key, &op).await else { return };
            self.under_way = None;
            let expected = model.ask(&self.key, &op).await.expect("the model lives");
            assert_same(&op, &answer, &expected);
            self.learn(&op, &answer);
        }
    }

    /// Holds the mock, which was killed and started again, against the model.
    async fn check(&mut self, mock: &Server, model: &Server) {
        let found = self.look(mock).await.expect("the mock lives");
        let mut expected = self.look(model).await.expect("the model lives");
        if let Some(op) = self.under_way.take() {
            if found != expected {
                // Then it was done, and so wholly.
                model.ask(&self.key, &op).await.expect("the model lives");
                expected = self.look(model).await.expect("the model lives");
            } else if op.is_secret() {
                // The first look at a batch changes nothing that can be seen yet; the next look tells.
                let answer = mock.ask(&self.key, &op).await.expect("the mock lives");
                let mut same = model.ask(&self.key, &op).await.expect("the model lives");
                if answer != same {
                    same = model.ask(&self.key, &op).await.expect("the model lives");
                }
                assert_same(&op, &answer, &same);
                self.learn(&op, &answer);
                expected = self.look(model).await.expect("the model lives");
            }
            let found = self.look(mock).await.expect("the mock lives");
            for ((look, found), expected) in LOOKS.iter().zip(&found).zip(&expected) {
                assert_same(&(look, &op), found, expected);
            }
        } else {
            for ((look, found), expected) in LOOKS.iter().zip(&found).zip(&expected) {
                assert_same(look, found, expected);
            }
        }
        if let Some(seen) = self.seen.take() {
            let is_there = self.shown.contains(&seen) || found.contains(&seen);
            assert!(is_there, "shown, and gone: {}", String::from_utf8_lossy(&seen.1));
        }
        for id in ids(&expected[1]).sample(&mut self.rng, 4) {
            let op = Op::get(format!("/v1/files/{id}/content"));
            let found = mock.ask(&self.key, &op).await.expect("the mock lives");
            assert_same(&op, &found, &model.ask(&self.key, &op).await.expect("the model lives"));
        }
    }

    /// Remembers uploads, and their parts.
    fn learn(&mut self, op: &Op, (status, body): &Answer) {
        if *status != 200 || !op.path.starts_with("/v1/uploads") {
            return;
        }
        let answer: Value = serde_json::from_slice(body).unwrap();
        let id = answer["id"].as_str().unwrap().to_owned();
        if op.path == "/v1/uploads" {
            self.uploads.push((id, Vec::new()));
        } else if op.path.ends_with("/parts") {
            let upload = self.uploads.iter_mut().find(|(upload, _)| answer["upload_id"] == upload.as_str());
            upload.unwrap().1.push(id);
        } else {
            self.uploads.retain(|(upload, _)| *upload != id);
        }
    }

    async fn look(&self, server: &Server) -> Option<Vec<Answer>> {
        let mut answers = Vec::new();
        for look in LOOKS {
            answers.push(server.ask(&self.key, &Op::get(look)).await?);
        }
        Some(answers)
    }

    /// Something to do, as it comes.
    fn next_op(&mut self, files: &[String], batches: &[String]) -> Op {
        let rng = &mut self.rng;
        if files.len() > 40 || batches.len() > 60 {
            return Op::new(Method::POST, "/_mock/v1/reset");
        }
        let nothing = "file-1111111111111111111111".to_owned();
        let file = files.choose(rng).unwrap_or(&nothing).clone();
        let nothing = "batch_00000000000000000000000000000000".to_owned();
        let batch = batches.choose(rng).unwrap_or(&nothing).clone();
        match rng.random_range(0..100) {
            0..20 => {
                let n = rng.random_range(1..6);
                let endings = ["", "", "", "~429", "~timeout"];
                let lines: Vec<_> = (0..n)
                    .map(|n| chat(&format!("line-{n}{}", endings.choose(rng).unwrap()), &format!("{n}?")))
                    .collect();
                let mut form = Form::new().field("purpose", "batch");
                if rng.random_ratio(1, 4) {
                    form = form.field("expires_after[anchor]", "created_at");
                    form =
                        form.field("expires_after[seconds]", &rng.random_range(3_600..200_000).to_string());
                }
                Op::upload(&form.file("requests.jsonl", lines.join("\n")))
            }
            20..22 => {
                let new = json!({
                    "purpose": "batch", "filename": "parts.jsonl", "bytes": 400, "mime_type": "text/jsonl",
                });
                Op::post("/v1/uploads", &new)
            }
            22..29 if !self.uploads.is_empty() => {
                let (id, parts) = self.uploads.choose(rng).unwrap();
                if parts.len() >= 2 {
                    // Some are complete too early.
                    let action = ["complete", "complete", "cancel"].choose(rng).unwrap();
                    let named = parts.get(..2).unwrap();
                    return Op::post(format!("/v1/uploads/{id}/{action}"), &json!({"part_ids": named}));
                }
                let line = chat(&format!("part-{}", parts.len()), "?");
                let form = Form::new().part(
                    "Content-Disposition: form-data; name=\"data\"; filename=\"blob\"",
                    format!("{line:<199}\n"),
                );
                let content_type = Some(Form::content_type());
                let path = format!("/v1/uploads/{id}/parts");
                Op { content_type, body: form.body(), ..Op::new(Method::POST, path) }
            }
            22..25 => {
                let bytes: Vec<u8> = (0..rng.random_range(0..400_000)).map(|_| b'x').collect();
                Op::upload(&Form::new().field("purpose", "evals").file("größer.bin", bytes))
            }
            25..29 => Op::upload(&Form::new().field("purpose", "batch").file("prose.jsonl", "no JSON")),
            29..45 => {
                let mut new = new_batch(&file, "/v1/chat/completions");
                if rng.random() {
                    new["metadata"] = json!({"z": "1", "a": rng.random_range(0..1000).to_string()});
                }
                if rng.random_ratio(1, 4) {
                    let seconds = rng.random_range(3_600..200_000);
                    new["output_expires_after"] = json!({"anchor": "created_at", "seconds": seconds});
                }
                Op::post("/v1/batches", &new)
            }
            45..52 => Op::new(Method::DELETE, format!("/v1/files/{file}")),
            52..58 => Op::new(Method::POST, format!("/v1/batches/{batch}/cancel")),
            58..63 => {
                let status = ["completed", "failed", "expired", "cancelled"].choose(rng).unwrap();
                Op::post(format!("/_mock/v1/batches/{batch}/ending"), &json!({"status": status}))
            }
            63..70 => {
                let by = format!("{}s", rng.random_range(0..100_000));
                Op::post("/_mock/v1/clock/advance", &json!({"by": by}))
            }
            70..76 => Op::post("/_mock/v1/clock/advance", &json!({"until": "next_change"})),
            76..92 => Op::get(format!("/v1/batches/{batch}")),
            92..94 => {
                let mode = ["frozen", "stepping"].choose(rng).unwrap();
                Op { method: Method::PUT, ..Op::post("/_mock/v1/clock", &json!({"mode": mode})) }
            }
            94..95 => Op::new(Method::POST, "/_mock/v1/reset"),
            96..98 => {
                let quotas = json!({
                    "enqueued_tokens": rng.random_range(0..200), "batches_per_hour": rng.random_range(10..1_000),
                });
                Op { method: Method::PUT, ..Op::post(QUOTAS, &quotas) }
            }
            95..96 => Op::new(Method::DELETE, "/v1/models/ft:gpt-4o-mini:acme::1"),
            _ => Op::get(format!("/v1/files/{file}/content")),
        }
    }
}

/// The ids in a list.
fn ids((_, body): &Answer) -> Vec<String> {
    let list: Value = serde_json::from_slice(body).unwrap();
    list["data"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn assert_same(what: &dyn std::fmt::Debug, found: &Answer, expected: &Answer) {
    let text = |(status, body): &Answer| format!("{status}\n{}", String::from_utf8_lossy(body));
    assert!(
        found == expected,
        "{what:?}: the mock says {}\nbut it should say {}",
        text(found),
        text(expected)
    );
}

/// Looks at a world again and again until the mock is killed, and gives the last answer that came.
async fn watch(key: &str, mock: &Server) -> Option<Answer> {
    let mut seen = None;
    for look in LOOKS.iter().cycle() {
        match mock.ask(key, &Op::get(*look)).await {
            None => break,
            answer => seen = answer,
        }
    }
    seen
}

fn arguments(dir: &std::path::Path) -> [String; 10] {
    let start_at = START.to_string();
    ["serve", "--port", "0", "--seed", "7", "--clock", "stepping", "--start-at", &start_at]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("--data-dir={}", dir.display())])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

/// Kills a mock while it starts.
fn kill_at_the_start(dir: &std::path::Path, rng: &mut ChaCha8Rng) {
    let mut command = batchmock(arguments(dir));
    let process = Guarded(command.stderr(std::process::Stdio::null()).spawn().unwrap());
    for _ in 0..rng.random_range(0..30_000) {
        std::thread::yield_now();
    }
    drop(process);
}

#[test]
fn what_was_acknowledged_survives_every_kill_and_what_was_shown_as_well() {
    kill_again_and_again(0);
}

#[test]
fn and_so_it_does_in_another_history() {
    kill_again_and_again(1);
}

#[test]
fn and_in_a_third_one() {
    kill_again_and_again(2);
}

fn kill_again_and_again(history: usize) {
    let n_kills = std::env::var("BATCHMOCK_KILLS").map_or(N_KILLS, |n| n.parse().expect("a number of kills"));
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let mut rng = ChaCha8Rng::seed_from_u64(11 + history as u64);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let model = runtime.block_on(frozen().clock(batchmock::ClockMode::Stepping).start()).unwrap();
    let model: &MockServer = &model;
    let model = Server::new(&model.base_url());
    let mut worlds: Vec<_> = (0..N_WORLDS).map(|n| World::new(history * N_WORLDS + n)).collect();

    for _ in 0..n_kills.div_ceil(N_HISTORIES) {
        if rng.random_ratio(1, 6) {
            kill_at_the_start(&dir, &mut rng);
        }
        let served = Served::start_by(batchmock(arguments(&dir)));
        let mock = Server::new(&served.base_url);
        let (at, spins) = (rng.random_range(1..40), rng.random_range(0..3_000));
        std::thread::scope(|scope| {
            let n_begun = AtomicUsize::new(0);
            let (now, moment) = mpsc::channel();
            let begins = move || {
                if n_begun.fetch_add(1, Ordering::Relaxed) + 1 == at {
                    now.send(()).unwrap();
                }
            };
            let process = &served.process;
            scope.spawn(move || {
                if moment.recv().is_err() {
                    return;
                }
                // The answer is on its way: each turn lets it come a bit further.
                for _ in 0..spins {
                    std::thread::yield_now();
                }
                process.signal(Signal::KILL);
            });
            runtime.block_on(async {
                for world in &mut worlds {
                    world.check(&mock, &model).await;
                }
                let keys: Vec<_> = worlds.iter().map(|world| world.key.clone()).collect();
                let watching = keys.iter().map(|key| watch(key, &mock));
                let working = worlds.iter_mut().map(|world| world.work(&mock, &model, &begins));
                let (_, seen) = futures_util::future::join(
                    futures_util::future::join_all(working),
                    futures_util::future::join_all(watching),
                )
                .await;
                for (world, seen) in worlds.iter_mut().zip(seen) {
                    world.seen = seen;
                }
            });
        });
    }
}
