//! Rules as people write them: tables of TOML.

use std::time::Duration;

use super::FaultRule;
use super::condition::{Condition, Since, Span};
use super::delivery::{Cut, CutPoint, Dribble, End, Silence};
use super::effect::{Content, Effect, ErrorDetails, ErrorEffect, OwnAnswer, OwnBody, RetryAfter, What};
use super::preset::ErrorPreset;
use crate::answers::{Glob, Turn};
use crate::nearest::{nearest, quoted};
use crate::operation::Operation;
use crate::sim::Status;
use crate::switches::MissingInput;
use crate::toml_reading::{Entry, Table, TomlError};

/// What a rule goes by.
const CONDITION_KEYS: [&str; 12] = [
    "name",
    "operation",
    "nth",
    "every",
    "first",
    "after",
    "times",
    "batch_status",
    "from",
    "until",
    "since",
    "probability",
];

/// What happens: of these a rule has one, or only something that takes long.
const KIND_KEYS: [&str; 6] = ["error", "status", "connection", "stale_by", "vanished", "unseen_input"];

/// What belongs to an error.
const ERROR_KEYS: [&str; 7] = [
    "body",
    "headers",
    "retry_after",
    "retry_after_ms",
    "retry_after_date",
    "retry_after_text",
    "should_retry",
];

/// What belongs to a connection that breaks.
const CONNECTION_KEYS: [&str; 2] = ["cut_after", "hang_for"];

/// What takes long.
const SLOW_KEYS: [&str; 3] = ["delay", "first_byte_after", "dribble"];

/// Every key of a rule, in the order of the documentation.
pub(super) fn keys() -> Vec<&'static str> {
    let kinds = CONDITION_KEYS.into_iter().chain(KIND_KEYS).chain(ERROR_KEYS).chain(CONNECTION_KEYS);
    kinds.chain(["carried_out"]).chain(SLOW_KEYS).collect()
}

/// How a connection breaks, in the words of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    ResetBeforeHeaders,
    ClosedBeforeHeaders,
    LostAcknowledgement,
    ResetAfterHeaders,
    CutBody,
    BrokenChunk,
    Hang,
}

impl Connection {
    const ALL: [(&str, Self); 7] = [
        ("reset_before_headers", Self::ResetBeforeHeaders),
        ("closed_before_headers", Self::ClosedBeforeHeaders),
        ("lost_acknowledgement", Self::LostAcknowledgement),
        ("reset_after_headers", Self::ResetAfterHeaders),
        ("cut_body", Self::CutBody),
        ("broken_chunk", Self::BrokenChunk),
        ("hang", Self::Hang),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, connection)| *connection == self).map_or("", |(name, _)| name)
    }
}

impl FaultRule {
    /// Reads the table of a rule.
    pub(crate) fn from_table(table: Table<'_>) -> Result<Self, TomlError> {
        table.allow_only(&keys())?;
        let reader = Reader { table };
        let name = table.get("name").map(|entry| entry.name()).transpose()?;
        let mut condition = reader.condition()?;
        let effect = reader.effect()?;
        reader.settle_operations(&mut condition, &effect.what)?;
        let written = table.iter().map(|entry| Ok((entry.key().to_owned(), entry.to_value()?)));
        Ok(Self {
            name: name.map(Into::into),
            condition,
            effect,
            written: written.collect::<Result<_, _>>()?,
        })
    }
}

struct Reader<'d> {
    table: Table<'d>,
}

