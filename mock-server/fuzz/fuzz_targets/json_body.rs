//! JSON bodies of the routes that read one.

#![no_main]

use batchmock_fuzz::must_answer;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

const TARGETS: [&str; 8] = [
    "/v1/batches",
    "/v1/uploads",
    "/v1/uploads/upload_none/complete",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/_mock/v1/clock/advance",
    "/_mock/v1/batches/batch_none/ending",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let target = TARGETS[usize::from(*first) % TARGETS.len()];
    must_answer("POST", target, "application/json", vec![Bytes::copy_from_slice(body)]);
});
