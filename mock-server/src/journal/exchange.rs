//! One exchange: what came, and what became of it.
//!
//! What came is known at once and stays. The rest is filled in by those who know it: the handler says which ids it made
//! ([`Exchange::touched`]), who holds the exchange says what was answered, and the body says how much of it was sent.
//!
//! Most exchanges are polls. So what those do not have stands in boxes of its own, and what they have takes little room; a
//! test (`tests/costs`) says how little.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::entry::{Body, Outcome, ReceivedRequest};
use crate::operation::Operation;
use crate::sim::Timestamp;

/// What is known of a request when it has come.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The time of the world.
    pub(crate) at: Timestamp,
    /// The time of the wall.
    pub(crate) wall: Timestamp,
    pub(crate) method: Cow<'static, str>,
    /// As it was sent, without the query.
    pub(crate) path: Box<str>,
    pub(crate) operation: Operation,
    /// The id in the path.
    pub(crate) id: PathId,
    /// How often an official SDK says that it has tried before.
    pub(crate) retry_count: Option<u32>,
    pub(crate) more: Option<Box<More>>,
}

/// What a poll does not have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    pub(crate) query: Option<Box<str>>,
    pub(crate) content_type: Option<Box<str>>,
    pub(crate) idempotency_key: Option<Box<str>>,
}

/// The id in the path of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PathId {
    /// There is none.
    None,
    /// It is this part of the path: so it takes no room of its own.
    Part(Range<u32>),
    /// It stands there encoded.
    Decoded(Box<str>),
}

/// What came as the body of a request.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    /// How long it was, as far as it came.
    pub(crate) n_bytes: u64,
    /// Its beginning; nothing of forms, which hold files.
    pub(crate) kept: Vec<u8>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) retry_after: Option<Box<str>>,
    pub(crate) content_type: Option<Cow<'static, str>>,
    /// How long the body is, if that is known beforehand.
    pub(crate) n_bytes: Option<u64>,
    /// How many bytes of the body will be kept.
    pub(crate) n_kept: usize,
    /// How long the answer took from the request on.
    pub(crate) took: Duration,
}

/// The `x-request-id` of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestId {
    /// `req_` and this number in 32 hexadecimal digits, as all that the mock makes up.
    Usual([u8; 16]),
    /// What a fault wants.
    Other(Box<str>),
}

/// One exchange, as it goes on.
#[derive(Debug)]
pub(crate) struct Exchange {
    number: u64,
    arrival: Arrival,
    /// What the client says it is.
    user_agent: Option<Arc<str>>,
    course: Mutex<Course>,
}

/// What becomes of an exchange.
#[derive(Debug, Default)]
struct Course {
    /// What it has in common with all that ask the same, once all of it has come.
    sameness: Option<u64>,
    asked_before: u32,
    tells_end: bool,
    outcome: Outcome,
    /// The exchange before that asked the same, as long as the answer is not sent.
    before: Option<Arc<Exchange>>,
    answer: Option<Answer>,
    n_sent: u64,
    sent: Bytes,
    deed: Option<Box<Deed>>,
}

/// What a poll does not do.
#[derive(Debug, Default)]
struct Deed {
    /// What it is about, beside what stands in the path.
    ids: Vec<String>,
    /// The length and the hash of what was uploaded.
    contents: Option<(u64, u64)>,
    request: RequestBody,
    /// The fault that the mock was told to have.
    fault: Option<String>,
}

/// What is known of an exchange when it has been answered.
pub(super) struct Answered<'e> {
    /// What it takes, or will take when its answer has been sent.
    pub(super) n_bytes: usize,
    /// What it has in common with all that ask the same.
    pub(super) sameness: Option<u64>,
    /// The batch of whose end it tells.
    pub(super) told_end_of: Option<&'e str>,
    /// The file that it gives.
    pub(super) gave_file: Option<&'e str>,
}

impl PathId {
    /// The place of an id, as it was read from a path.
    pub(crate) fn new(path: &str, id: Option<&Cow<'_, str>>) -> Self {
        match id {
            None => Self::None,
            Some(Cow::Borrowed(id)) => {
                // Where it was read.
                let at = id.as_ptr().addr().wrapping_sub(path.as_ptr().addr());
                let place = at..at.wrapping_add(id.len());
                let is_there = path.get(place.clone()) == Some(*id);
                match (u32::try_from(place.start), u32::try_from(place.end)) {
                    (Ok(start), Ok(end)) if is_there => Self::Part(start..end),
                    _ => Self::Decoded((*id).into()),
                }
            }
            Some(Cow::Owned(id)) => Self::Decoded(id.as_str().into()),
        }
    }
}