impl<'d> Reader<'d> {
    fn get(&self, key: &str) -> Option<Entry<'d>> {
        self.table.get(key)
    }

    /// Reads the value of a key, if it is there.
    fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Entry<'d>) -> Result<T, TomlError>,
    ) -> Result<Option<T>, TomlError> {
        self.get(key).map(|entry| read(&entry)).transpose()
    }

    /// Refuses keys that cannot stand beside one that is there.
    fn exclude<'k>(&self, key: &str, others: impl IntoIterator<Item = &'k str>) -> Result<(), TomlError> {
        match others.into_iter().filter(|other| *other != key).find_map(|other| self.get(other)) {
            Some(other) => Err(other.refuse(format!("`{}` cannot stand beside `{key}`", other.key()))),
            None => Ok(()),
        }
    }

    // Which requests

    fn condition(&self) -> Result<Condition, TomlError> {
        let count = |key| self.read(key, count);
        let turn = Turn {
            after: count("after")?,
            first: count("first")?,
            every: count("every")?,
            nth: count("nth")?,
        };
        if turn.nth.is_some() {
            self.exclude("nth", ["first", "every"])?;
        }
        let operations = self
            .read("operation", |entry| each(entry)?.iter().map(operations).collect::<Result<Vec<_>, _>>())?;
        let statuses = self.read("batch_status", |entry| {
            let statuses = Status::ALL.map(|status| (status.as_str(), status));
            each(entry)?.iter().map(|entry| entry.choice(&statuses)).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Condition {
            operations: operations.unwrap_or_default().concat(),
            statuses: statuses.unwrap_or_default(),
            span: self.span()?,
            turn,
            times: count("times")?,
            probability: self.read("probability", probability)?,
        })
    }

    fn span(&self) -> Result<Span, TomlError> {
        let since = [("start", Since::Start), ("creation", Since::Creation)];
        let since = self.read("since", |entry| entry.choice(&since))?;
        let (from, until) = (self.read("from", duration)?, self.read("until", duration)?);
        if let (Some(_), None, None, Some(entry)) = (since, from, until, self.get("since")) {
            return Err(
                entry.refuse("`since` says from when `from` and `until` count: give one of them, too")
            );
        }
        if let (Some(from), Some(until), Some(entry)) = (from, until, self.get("until"))
            && until <= from
        {
            return Err(entry.refuse("`until` must be later than `from`"));
        }
        Ok(Span { since: since.unwrap_or_default(), from, until })
    }

    /// Holds what happens against the operations to which it can happen, which are meant if none are named.
    fn settle_operations(&self, condition: &mut Condition, what: &What) -> Result<(), TomlError> {
        use Operation::{
            AddPart, CancelBatch, CancelUpload, CompleteUpload, CreateBatch, DeleteFile, FileContent,
            RetrieveBatch, RetrieveFile,
        };
        let (key, usual, possible): (_, &[_], &[_]) = match what {
            What::Stale(_) => ("stale_by", &[RetrieveBatch], &[RetrieveBatch]),
            What::UnseenInput(_) => ("unseen_input", &[CreateBatch], &[CreateBatch]),
            What::Vanished => (
                "vanished",
                &[RetrieveBatch, CancelBatch],
                &[
                    RetrieveBatch,
                    CancelBatch,
                    RetrieveFile,
                    DeleteFile,
                    FileContent,
                    AddPart,
                    CompleteUpload,
                    CancelUpload,
                ],
            ),
            What::Usual | What::Error(_) | What::Broken { .. } => return Ok(()),
        };
        if condition.operations.is_empty() {
            condition.operations = usual.to_vec();
        }
        let wrong = condition.operations.iter().find(|operation| !possible.contains(operation));
        match (wrong, self.get("operation")) {
            (Some(wrong), Some(entry)) => Err(entry.refuse(format!(
                "`{key}` cannot happen to `{}`; it can to {}",
                wrong.name(),
                quoted(possible.iter().map(|operation| operation.name()))
            ))),
            _ => Ok(()),
        }
    }

    // What happens

    fn effect(&self) -> Result<Effect, TomlError> {
        let what = self.what()?;
        let delay = self.read("delay", duration)?;
        let first_byte_after = self.read("first_byte_after", duration)?;
        let dribble = self.read("dribble", dribble)?;
        match &what {
            What::Usual if delay.is_none() && first_byte_after.is_none() && dribble.is_none() => {
                let keys = quoted(KIND_KEYS.into_iter().chain(SLOW_KEYS));
                return Err(self
                    .table
                    .refuse(format!("a fault needs something that happens: one of {keys}")));
            }
            What::Broken { end: End::Never(silence), .. } => {
                self.exclude("connection", ["first_byte_after", "dribble"])?;
                if matches!(silence, Silence::Hang(_)) {
                    self.exclude("connection", ["delay"])?;
                }
            }
            What::Usual
            | What::Error(_)
            | What::Broken { .. }
            | What::Stale(_)
            | What::Vanished
            | What::UnseenInput(_) => {}
        }
        let is_carried_out = self.is_carried_out(&what)?;
        Ok(Effect { what, is_carried_out, delay, first_byte_after, dribble })
    }

    /// Whether a request is carried out: that can be said of what hides it.
    fn is_carried_out(&self, what: &What) -> Result<bool, TomlError> {
        let Some(entry) = self.get("carried_out") else {
            return Ok(match what {
                What::Usual | What::Stale(_) | What::UnseenInput(_) => true,
                What::Error(_) | What::Vanished => false,
                What::Broken { name, end } => {
                    !matches!(end, End::Never(_)) || *name == Connection::LostAcknowledgement.name()
                }
            });
        };
        let hides_it = match what {
            What::Error(_) => true,
            What::Broken { name, end } => {
                matches!(end, End::Never(_)) && *name != Connection::LostAcknowledgement.name()
            }
            What::Usual | What::Stale(_) | What::Vanished | What::UnseenInput(_) => false,
        };
        if !hides_it {
            return Err(entry.refuse(
                "`carried_out` stands beside `error`, `status`, and a `connection` that gives no answer; of other \
                 faults it is known",
            ));
        }
        yes_or_no(&entry)
    }

    fn what(&self) -> Result<What, TomlError> {
        let Some(kind) = KIND_KEYS.into_iter().find_map(|key| {
            let entry = self.get(key)?;
            // Beside a status, `error` says what is other than usual.
            Some(entry).filter(|_| key != "error" || self.get("status").is_none())
        }) else {
            let others = ERROR_KEYS.into_iter().chain(CONNECTION_KEYS);
            return match others.into_iter().find_map(|key| self.get(key)) {
                Some(entry) => Err(entry.refuse(needs(entry.key()))),
                None => Ok(What::Usual),
            };
        };
        let is_status = kind.key() == "status";
        self.exclude(kind.key(), KIND_KEYS.into_iter().filter(|key| !(is_status && *key == "error")))?;
        if !matches!(kind.key(), "error" | "status") {
            self.exclude(kind.key(), ERROR_KEYS)?;
        }
        if kind.key() != "connection" {
            self.exclude(kind.key(), CONNECTION_KEYS)?;
        }
        match kind.key() {
            "error" => {
                self.exclude("error", ["body"])?;
                self.error(Content::Preset(preset(&kind)?))
            }
            "status" => self.error(Content::Own(self.own_answer(&kind)?)),
            "connection" => self.connection(&kind),
            "stale_by" => duration(&kind).map(What::Stale),
            "vanished" if yes_or_no(&kind)? => Ok(What::Vanished),
            "vanished" => Err(kind.refuse("`vanished` is `true`; without it nothing vanishes")),
            _ => kind
                .choice(&[
                    ("refuses_create", MissingInput::RefusesCreate),
                    ("fails_batch", MissingInput::FailsBatch),
                ])
                .map(What::UnseenInput),
        }
    }

    fn error(&self, content: Content) -> Result<What, TomlError> {
        let headers = match self.get("headers") {
            None => Vec::new(),
            Some(entry) => entry.table()?.iter().map(|entry| header(&entry)).collect::<Result<_, _>>()?,
        };
        let seconds = |entry: &Entry<'_>| entry.integer(0..=i64::MAX).map(i64::unsigned_abs);
        let retry_keys = ["retry_after", "retry_after_ms", "retry_after_date", "retry_after_text"];
        let retry_after = match retry_keys.into_iter().find_map(|key| self.get(key)) {
            None => None,
            Some(entry) => {
                self.exclude(entry.key(), retry_keys)?;
                Some(match entry.key() {
                    "retry_after" => RetryAfter::Seconds(seconds(&entry)?),
                    "retry_after_ms" => RetryAfter::Millis(seconds(&entry)?),
                    "retry_after_date" => RetryAfter::Date(date_ahead(&entry)?),
                    _ => RetryAfter::Text(header_text(&entry)?.to_owned()),
                })
            }
        };
        let should_retry = self.read("should_retry", yes_or_no)?;
        Ok(What::Error(ErrorEffect { content, headers, retry_after, should_retry }))
    }

    fn own_answer(&self, status: &Entry<'_>) -> Result<OwnAnswer, TomlError> {
        let code = u16::try_from(status.integer(200..=599)?).unwrap_or(u16::MAX);
        let body = match (self.get("body"), self.get("error")) {
            (Some(_), Some(error)) => {
                return Err(error.refuse("`error` cannot stand beside `body`"));
            }
            (Some(body), None) if body.as_table().is_some() => OwnBody::Json(body.json()?),
            (Some(body), None) => {
                let text = body.text();
                OwnBody::Text(text.map_err(|_| body.refuse("`body` must be a text, or a table"))?.to_owned())
            }
            (None, _) if code < 400 => {
                return Err(status.refuse("a `status` below 400 needs a `body` beside it"));
            }
            (None, Some(error)) => OwnBody::Error(details(&error)?),
            (None, None) => OwnBody::Error(ErrorDetails::default()),
        };
        Ok(OwnAnswer { status: code, body })
    }

    fn connection(&self, entry: &Entry<'_>) -> Result<What, TomlError> {
        let connection = entry.choice(&Connection::ALL)?;
        if connection != Connection::Hang {
            self.exclude_of_connection(connection, "hang_for")?;
        }
        let cut = |how, usual| {
            Ok::<_, TomlError>(End::Cut(self.read("cut_after", cut_point)?.unwrap_or(usual), how))
        };
        let half = CutPoint::Percent(50);
        let never = |silence| {
            self.exclude_of_connection(connection, "cut_after")?;
            Ok(End::Never(silence))
        };
        let end = match connection {
            Connection::CutBody => cut(Cut::Close, half),
            Connection::BrokenChunk => cut(Cut::BrokenChunk, half),
            Connection::ResetAfterHeaders => cut(Cut::Reset, CutPoint::Bytes(0)),
            Connection::ResetBeforeHeaders | Connection::LostAcknowledgement => never(Silence::Reset),
            Connection::ClosedBeforeHeaders => never(Silence::Close),
            Connection::Hang => never(Silence::Hang(self.read("hang_for", duration)?)),
        }?;
        Ok(What::Broken { name: connection.name(), end })
    }

    fn exclude_of_connection(&self, connection: Connection, key: &str) -> Result<(), TomlError> {
        match self.get(key) {
            Some(entry) => {
                Err(entry
                    .refuse(format!("`{key}` cannot stand beside `connection = \"{}\"`", connection.name())))
            }
            None => Ok(()),
        }
    }
}

