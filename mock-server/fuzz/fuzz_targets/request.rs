//! Bodies of batch lines: every endpoint reads or refuses them, and what it reads it answers.

#![no_main]

use batchmock::endpoint::Endpoint;
use batchmock::internals::answer;
use batchmock::responder::Ending;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let Ok(body) = serde_json::from_slice(body) else { return };
    let endings = [Ending::Natural, Ending::Refusal, Ending::Length];
    let ending = endings[usize::from(*first) % endings.len()];
    for endpoint in Endpoint::ALL {
        if let Some(answer) = answer(endpoint, &body, ending) {
            assert!(serde_json::from_slice::<serde_json::Value>(&answer).is_ok());
        }
    }
});
