//! `batchmock-client` as a subject: `batchmock-conformance certify exec -- batchmock-adapter`.
#![expect(clippy::print_stderr, reason = "the other stream is for answers")]

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match batchmock_adapter::drive(batchmock_adapter::Own).await {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("batchmock-adapter: {error}");
            ExitCode::FAILURE
        }
    }
}
