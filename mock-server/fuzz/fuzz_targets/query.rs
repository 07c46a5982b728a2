//! Query strings of the lists, and whole targets.

#![no_main]

use batchmock_fuzz::must_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    for path in ["/v1/files?", "/v1/batches?", "/v1/files/", "/"] {
        must_answer("GET", &format!("{path}{query}"), "text/plain", Vec::new());
    }
});
