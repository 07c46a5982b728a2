//! What other servers than the real one send in place of what they mean, read as what it means.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, de};
use serde_json::Value;

/// An id that is the empty text is no id: seen for `error_file_id` of a clean batch (F-212).
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.filter(|id| !id.is_empty()))
}

/// A record, or its default where there is `null`.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Metadata whose values are texts; other values are kept as the JSON they are, and what is no object is none.
pub(super) fn metadata<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<IndexMap<String, String>>, D::Error> {
    let Some(Value::Object(pairs)) = Option::<Value>::deserialize(from)? else { return Ok(None) };
    let text = |value| match value {
        Value::String(text) => text,
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    };
    Ok(Some(pairs.into_iter().map(|(key, value)| (key, text(value))).collect()))
}

/// Something that is left out if it has not the form it should have: details that nobody's work depends on.
pub(super) fn if_readable<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}

/// Seconds, which some servers send with a fraction.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    from.deserialize_any(Seconds)
}

/// Seconds or nothing; as [`seconds`].
pub(super) fn optional_seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    struct Wrapped(#[serde(deserialize_with = "seconds")] i64);
    Ok(Option::<Wrapped>::deserialize(from)?.map(|Wrapped(seconds)| seconds))
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unix seconds")
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<i64, E> {
        Ok(seconds)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<i64, E> {
        i64::try_from(seconds).map_err(E::custom)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates")]
    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<i64, E> {
        Ok(seconds as i64)
    }
}