fn preset(entry: &Entry<'_>) -> Result<ErrorPreset, TomlError> {
    if entry.as_table().is_some() {
        return Err(entry.refuse("an `error` that is a table needs a `status` beside it"));
    }
    entry.choice(&ErrorPreset::ALL.map(|preset| (preset.name(), preset)))
}

/// What a key belongs to that stands alone.
fn needs(key: &str) -> String {
    match key {
        "body" => "`body` needs a `status` beside it".to_owned(),
        "hang_for" => "`hang_for` needs `connection = \"hang\"` beside it".to_owned(),
        "cut_after" => "`cut_after` needs a `connection` beside it: `cut_body`, `broken_chunk` or \
                        `reset_after_headers`"
            .to_owned(),
        _ => format!("`{key}` needs an `error` or a `status` beside it"),
    }
}

fn count(entry: &Entry<'_>) -> Result<u32, TomlError> {
    Ok(u32::try_from(entry.integer(1..=i64::from(u32::MAX))?).unwrap_or(u32::MAX))
}

fn yes_or_no(entry: &Entry<'_>) -> Result<bool, TomlError> {
    entry.boolean().ok_or_else(|| entry.refuse(format!("`{}` is `true` or `false`", entry.key())))
}

/// One value, or a list of them.
fn each<'d>(entry: &Entry<'d>) -> Result<Vec<Entry<'d>>, TomlError> {
    match entry.items() {
        None => Ok(vec![*entry]),
        Some(items) if items.is_empty() => {
            Err(entry.refuse(format!("`{}` names nothing: leave it out for all", entry.key())))
        }
        Some(items) => Ok(items),
    }
}

