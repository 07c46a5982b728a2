//! `/clock`

use std::time::{Duration, UNIX_EPOCH};

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::service::refusal;
use super::view::{Advance, Clock};
use crate::arguments::{Arguments, Node, Object, Refusal};
use crate::clock::ClockMode;
use crate::http::{Account, ApiError, App, Json, UntypedJsonBody};
use crate::sim::{Status, Timestamp};
use crate::world::{AdvanceError, AdvanceTo};

/// `GET /clock`
pub(super) async fn show(State(app): State<App>, Account(world): Account) -> Json<Clock> {
    Json::indented_line(Clock::new(world.clock(app.wall())))
}

/// `PUT /clock`: `{"mode": "frozen"}`, and so on for the other modes.
pub(super) async fn set(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Clock>, ApiError> {
    let body = Object::from(&body);
    let body = Arguments::new(&body);
    body.refuse_unknown(&["mode"])?;
    let mode: ClockMode =
        body.required_string("mode")?.parse().map_err(|message| refusal(StatusCode::BAD_REQUEST, message))?;
    Ok(Json::indented_line(Clock::new(world.set_clock_mode(app.wall(), mode))))
}

/// `POST /clock/advance`: answers when everything due has happened, and says what happened.
pub(super) async fn advance(
    State(app): State<App>,
    Account(world): Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Advance>, ApiError> {
    let target = target(&body)?;
    match world.advance(app.wall(), &target) {
        Ok(advanced) => Ok(Json::indented_line(Advance::new(advanced))),
        Err(error) => Err(advance_error(&error, &target)),
    }
}

/// Reads `{"by": "26h"}`, `{"to": 1700000000}`, `{"to": "2026-01-01T00:00:00Z"}`, `{"until": "next_change"}`
/// or `{"until": {"batch_id": "…", "status": "completed"}}`.
fn target(body: &Map<String, Value>) -> Result<AdvanceTo, ApiError> {
    const FORMS: &str = "give exactly one of 'by', 'to' and 'until'";
    let body = Object::from(body);
    let arguments = Arguments::new(&body);
    arguments.refuse_unknown(&["by", "to", "until"])?;
    let (name, value) = match body.iter().next() {
        Some((name, value)) if body.len() == 1 => (name, value),
        _ => return Err(refusal(StatusCode::BAD_REQUEST, FORMS.to_owned())),
    };
    match name {
        "by" => Ok(AdvanceTo::By(duration("by", value)?)),
        "to" => Ok(AdvanceTo::Time(time(value)?)),
        _ => match value {
            Node::String(text) if text == "next_change" => Ok(AdvanceTo::NextChange),
            Node::Object(_) => {
                let until = arguments.required_object("until")?;
                until.refuse_unknown(&["batch_id", "status"])?;
                let status = until.required_string("status")?;
                let status = Status::from_word(status).ok_or_else(|| {
                    Refusal::unsupported_choice("until.status", status, &Status::ALL.map(Status::as_str))
                })?;
                Ok(AdvanceTo::Status(until.required_string("batch_id")?.to_owned(), status))
            }
            Node::Null | Node::Bool(_) | Node::Number(_) | Node::String(_) | Node::Array(_) => {
                Err(Refusal::wrong_type("until", "'next_change' or an object", value).into())
            }
        },
    }
}

/// Reads a duration, in words or as a number of seconds.
pub(super) fn duration(name: &str, value: &Node<'_>) -> Result<Duration, ApiError> {
    match value {
        Node::String(text) => humantime::parse_duration(text).map_err(|error| {
            let message =
                format!("'{name}' is no duration: {error}; write it like `90s`, `10m`, `26h` or `1h 30m`");
            refusal(StatusCode::BAD_REQUEST, message)
        }),
        Node::Number(seconds) => seconds
            .as_f64()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| refusal(StatusCode::BAD_REQUEST, format!("'{name}' cannot be {seconds} seconds"))),
        Node::Null | Node::Bool(_) | Node::Array(_) | Node::Object(_) => {
            Err(Refusal::wrong_type(name, "a duration such as '26h', or a number of seconds", value).into())
        }
    }
}

fn time(value: &Node<'_>) -> Result<Timestamp, ApiError> {
    let wrong = |message| refusal(StatusCode::BAD_REQUEST, message);
    match value {
        Node::String(text) => {
            let time = humantime::parse_rfc3339_weak(text).map_err(|error| {
                wrong(format!("'to' is no time: {error}; write it like `2026-01-31T12:00:00Z`"))
            })?;
            let since_epoch =
                time.duration_since(UNIX_EPOCH).map_err(|_| wrong("'to' is before 1970".to_owned()))?;
            Ok(Timestamp::from_unix_millis(0) + since_epoch)
        }
        Node::Number(seconds) => seconds
            .as_i64()
            .map(Timestamp::from_unix_seconds)
            .ok_or_else(|| wrong(format!("'to' is {seconds}; as a number it counts whole Unix seconds"))),
        Node::Null | Node::Bool(_) | Node::Array(_) | Node::Object(_) => {
            Err(Refusal::wrong_type("to", "a time in RFC 3339 or in Unix seconds", value).into())
        }
    }
}

fn advance_error(error: &AdvanceError, target: &AdvanceTo) -> ApiError {
    let conflict = |message| refusal(StatusCode::CONFLICT, message);
    match error {
        AdvanceError::Backwards(now) => {
            let (seconds, millis) = (now.unix_seconds(), now.unix_millis().rem_euclid(1000));
            conflict(format!(
                "a clock does not go back: it shows {now}, in Unix seconds {seconds}.{millis:03}"
            ))
        }
        AdvanceError::NothingToCome => {
            conflict("nothing will change by itself: every batch has ended".to_owned())
        }
        AdvanceError::NoSuchBatch => match target {
            AdvanceTo::Status(id, _) => ApiError::no_such_batch(id),
            AdvanceTo::By(_) | AdvanceTo::Time(_) | AdvanceTo::NextChange => ApiError::no_such_batch(""),
        },
        AdvanceError::Never(last) => {
            conflict(format!("the batch will not have that status: its last one is '{}'", last.as_str()))
        }
        AdvanceError::TooFar => conflict(format!("a clock goes no further than {}", Timestamp::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<AdvanceTo, ApiError> {
        target(body.as_object().expect("the tests send objects"))
    }

    proptest! {
        #[test]
        fn any_text_is_a_duration_or_a_time_or_is_refused(
            any: String,
            duration in "([0-9]{1,22} ?(ns|us|ms|s|m|min|h|d|w|M|y)? ?){0,4}",
            time in "[0-9]{1,5}-[0-9]{1,2}-[0-9]{1,2}[T ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\\.[0-9]{0,12})?Z?",
        ) {
            for text in [any, duration, time] {
                for body in [json!({"by": text}), json!({"to": text}), json!({"until": text}), json!({&text: text})] {
                    let _ = read(&body);
                }
                let _ = text.parse::<ClockMode>();
            }
        }

        #[test]
        fn any_number_is_a_duration_or_a_time_or_is_refused(seconds: f64, whole: i64) {
            for number in [json!(seconds), json!(whole)] {
                let _ = read(&json!({"by": number.clone()}));
                let _ = read(&json!({"to": number}));
            }
            let to = AdvanceTo::Time(Timestamp::from_unix_seconds(whole));
            prop_assert_eq!(read(&json!({"to": whole})), Ok(to));
        }
    }
}
