//! Query parameters.

use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{ApiError, App};
use crate::arguments::{Node, Refusal};

/// The parameters of a query. One that is read may be there once; unknown ones are without effect (assumed).
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl FromRequestParts<App> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    fn read(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A text, unless it is absent or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() {
            return Err(ApiError::duplicate_parameter(name));
        }
        Ok(value.filter(|text| !text.is_empty()))
    }

    /// A whole number in a range (F-032, F-244).
    pub(crate) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let got = Node::from(text);
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
        let Some(text) = self.text(name)? else { return Ok(None) };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(Refusal::unsupported_choice(name, text, choices).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_query_can_be_read(text: String, odd in "(limit|order|after|[&=%+a-f0-9\\[\\]-]){0,20}") {
            for text in [text, odd] {
                let query = Query::read(&text);
                let limit = query.integer("limit", 1..=100);
                prop_assert!(limit.is_err() || limit.is_ok_and(|limit| limit.is_none_or(|n| (1..=100).contains(&n))));
                let order = query.choice("order", &["asc", "desc"]);
                prop_assert!(order.is_err() || order.is_ok_and(|order| order.is_none_or(|order| order.ends_with("sc"))));
                prop_assert!(query.text("after").is_ok_and(|after| after != Some("")) || text.matches("after").count() > 1);
            }
        }

        #[test]
        fn a_number_comes_back_if_it_is_in_its_range(number: i64) {
            let read = Query::read(&format!("limit={number}")).integer("limit", 0..=1_000_000);
            prop_assert_eq!(read.ok().flatten(), Some(number).filter(|number| (0..=1_000_000).contains(number)));
        }
    }
}
