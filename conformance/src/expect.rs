//! What a case finds, and the checks by which it finds it.
//!
//! A check that fails says what was looked at, what would have been right (alternatives, where there are several), and
//! what was there.

use std::fmt;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::schema;

/// How a case ends: well, or before its end.
pub type Outcome<T = ()> = Result<T, Stop>;

/// Why a case ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The server does not do what is required.
    Failed(Mismatch),
    /// What was to be judged was never reached: a step before it was refused, or took too long.
    NotReached(String),
    /// The server says that it does not offer what the case is about.
    NotOffered(String),
    /// The suite is at fault, or what it was told.
    Broken(String),
    /// The case is put down, and is gone on with later.
    Later,
}

/// What was expected, and what was there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mismatch {
    /// What was looked at.
    pub what: String,
    /// What would have been right: one of these.
    pub expected: Vec<String>,
    /// What was there.
    pub actual: String,
    /// The exchange in which it was seen, by its place in the record.
    pub exchange: Option<usize>,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) place: Place,
}

/// Where something was seen.
#[derive(Debug, Clone)]
pub struct Place {
    /// `POST /batches`.
    pub(crate) asked: String,
    pub(crate) exchange: Option<usize>,
}

/// A JSON value, and where it was seen. Members are named by JSON pointers, such as `/request_counts/total`.
#[derive(Debug, Clone)]
pub struct Body {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}; found: {}", self.what, self.expected.join(" or "), self.actual)
    }
}

impl Stop {
    /// A step that was needed to get to what is judged: that it failed is not what the case is about.
    #[must_use]
    pub(crate) fn on_the_way(self) -> Self {
        match self {
            Self::Failed(mismatch) => Self::NotReached(mismatch.to_string()),
            other @ (Self::NotReached(_) | Self::NotOffered(_) | Self::Broken(_) | Self::Later) => other,
        }
    }
}

/// For steps on the way to what is judged.
pub(crate) trait OnTheWay {
    /// That this failed is not what the case is about: it was not reached.
    #[must_use]
    fn on_the_way(self) -> Self;
}

impl<T> OnTheWay for Outcome<T> {
    fn on_the_way(self) -> Self {
        self.map_err(Stop::on_the_way)
    }
}

impl Place {
    /// A mismatch that was seen here.
    pub(crate) fn mismatch<T>(
        &self,
        what: impl fmt::Display,
        expected: &[String],
        actual: impl Into<String>,
    ) -> Outcome<T> {
        Err(Stop::Failed(Mismatch {
            what: format!("{what} of {}", self.asked),
            expected: expected.to_vec(),
            actual: actual.into(),
            exchange: self.exchange,
        }))
    }

    /// Holds if `holds`.
    pub(crate) fn check(
        &self,
        holds: bool,
        what: impl fmt::Display,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Outcome {
        if holds { Ok(()) } else { self.mismatch(what, &[expected.into()], actual) }
    }
}

impl Answer {
    /// A header, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The status is this one.
    pub(crate) fn has_status(&self, status: u16) -> Outcome {
        self.has_status_of(&[status])
    }

    /// The status is one of these.
    pub(crate) fn has_status_of(&self, statuses: &[u16]) -> Outcome {
        if statuses.contains(&self.status.as_u16()) {
            return Ok(());
        }
        let expected: Vec<_> = statuses.iter().map(u16::to_string).collect();
        let body = short(&String::from_utf8_lossy(&self.body));
        self.place.mismatch("the status", &expected, format!("{} with {body}", self.status.as_u16()))
    }

    /// The body is JSON.
    pub(crate) fn json(&self) -> Outcome<Body> {
        match serde_json::from_slice(&self.body) {
            Ok(value) => Ok(Body { value, place: self.place.clone() }),
            Err(error) => {
                let actual = format!("{} ({error})", short(&String::from_utf8_lossy(&self.body)));
                self.place.mismatch("the body", &["JSON".to_owned()], actual)
            }
        }
    }

    /// A success, in JSON.
    pub(crate) fn success(&self) -> Outcome<Body> {
        self.has_status(200)?;
        self.json()
    }