/// The operations that a pattern names.
fn operations(entry: &Entry<'_>) -> Result<Vec<Operation>, TomlError> {
    let text = entry.text()?;
    let glob = Glob::new(text).map_err(|error| entry.refuse(error.to_string()))?;
    let named: Vec<_> =
        Operation::ALL.into_iter().filter(|operation| glob.matches(operation.name())).collect();
    if named.is_empty() {
        let all = || Operation::ALL.map(Operation::name);
        let near = nearest(text, all()).unwrap_or_default();
        return Err(entry.refuse(format!(
            "no operation is `{text}`; the nearest is `{near}`, and there are {}",
            quoted(all())
        )));
    }
    Ok(named)
}

fn probability(entry: &Entry<'_>) -> Result<f64, TomlError> {
    entry
        .json()?
        .as_f64()
        .filter(|probability| (0.0..=1.0).contains(probability))
        .ok_or_else(|| entry.refuse("`probability` must be a number from 0 to 1"))
}

fn duration(entry: &Entry<'_>) -> Result<Duration, TomlError> {
    humantime::parse_duration(entry.text()?).map_err(|error| {
        entry.refuse(format!(
            "`{}` is no duration: {error}; write it like `500ms`, `90s` or `1h 30m`",
            entry.key()
        ))
    })
}