impl Arrival {
    /// The id in the path.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.id {
            PathId::None => None,
            PathId::Part(place) => self.path.get(place.start as usize..place.end as usize),
            PathId::Decoded(id) => Some(id),
        }
    }

    fn text(&self, which: fn(&More) -> &Option<Box<str>>) -> Option<&str> {
        self.more.as_deref().and_then(|more| which(more).as_deref())
    }
}

impl RequestId {
    /// It as a header has it.
    pub(crate) fn new(text: Cow<'_, str>) -> Self {
        Self::usual(&text).map_or_else(|| Self::Other(text.into()), Self::Usual)
    }

    fn usual(text: &str) -> Option<[u8; 16]> {
        let digits = text.strip_prefix("req_").filter(|digits| digits.len() == 32)?.as_bytes();
        let mut number = [0; 16];
        for (byte, pair) in number.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual(number) => write!(f, "req_{:032x}", u128::from_be_bytes(*number)),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// The value of a lower-case hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl Course {
    fn deed(&mut self) -> &mut Deed {
        self.deed.get_or_insert_default()
    }

    fn fault(&self) -> Option<&String> {
        self.deed.as_deref().and_then(|deed| deed.fault.as_ref())
    }

    fn ids(&self) -> &[String] {
        self.deed.as_deref().map_or(&[], |deed| &deed.ids)
    }
}

impl Exchange {
    pub(super) fn new(number: u64, arrival: Arrival, user_agent: Option<Arc<str>>) -> Self {
        Self { number, arrival, user_agent, course: Mutex::default() }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    // Filling in

    /// It is about this as well: something that it names or makes.
    pub(crate) fn touched(&self, id: impl Into<String>) {
        self.course().deed().ids.push(id.into());
    }

    /// Its answer tells that the batch has ended.
    pub(crate) fn tells_end(&self) {
        self.course().tells_end = true;
    }

    /// It brought a file of this length and hash.
    pub(crate) fn brought(&self, n_bytes: u64, hash: u64) {
        self.course().deed().contents = Some((n_bytes, hash));
    }

    /// This fault befell it, of which the answer may say nothing, if there is one.
    pub(crate) fn befell(&self, fault: impl Into<String>) {
        self.course().deed().fault = Some(fault.into());
    }

    /// What its body was, and what is answered; nothing if nobody waits for an answer any more, or if a fault takes the
    /// answer away.
    pub(super) fn answered(&self, request: RequestBody, answer: Option<Answer>) {
        let mut course = self.course();
        if answer.is_none() {
            course.outcome = if course.fault().is_some() { Outcome::BrokenOff } else { Outcome::ClientLeft };
        }
        let contents = course.deed.as_deref().and_then(|deed| deed.contents);
        course.sameness = Some(sameness(&self.arrival, &request, contents));
        course.answer = answer;
        // What was sent stands before what was made of it.
        let ids = ids_in(self.arrival.operation, &request);
        if !ids.is_empty() {
            course.deed().ids.splice(0..0, ids);
        }
        if request.n_bytes > 0 {
            course.deed().request = request;
        }
    }

    /// The same was asked so often before, the last time by this exchange.
    pub(super) fn asked_before(&self, times: u32, before: Option<Arc<Self>>) {
        let mut course = self.course();
        course.asked_before = times;
        course.before = before.filter(|_| course.outcome == Outcome::Pending);
    }

    /// So much of the body of the answer was sent, which begins like this, and it went so.
    ///
    /// What is as it was the last time is kept only once: who polls gets the same again and again.
    pub(super) fn sent(&self, n_sent: u64, mut beginning: Bytes, outcome: Outcome) {
        let mut course = self.course();
        if let Some(before) = course.before.take().map(|before| before.beginning())
            && before == beginning
        {
            beginning = before;
        }
        (course.n_sent, course.sent, course.outcome) = (n_sent, beginning, outcome);
    }

    // Looking

    /// Whether the client has been given the whole answer, as far as the mock can tell.
    pub(super) fn was_sent(&self) -> bool {
        self.outcome() == Outcome::Sent
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.course().outcome
    }

    /// What is known of it, if it has been answered or will not be.
    pub(super) fn when_answered(&self) -> Answered<'_> {
        let course = self.course();
        let id = self.arrival.id();
        let is_download = self.arrival.operation == Operation::FileContent && self.arrival.method != "HEAD";
        let is_good = course.answer.as_ref().is_some_and(|answer| answer.status == 200);
        Answered {
            n_bytes: self.n_bytes_with(&course),
            sameness: course.sameness,
            told_end_of: id.filter(|_| course.tells_end),
            gave_file: id.filter(|_| is_download && is_good),
        }
    }

    /// The beginning of the answer that was sent.
    fn beginning(&self) -> Bytes {
        self.course().sent.clone()
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.course().answer.as_ref().map(|answer| answer.status)
    }