    /// A refusal with this status. Gives what stands under `error`, or else the whole.
    ///
    /// In which form it is told is another question: [`in_envelope`](Self::in_envelope).
    pub(crate) fn refusal(&self, status: u16) -> Outcome<Body> {
        self.has_status(status)?;
        Ok(self.error())
    }

    /// What stands under `error`, or the whole body if there is no such thing.
    pub(crate) fn error(&self) -> Body {
        let text = || Value::String(String::from_utf8_lossy(&self.body).into_owned());
        let value: Value = serde_json::from_slice(&self.body).unwrap_or_else(|_| text());
        let value = value.get("error").cloned().unwrap_or(value);
        Body { value, place: self.place.clone() }
    }

    /// An error is told in the envelope of errors. Gives what stands under `error`.
    pub(crate) fn in_envelope(&self) -> Outcome<Body> {
        let body = self.json()?;
        body.text("/error/message")?;
        body.text("/error/type")?;
        Ok(Body { value: body.value["error"].clone(), place: body.place })
    }
}

impl Body {
    /// A member, or null if it is not there.
    pub(crate) fn get(&self, pointer: &str) -> &Value {
        self.value.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// A member is this value.
    pub(crate) fn equals(&self, pointer: &str, expected: impl Into<Value>) -> Outcome {
        self.one_of(pointer, &[expected.into()])
    }

    /// A member is one of these values.
    pub(crate) fn one_of(&self, pointer: &str, expected: &[Value]) -> Outcome {
        if expected.contains(self.get(pointer)) {
            return Ok(());
        }
        let expected: Vec<_> = expected.iter().map(Value::to_string).collect();
        self.mismatch(pointer, &expected)
    }

    /// A member is null, or is not there.
    pub(crate) fn is_unset(&self, pointer: &str) -> Outcome {
        if self.get(pointer).is_null() { Ok(()) } else { self.mismatch(pointer, &["null".to_owned()]) }
    }

    /// A member is a text that is not empty.
    pub(crate) fn text(&self, pointer: &str) -> Outcome<String> {
        match self.get(pointer).as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => self.mismatch(pointer, &["a text".to_owned()]),
        }
    }

    /// A member is a whole number.
    pub(crate) fn integer(&self, pointer: &str) -> Outcome<i64> {
        match self.get(pointer).as_i64() {
            Some(number) => Ok(number),
            None => self.mismatch(pointer, &["a whole number".to_owned()]),
        }
    }

    /// A member is a list.
    pub(crate) fn list(&self, pointer: &str) -> Outcome<Vec<Self>> {
        match self.get(pointer).as_array() {
            Some(items) => {
                Ok(items.iter().map(|item| Self { value: item.clone(), place: self.place.clone() }).collect())
            }
            None => self.mismatch(pointer, &["a list".to_owned()]),
        }
    }

    /// Something holds of a member.
    pub(crate) fn check(&self, pointer: &str, holds: bool, expected: impl Into<String>) -> Outcome {
        if holds { Ok(()) } else { self.mismatch(pointer, &[expected.into()]) }
    }

    /// The whole is as the official document says of answers to an operation.
    pub(crate) fn has_schema_of(&self, operation: &str) -> Outcome {
        let faults = schema::official().faults(operation, &self.value).map_err(Stop::Broken)?;
        match faults.first() {
            None => Ok(()),
            Some(fault) => self.place.mismatch(
                format!("`{}` in the body", fault.place),
                &[format!("what the official document has for `{operation}`")],
                fault.message.clone(),
            ),
        }
    }

    /// The keys at the top, in their order.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    }

    fn mismatch<T>(&self, pointer: &str, expected: &[String]) -> Outcome<T> {
        let actual = match self.value.pointer(pointer) {
            Some(value) => short(&value.to_string()),
            None => format!("not there, in {}", short(&self.value.to_string())),
        };
        let what = if pointer.is_empty() { "the body".to_owned() } else { format!("`{}`", &pointer[1..]) };
        self.place.mismatch(what, expected, actual)
    }
}

/// A text, cut where it is long.
fn short(text: &str) -> String {
    const SHOWN: usize = 300;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "nothing".to_owned(),
        None => text.to_owned(),
    }
}
