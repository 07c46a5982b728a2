//! A local fake of the OpenAI Files and Batches API, on a clock you control.

pub mod endpoint;
pub mod sim;