    pub(super) fn is_about(&self, id: &str) -> bool {
        self.arrival.id() == Some(id) || self.course().ids().iter().any(|touched| touched == id)
    }

    /// The JSON of its request, if all of it is kept.
    pub(super) fn request_json(&self) -> Option<Value> {
        let course = self.course();
        let request = &course.deed.as_deref()?.request;
        is_whole(request).then(|| serde_json::from_slice(&request.kept).ok()).flatten()
    }

    /// What it takes, or will take when its answer has been sent.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes_with(&self.course())
    }

    fn n_bytes_with(&self, course: &Course) -> usize {
        let Arrival { path, id, more, .. } = &self.arrival;
        let decoded = match id {
            PathId::Decoded(id) => id.len(),
            PathId::None | PathId::Part(_) => 0,
        };
        let more = more.as_deref().map_or(0, |More { query, content_type, idempotency_key }| {
            [query, content_type, idempotency_key].into_iter().flatten().map(|text| text.len()).sum()
        });
        let deed = course.deed.as_deref().map_or(0, |Deed { ids, contents: _, request, fault }| {
            let ids: usize = ids.iter().map(|id| id.len() + size_of::<String>()).sum();
            ids + request.kept.len() + fault.as_deref().map_or(0, str::len)
        });
        let answer = course.answer.as_ref().map_or(0, |answer| answer.n_kept);
        path.len() + decoded + more + deed + answer
    }

    /// All of it, as it is now.
    pub(super) fn told(&self) -> ReceivedRequest {
        let arrival = &self.arrival;
        let course = self.course();
        let answer = course.answer.as_ref();
        let ids = arrival.id().map(str::to_owned).into_iter().chain(course.ids().iter().cloned()).collect();
        let request = course.deed.as_deref().map(|deed| &deed.request);
        let headers = [
            ("user-agent", self.user_agent.as_deref()),
            ("content-type", arrival.text(|more| &more.content_type)),
            ("idempotency-key", arrival.text(|more| &more.idempotency_key)),
        ];
        ReceivedRequest {
            number: self.number,
            at: arrival.at,
            wall: arrival.wall,
            method: arrival.method.clone().into_owned(),
            path: arrival.path.to_string(),
            query: arrival.text(|more| &more.query).map(str::to_owned),
            operation: arrival.operation,
            ids,
            asked_before: course.asked_before,
            retry_count: arrival.retry_count,
            headers: headers
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?.to_owned())))
                .collect(),
            request: request.map_or_else(Body::default, |request| Body {
                n_bytes: request.n_bytes,
                kept: Bytes::copy_from_slice(&request.kept),
            }),
            contents: course.deed.as_deref().and_then(|deed| deed.contents),
            status: answer.map(|answer| answer.status),
            request_id: answer.and_then(|answer| answer.request_id.as_ref()).map(RequestId::to_string),
            retry_after: answer.and_then(|answer| answer.retry_after.as_deref()).map(str::to_owned),
            content_type: answer.and_then(|answer| answer.content_type.clone()).map(Cow::into_owned),
            fault: course.fault().cloned(),
            took: answer.map(|answer| answer.took),
            outcome: course.outcome,
            answer_bytes: answer.and_then(|answer| answer.n_bytes),
            answer: Body { n_bytes: course.n_sent, kept: course.sent.clone() },
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        // Each change is an assignment.
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What makes two requests the same: method, path, query, and what they bring.
fn sameness(arrival: &Arrival, body: &RequestBody, contents: Option<(u64, u64)>) -> u64 {
    let mut sameness = xxh3_64(arrival.path.as_bytes());
    let mut mix = |bytes: &[u8]| sameness = xxh3_64_with_seed(bytes, sameness);
    mix(arrival.method.as_bytes());
    if let Some(query) = arrival.text(|more| &more.query) {
        mix(query.as_bytes());
    }
    match contents {
        // What stands around a file in a form is another each time.
        Some((n_bytes, hash)) => mix(&[n_bytes.to_le_bytes(), hash.to_le_bytes()].concat()),
        None if body.n_bytes > 0 => {
            mix(&body.n_bytes.to_le_bytes());
            mix(&body.kept);
        }
        None => {}
    }
    sameness
}

fn is_whole(body: &RequestBody) -> bool {
    !body.kept.is_empty() && body.kept.len() as u64 == body.n_bytes
}

/// The ids that the body of a request names.
fn ids_in(operation: Operation, body: &RequestBody) -> Vec<String> {
    let names_some = matches!(operation, Operation::CreateBatch | Operation::CompleteUpload);
    if !names_some || !is_whole(body) {
        return Vec::new();
    }
    let json: Value = serde_json::from_slice(&body.kept).unwrap_or_default();
    let parts = json["part_ids"].as_array().into_iter().flatten();
    std::iter::once(&json["input_file_id"])
        .chain(parts)
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}
