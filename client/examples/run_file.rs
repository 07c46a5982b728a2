//! Runs a file of requests and tells how it goes; killed and started again, it goes on where it was.
//!
//! ```sh
//! cargo run -p batchmock-client --example run_file -- requests.jsonl results.jsonl
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is what it is for")]

use std::env;
use std::ops::ControlFlow;

use batchmock_client::{Client, Event};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [input, output] = &arguments[..] else { return Err("usage: run_file INPUT OUTPUT".into()) };
    let client = Client::from_env()?;
    let run = client.run_file(input, output).on_progress(|progress| {
        if let Event::Looked { shown, .. } = progress.event {
            let (done, all) = (progress.done, progress.requests);
            eprintln!("{} is {}: {done} of {all} done", shown.id, shown.status.as_str());
        }
        ControlFlow::Continue(())
    });
    let summary = run.await?;
    println!("{} of {} succeeded", summary.succeeded, summary.requests);
    for (endpoint, usage) in &summary.usage {
        println!("{endpoint}: {} tokens in, {} out", usage.input_tokens, usage.output_tokens);
    }
    Ok(())
}
