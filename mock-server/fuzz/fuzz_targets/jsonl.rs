//! The input of a batch: any bytes, and what is found in them does not depend on the pieces they come in.

#![no_main]

use batchmock::internals::scan;
use batchmock_fuzz::{pieces, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cuts, input)) = split(data) else { return };
    for max_line in [16, 100_000] {
        assert_eq!(scan(pieces(input, cuts), max_line), scan([input], max_line));
    }
});
