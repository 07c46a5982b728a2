//! placeholder
pub mod endpoint;
pub mod responder;
