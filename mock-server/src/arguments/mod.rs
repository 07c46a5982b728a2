//! Reading the parameters of a JSON body, and refusing them in the service's words.
//!
//! Used wherever a JSON object comes in: by the endpoints that batch lines name, by the batch routes and by
//! the control API.

mod json;
mod reading;
mod refusal;

#[cfg(test)]
pub(crate) use json::any_json;
pub(crate) use json::{Node, Object};
pub(crate) use reading::{Arguments, Place};
pub use refusal::Refusal;
pub(crate) use refusal::type_name;
