//! `/journal`

use std::time::Duration;

use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Map, Value};

use super::clock::duration;
use super::har::Har;
use super::journal_view::{Journal, Waited};
use super::service::refusal;
use crate::arguments::{Arguments, Node, Object, Refusal};
use crate::http::{Account, ApiError, App, Json, UntypedJsonBody};
use crate::journal::{EntryKind, JournalFilter, Mistake, Outcome};
use crate::nearest::{nearest, quoted};
use crate::operation::Operation;
use crate::server::until_recorded;
use crate::sim::Status;

/// How many entries an answer has unless it is said, and at most.
const LIMIT: usize = 1_000;
const MOST: i64 = 100_000;

/// How long is waited unless it is said, and at most.
const WAITS_FOR: Duration = Duration::from_secs(10);
const WAITS_AT_MOST: Duration = Duration::from_hours(1);

/// What can be asked for.
const FILTERS: [&str; 7] = ["kind", "operation", "id", "status", "outcome", "note", "since"];

/// `GET /journal`: the oldest entries that match.
pub(super) async fn show(
    State(app): State<App>,
    Account(world): Account,
    uri: Uri,
) -> Result<Json<Journal>, ApiError> {
    let query = query(&uri)?;
    let query = Object::from(&query);
    let asked = Asked::read(&query, &["limit"])?;
    world.settled(app.wall());
    Ok(Json::indented_line(Journal::new(world.journal().excerpt(&asked.filter, asked.limit))))
}

/// `DELETE /journal`: forgets all entries, and shows that there are none.
pub(super) async fn clear(State(app): State<App>, Account(world): Account) -> Json<Journal> {
    // What has happened by now is forgotten as well, also if nobody has seen it.
    world.settled(app.wall());
    world.journal().clear();
    Json::indented_line(Journal::new(world.journal().excerpt(&JournalFilter::default(), 0)))
}

/// `GET /journal/wait`: answers as soon as so many entries match, or when the time is over.
pub(super) async fn wait(
    State(app): State<App>,
    Account(world): Account,
    uri: Uri,
) -> Result<Json<Waited>, ApiError> {
    wait_as_asked(app, Account(world), &query(&uri)?).await
}

/// `POST /journal/wait`: the same, asked with a body.
pub(super) async fn wait_by_body(
    State(app): State<App>,
    account: Account,
    UntypedJsonBody(body): UntypedJsonBody,
) -> Result<Json<Waited>, ApiError> {
    wait_as_asked(app, account, &body).await
}

/// `GET /journal/har`: the exchanges that match, for tools that read HAR.
pub(super) async fn har(
    State(app): State<App>,
    Account(world): Account,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Json<Har>, ApiError> {
    let query = query(&uri)?;
    let query = Object::from(&query);
    let filter = Asked::read(&query, &[])?.filter;
    world.settled(app.wall());
    let excerpt = world.journal().excerpt(&filter, usize::MAX);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    Ok(Json::indented_line(Har::new(host, &excerpt.entries)))
}

async fn wait_as_asked(
    app: App,
    Account(world): Account,
    body: &Map<String, Value>,
) -> Result<Json<Waited>, ApiError> {
    let body = Object::from(body);
    let Asked { filter, limit, n_entries, waits_for } = Asked::read(&body, &["limit", "count", "for"])?;
    drop(body);
    let reached = until_recorded(&app, &world, &filter, n_entries, waits_for).await;
    Ok(Json::indented_line(Waited::new(reached, world.journal().excerpt(&filter, limit))))
}

/// The parameters of a query, those that are numbers as numbers.
fn query(uri: &Uri) -> Result<Map<String, Value>, ApiError> {
    let mut parameters = Map::new();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let is_number = matches!(&*name, "since" | "limit" | "count" | "status");
        let number = value.parse::<i64>().ok().filter(|_| is_number);
        let value = number.map_or_else(|| Value::from(&*value), Value::from);
        if parameters.insert(name.to_string(), value).is_some() {
            return Err(ApiError::duplicate_parameter(&name));
        }
    }
    Ok(parameters)
}

