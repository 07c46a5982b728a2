//! Asks questions as a batch, and prints each with its answer: the example of the README.
//!
//! ```sh
//! OPENAI_BASE_URL=http://127.0.0.1:7420/v1 OPENAI_API_KEY=sk-any cargo run -p batchmock-client --example ask
//! ```
#![expect(clippy::print_stdout, reason = "it is what it is for")]

use batchmock_client::{Client, Request};

#[tokio::main]
async fn main() -> batchmock_client::Result<()> {
    let client = Client::from_env()?;
    let questions = ["What is 2 + 2?", "Who wrote Faust?"];
    let outcomes = client.run(questions.map(|text| Request::chat("gpt-4o-mini", text))).await?;
    for (question, outcome) in questions.iter().zip(&outcomes) {
        match outcome.text() {
            Some(text) => println!("{question} {text}"),
            None => println!("{question} {:?}", outcome.fate()),
        }
    }
    Ok(())
}
