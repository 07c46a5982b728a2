//! Query parameters.

use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::{Map, Value};

use super::{ApiError, App};
use crate::arguments::Refusal;

/// The parameters of a query, each at most once. Unknown ones are allowed and without effect (assumed).
#[derive(Debug)]
pub(crate) struct Query(Map<String, Value>);

impl FromRequestParts<App> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let mut parameters = Map::new();
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let earlier = parameters.insert(name.to_string(), Value::String(value.into_owned()));
            if earlier.is_some() {
                return Err(ApiError::duplicate_parameter(&name));
            }
        }
        Ok(Self(parameters))
    }
}

impl Query {
    /// A text, unless it is absent or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A whole number in a range (F-032, F-244).
    pub(super) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let got = Value::from(text);
        let number: i64 = text.parse().map_err(|_| Refusal::wrong_type(name, "an integer", &got))?;
        if number < *range.start() {
            let refusal = Refusal::below_minimum(name, "integer", &(*range.start()).into(), &number.into());
            Err(refusal.into())
        } else if number > *range.end() {
            let refusal = Refusal::above_maximum(name, "integer", &(*range.end()).into(), &number.into());
            Err(refusal.into())
        } else {
            Ok(Some(number))
        }
    }

    /// One of some texts (F-028).
    pub(super) fn choice(
        &self,
        name: &str,
        choices: &[&'static str],
    ) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(Refusal::unsupported_choice(name, text, choices).into()),
        }
    }
}