/// What is asked for.
#[derive(Debug)]
struct Asked {
    filter: JournalFilter,
    limit: usize,
    n_entries: usize,
    waits_for: Duration,
}

impl Asked {
    /// Reads the parameters of a filter, and of the others those that are known.
    fn read(asked: &Object<'_>, others: &[&str]) -> Result<Self, ApiError> {
        let known: Vec<&str> = FILTERS.iter().chain(others).copied().collect();
        let arguments = Arguments::new(asked);
        if let Some(unknown) = arguments.unknown(&known).next() {
            return Err(no_such("parameter", unknown, &known));
        }
        let number = |name: &str, range: std::ops::RangeInclusive<i64>| {
            let number = arguments.integer(name, range)?;
            Ok::<_, ApiError>(number.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
        };
        let (status, batch_status) = status(arguments.get("status"))?;
        let filter = JournalFilter {
            kind: word(&arguments, "kind", &EntryKind::ALL, EntryKind::as_str)?,
            operation: word(&arguments, "operation", &Operation::ALL, Operation::name)?,
            id: arguments.string("id")?.map(str::to_owned),
            status,
            outcome: word(&arguments, "outcome", &Outcome::ALL, Outcome::as_str)?,
            batch_status,
            slug: word(&arguments, "note", &Mistake::SLUGS, |slug| slug)?.map(str::to_owned),
            since: number("since", 0..=i64::MAX)?.unwrap_or(0) as u64,
        };
        let waits_for = arguments.get("for").map(|time| duration("for", time)).transpose()?;
        if let Some(too_long) = waits_for.filter(|time| *time > WAITS_AT_MOST) {
            let message = format!("'for' is {too_long:?}: a request waits for {WAITS_AT_MOST:?} at most");
            return Err(refusal(StatusCode::BAD_REQUEST, message));
        }
        Ok(Self {
            filter,
            limit: number("limit", 0..=MOST)?.unwrap_or(LIMIT),
            n_entries: number("count", 0..=i64::MAX)?.unwrap_or(1),
            waits_for: waits_for.unwrap_or(WAITS_FOR),
        })
    }
}

/// A status: that of an answer as a number, or that of a batch as a word.
fn status(asked: Option<&Node<'_>>) -> Result<(Option<u16>, Option<Status>), ApiError> {
    match asked {
        None => Ok((None, None)),
        Some(Node::Number(number)) => {
            let status = number.as_u64().filter(|status| (100..=999).contains(status));
            let status = status.and_then(|status| u16::try_from(status).ok());
            let message =
                || format!("'status' is {number}: as a number it is the status of an answer, such as 429");
            Ok((Some(status.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, message()))?), None))
        }
        Some(Node::String(text)) => match Status::from_word(text) {
            Some(status) => Ok((None, Some(status))),
            None => Err(no_such("status", text, &Status::ALL.map(Status::as_str))),
        },
        Some(other @ (Node::Null | Node::Bool(_) | Node::Array(_) | Node::Object(_))) => {
            let expected = "the status of an answer, such as 429, or of a batch, such as 'completed'";
            Err(Refusal::wrong_type("status", expected, other).into())
        }
    }
}

/// One of some words.
fn word<T: Copy>(
    arguments: &Arguments<'_, '_>,
    name: &str,
    all: &[T],
    word_of: impl Fn(T) -> &'static str,
) -> Result<Option<T>, ApiError> {
    let Some(word) = arguments.string(name)? else { return Ok(None) };
    let found = all.iter().copied().find(|one| word_of(*one) == word);
    let words = || all.iter().copied().map(&word_of).collect::<Vec<_>>();
    found.map(Some).ok_or_else(|| no_such(name, word, &words()))
}

fn no_such(what: &str, word: &str, words: &[&str]) -> ApiError {
    let nearest = nearest(word, words.iter().copied()).unwrap_or_default();
    let all = quoted(words.iter().copied());
    let message = format!("there is no {what} `{word}`; the nearest is `{nearest}`, and there are {all}");
    refusal(StatusCode::BAD_REQUEST, message)
}