/// A duration that a date can be ahead.
fn date_ahead(entry: &Entry<'_>) -> Result<Duration, TomlError> {
    let most = Duration::from_hours(24 * 365 * 100);
    let ahead = duration(entry)?;
    if ahead > most {
        return Err(entry.refuse(format!("`{}` is more than a hundred years", entry.key())));
    }
    Ok(ahead)
}

fn dribble(entry: &Entry<'_>) -> Result<Dribble, TomlError> {
    let table = entry.table()?;
    table.allow_only(&["bytes", "every"])?;
    let (Some(bytes), Some(every)) = (table.get("bytes"), table.get("every")) else {
        return Err(
            entry.refuse("`dribble` needs `bytes`, and `every` so long: `{ bytes = 16, every = \"100ms\" }`")
        );
    };
    Ok(Dribble { bytes: count(&bytes)? as usize, every: duration(&every)? })
}

fn cut_point(entry: &Entry<'_>) -> Result<CutPoint, TomlError> {
    let wrong = || entry.refuse("`cut_after` is a number of bytes, or a part of the body such as `\"50%\"`");
    if let Some(text) = entry.as_text() {
        let percent = text.strip_suffix('%').and_then(|percent| percent.trim().parse().ok());
        return percent.filter(|percent| *percent < 100).map(CutPoint::Percent).ok_or_else(wrong);
    }
    entry.integer(0..=i64::MAX).map(|bytes| CutPoint::Bytes(bytes.unsigned_abs())).map_err(|_| wrong())
}

/// A header, with a value that can be one.
fn header(entry: &Entry<'_>) -> Result<(String, String), TomlError> {
    let name = entry.key();
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(entry.refuse(format!("`{name}` is no name of a header")));
    }
    // How long a body is, and where it ends, is not for a rule to say: a connection breaks by `connection`.
    if ["content-length", "transfer-encoding", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
        return Err(entry.refuse(format!(
            "`{name}` cannot be set: to break an answer there is `connection`, such as `cut_body` or `broken_chunk`"
        )));
    }
    Ok((name.to_owned(), header_text(entry)?.to_owned()))
}

/// A text that can be the value of a header.
fn header_text<'d>(entry: &Entry<'d>) -> Result<&'d str, TomlError> {
    let text = entry.text()?;
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(
            entry.refuse(format!("`{}` cannot be sent: a header has no control characters", entry.key()))
        );
    }
    Ok(text)
}

fn details(entry: &Entry<'_>) -> Result<ErrorDetails, TomlError> {
    let Some(table) = entry.as_table() else {
        return Err(entry.refuse(
            "beside a `status`, `error` is a table with `message`, `type`, `param` and `code`; an error by its name \
             stands alone",
        ));
    };
    table.allow_only(&["message", "type", "param", "code"])?;
    let text = |key| table.get(key).map(|entry| entry.text().map(str::to_owned)).transpose();
    Ok(ErrorDetails {
        message: text("message")?,
        kind: text("type")?,
        param: text("param")?,
        code: text("code")?,
    })
}
