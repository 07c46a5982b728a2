//! A local fake of the OpenAI Files and Batches API, on a clock you control.

mod arguments;
pub mod endpoint;
pub mod responder;
pub mod sim;
