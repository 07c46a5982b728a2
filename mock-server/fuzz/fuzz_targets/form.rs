//! The form of an upload: any bytes, in any pieces, with a boundary.

#![no_main]

use batchmock_fuzz::{must_answer, pieces, split};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((cuts, body)) = split(data) else { return };
    let body: Vec<_> = pieces(body, cuts).into_iter().map(Bytes::copy_from_slice).collect();
    for target in ["/v1/files", "/v1/uploads/upload_none/parts"] {
        must_answer("POST", target, "multipart/form-data; boundary=b", body.clone());
    }
});
