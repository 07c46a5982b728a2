//! The parts of which a batch is made, each alone: `cargo bench --features internals --bench parts`.
//!
//! For finding out what a change costs where. The figures that are promised are in `figures`.

use std::time::Duration;

use batchmock::endpoint::Endpoint;
use batchmock::internals;
use batchmock::responder::Ending;
use batchmock::sim::{LineFate, Pace, Plan, Seed, Timestamp, Workload};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use serde_json::{Value, json};

/// A full batch.
const LINES: usize = 50_000;

const CREATED_AT: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// Endpoints with a body of the kind that people send to them.
const ENDPOINTS: [Endpoint; 5] = [
    Endpoint::ChatCompletions,
    Endpoint::Completions,
    Endpoint::Embeddings,
    Endpoint::Responses,
    Endpoint::Moderations,
];

fn main() {
    divan::main();
}

fn body(endpoint: Endpoint) -> Value {
    let text = "Tell in one sentence what is remarkable about the number 1729, and for whom. ".repeat(5);
    match endpoint {
        Endpoint::ChatCompletions => json!({
            "model": "gpt-4o-mini", "temperature": 0, "messages": [
                {"role": "system", "content": "You are helpful."}, {"role": "user", "content": text},
            ],
        }),
        Endpoint::Completions => json!({"model": "gpt-3.5-turbo-instruct", "prompt": text}),
        Endpoint::Embeddings => json!({"model": "text-embedding-3-small", "input": text}),
        Endpoint::Responses => json!({"model": "gpt-5-mini", "input": text}),
        Endpoint::Moderations | Endpoint::ImagesGenerations | Endpoint::ImagesEdits | Endpoint::Videos => {
            json!({"model": "omni-moderation-latest", "input": text})
        }
    }
}

fn lines(endpoint: Endpoint, n: usize) -> String {
    let line = |n: usize| json!({"custom_id": format!("line-{n}"), "method": "POST", "url": endpoint.path(), "body": body(endpoint)});
    (0..n).map(|n| line(n).to_string() + "\n").collect()
}

#[divan::bench(args = ENDPOINTS)]
fn scan_a_thousand_lines(bencher: Bencher<'_, '_>, endpoint: Endpoint) {
    let input = lines(endpoint, 1_000);
    bencher
        .counter(BytesCount::of_str(&input))
        .bench(|| internals::scan(black_box(&input).as_bytes().chunks(256 * 1024), usize::MAX));
}

#[divan::bench(args = ENDPOINTS)]
fn read_and_answer_a_request(bencher: Bencher<'_, '_>, endpoint: Endpoint) {
    let body = body(endpoint);
    bencher.bench(|| internals::answer(endpoint, black_box(&body), Ending::Natural));
}

fn workload() -> Workload {
    let fate = |n| if n % 10 == 0 { LineFate::Fails } else { LineFate::Succeeds };
    Workload::Accepted((0..LINES).map(fate).collect())
}

fn plan() -> Plan {
    Plan::new(&workload(), &Pace::QUICK, Seed::new(1), CREATED_AT)
}

#[divan::bench]
fn plan_a_full_batch(bencher: Bencher<'_, '_>) {
    let workload = workload();
    bencher
        .counter(ItemsCount::new(LINES))
        .bench(|| Plan::new(black_box(&workload), &Pace::QUICK, Seed::new(1), CREATED_AT));
}

#[divan::bench]
fn look_at_a_full_batch(bencher: Bencher<'_, '_>) {
    let plan = plan();
    bencher.bench(|| black_box(&plan).observe(&[], CREATED_AT + Duration::from_secs(2)));
}

#[divan::bench]
fn foresee_the_next_change_of_a_full_batch(bencher: Bencher<'_, '_>) {
    let plan = plan();
    bencher.bench(|| black_box(&plan).next_change(&[], CREATED_AT + Duration::from_secs(2)));
}

#[divan::bench]
fn tell_how_each_line_of_a_full_batch_ended(bencher: Bencher<'_, '_>) {
    let plan = plan();
    let last = plan.observe(&[], CREATED_AT + Duration::from_mins(1));
    bencher
        .counter(ItemsCount::new(LINES))
        .bench(|| black_box(&plan).line_ends(&last).map(black_box).for_each(|_| ()));
}
