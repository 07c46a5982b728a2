//! Why something did not work.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::requests::Problem;
use crate::retry::{Failure, FailureKind};

/// What every function of this crate fails with.
///
/// It says what was asked for and what came instead, and never shows a key. What a program may want to know is told
/// by methods; the cause, where there is one, by [`source`](StdError::source).
pub struct Error(Box<Inner>);

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

struct Inner {
    /// Such as `GET /batches/batch_1`.
    asked: Option<String>,
    kind: Kind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

pub(crate) enum Kind {
    /// The client cannot be made as it was told.
    Settings(String),
    /// No connection to this address: nothing was sent.
    Connect(String),
    /// No answer in time.
    Timeout,
    /// The connection broke.
    Transport,
    /// An answer that ended before its end.
    Cut(String),
    /// An answer with an error.
    Refused(Box<Refusal>),
    /// An answer that cannot be read.
    Unreadable(String),
    /// A file of this machine.
    Io(PathBuf),
    /// An input that is not sent, since the service would refuse it.
    Input(Vec<Problem>),
    /// Not ended when the time was over.
    Deadline { batches: Vec<String>, waited: Duration },
    /// The caller wanted no more.
    Stopped,
    /// A journal that cannot be gone on with.
    Journal(String),
    /// A signature that does not hold.
    Signature(&'static str),
}

/// What the service said when it refused.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) should_retry: Option<bool>,
}

impl Error {
    /// Whether too much was asked for in a time; a later attempt can work.
    pub fn is_rate_limit(&self) -> bool {
        self.status() == Some(429) && !self.is_quota()
    }

    /// Whether there is no money or quota left, which no waiting mends.
    pub fn is_quota(&self) -> bool {
        self.status() == Some(429) && self.code().is_some_and(crate::retry::is_permanent_code)
    }

    /// Whether what was asked for is not there, or belongs to another project.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the key is missing, wrong, or not entitled.
    pub fn is_auth(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether no answer came in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::Timeout)
    }

    /// Whether no connection could be made, so that nothing was sent.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.kind, Kind::Connect(_))
    }

    /// Whether an answer broke off.
    pub fn is_cut(&self) -> bool {
        matches!(self.0.kind, Kind::Cut(_))
    }

    /// Whether what was sent may have been done although no answer tells so.
    pub fn is_ambiguous(&self) -> bool {
        match &self.0.kind {
            Kind::Timeout | Kind::Transport | Kind::Cut(_) | Kind::Unreadable(_) => true,
            Kind::Refused(refusal) => refusal.status >= 500,
            Kind::Settings(_)
            | Kind::Connect(_)
            | Kind::Io(_)
            | Kind::Input(_)
            | Kind::Deadline { .. }
            | Kind::Stopped
            | Kind::Journal(_)
            | Kind::Signature(_) => false,
        }
    }

    /// Whether the input was found wrong before anything was sent; see [`problems`](Self::problems).
    pub fn is_input(&self) -> bool {
        matches!(self.0.kind, Kind::Input(_))
    }

    /// Whether the time to wait was over. Nothing is lost: the batches go on, and so can a run.
    pub fn is_deadline(&self) -> bool {
        matches!(self.0.kind, Kind::Deadline { .. })
    }

    /// Whether a callback stopped the run, which can be gone on with.
    pub fn is_stopped(&self) -> bool {
        matches!(self.0.kind, Kind::Stopped)
    }

    /// Whether a journal on the disk does not fit what is asked for.
    pub fn is_journal(&self) -> bool {
        matches!(self.0.kind, Kind::Journal(_))
    }

    /// Whether a file of this machine could not be read or written.
    pub fn is_io(&self) -> bool {
        matches!(self.0.kind, Kind::Io(_))
    }

    /// Whether the client was told something that cannot be, as a base URL that is none.
    pub fn is_settings(&self) -> bool {
        matches!(self.0.kind, Kind::Settings(_))
    }

    /// Whether a webhook is not to be trusted.
    pub fn is_signature(&self) -> bool {
        matches!(self.0.kind, Kind::Signature(_))
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The service's short name of the error, such as `rate_limit_exceeded`.
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// The parameter that the service found at fault.
    pub fn param(&self) -> Option<&str> {
        self.refusal()?.param.as_deref()
    }

    /// What the service said, in its own words.
    pub fn service_message(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.message.as_str())
    }

    /// What the service calls the request; worth naming when asking for help.
    pub fn request_id(&self) -> Option<&str> {
        self.refusal()?.request_id.as_deref()
    }

    /// How long the service asked to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// What is wrong with the input.
    pub fn problems(&self) -> &[Problem] {
        if let Kind::Input(problems) = &self.0.kind { problems } else { &[] }
    }

    /// The batches that had not ended when the time was over.
    pub fn unfinished_batches(&self) -> &[String] {
        if let Kind::Deadline { batches, .. } = &self.0.kind { batches } else { &[] }
    }

    pub(crate) fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { asked: None, kind, source: None }))
    }

    pub(crate) fn asked(mut self, asked: &str) -> Self {
        self.0.asked = Some(asked.to_owned());
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn settings(what: impl Into<String>) -> Self {
        Self::new(Kind::Settings(what.into()))
    }

    pub(crate) fn journal(what: impl Into<String>) -> Self {
        Self::new(Kind::Journal(what.into()))
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::new(Kind::Io(path.to_owned())).because(source)
    }

    /// What reqwest failed with. Its own text has the URL, which may hold more than should be shown.
    pub(crate) fn http(source: reqwest::Error) -> Self {
        let kind = if source.is_builder() {
            Kind::Settings("the request cannot be built".to_owned())
        } else if source.is_connect() {
            Kind::Connect(source.url().map(address).unwrap_or_default())
        } else if source.is_timeout() {
            Kind::Timeout
        } else if source.is_body() || source.is_decode() {
            Kind::Cut("the answer broke off".to_owned())
        } else {
            Kind::Transport
        };
        Self::new(kind).because(source.without_url())
    }

    /// What decides whether another attempt is worth it.
    pub(crate) fn failure(&self) -> Failure {
        let kind = match &self.0.kind {
            Kind::Connect(_) => FailureKind::NotSent,
            Kind::Timeout | Kind::Transport | Kind::Cut(_) => FailureKind::Unanswered,
            Kind::Unreadable(_) => FailureKind::Unreadable,
            Kind::Refused(refusal) => FailureKind::Status(refusal.status),
            Kind::Settings(_)
            | Kind::Io(_)
            | Kind::Input(_)
            | Kind::Deadline { .. }
            | Kind::Stopped
            | Kind::Journal(_)
            | Kind::Signature(_) => FailureKind::Local,
        };
        Failure {
            kind,
            code: self.code().map(str::to_owned),
            retry_after: self.retry_after(),
            should_retry: self.refusal().and_then(|refusal| refusal.should_retry),
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        if let Kind::Refused(refusal) = &self.0.kind { Some(refusal) } else { None }
    }
}

impl Refusal {
    /// Reads the body of a refusal: the envelope of the API, what other servers make of it, or any text.
    pub(crate) fn read_body(&mut self, body: &str) {
        let parsed = serde_json::from_str::<Value>(body).unwrap_or(Value::Null);
        let error = ["error", "detail"].iter().find_map(|key| parsed.get(key)).unwrap_or(&parsed);
        let text = |key: &str| match error.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
        };
        self.code = text("code").filter(|code| !code.is_empty()).or_else(|| text("type"));
        self.param = text("param");
        self.message = text("message")
            .or_else(|| error.as_str().map(str::to_owned))
            .unwrap_or_else(|| shortened(body.trim()));
    }
}

/// Where a URL leads, without what is asked for there.
fn address(url: &reqwest::Url) -> String {
    url.origin().ascii_serialization()
}

/// The beginning of a text, for a message.
pub(crate) fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { asked, kind, source } = &*self.0;
        if let Some(asked) = asked {
            write!(f, "{asked}: ")?;
        }
        match kind {
            Kind::Settings(what) | Kind::Journal(what) | Kind::Cut(what) => f.write_str(what)?,
            Kind::Connect(to) => write!(f, "no connection to {to} could be made")?,
            Kind::Timeout => f.write_str("no answer came in time")?,
            Kind::Transport => f.write_str("the connection broke")?,
            Kind::Unreadable(what) => write!(f, "the answer cannot be read: {what}")?,
            Kind::Refused(refusal) => write!(f, "{refusal}")?,
            Kind::Io(path) => write!(f, "{}", path.display())?,
            Kind::Input(problems) => {
                write!(f, "the input has {} problem(s) and was not sent", problems.len())?;
                for problem in problems.iter().take(5) {
                    write!(f, "; {problem}")?;
                }
                if problems.len() > 5 {
                    f.write_str("; …")?;
                }
            }
            Kind::Deadline { batches, waited } => write!(
                f,
                "not finished after {} s; still running: {}",
                waited.as_secs(),
                if batches.is_empty() { "none yet".to_owned() } else { batches.join(", ") }
            )?,
            Kind::Stopped => f.write_str("stopped by the caller")?,
            Kind::Signature(what) => f.write_str(what)?,
        }
        match source {
            Some(source) => write!(f, ": {}", Chain(&**source)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, ", {code}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// An error and its causes, unless one says again what was said before, or nothing that anybody could want to know.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = String::new();
        let mut next = Some(self.0);
        while let Some(cause) = next {
            let text = cause.to_string();
            next = cause.source();
            // The layers of the HTTP client say first that they are those that failed.
            let is_layer = text == "error sending request" || text.starts_with("client error (");
            if (is_layer && next.is_some()) || (!last.is_empty() && last.contains(&text)) {
                continue;
            }
            write!(f, "{}{text}", if last.is_empty() { "" } else { ": " })?;
            last = text;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        let mut refusal = Refusal { status, request_id: Some("req_1".to_owned()), ..Refusal::default() };
        refusal.read_body(body);
        Error::new(Kind::Refused(Box::new(refusal))).asked("GET /batches/b")
    }

    #[test]
    fn a_refusal_says_what_was_asked_and_what_came() {
        let body = r#"{"error":{"message":"No batch found.","type":"invalid_request_error","param":"id","code":null}}"#;
        let error = refused(404, body);
        assert!(error.is_not_found());
        assert_eq!((error.param(), error.request_id()), (Some("id"), Some("req_1")));
        insta::assert_snapshot!(error, @"GET /batches/b: status 404, invalid_request_error: No batch found. (request req_1)");
    }

    #[test]
    fn bodies_of_other_servers_are_read_as_far_as_they_go() {
        insta::assert_snapshot!(refused(502, "<html>\n  <h1>Bad Gateway</h1>"), @"GET /batches/b: status 502: <html> <h1>Bad Gateway</h1> (request req_1)");
        insta::assert_snapshot!(refused(404, r#"{"detail":"Not Found"}"#), @"GET /batches/b: status 404: Not Found (request req_1)");
        insta::assert_snapshot!(refused(400, r#"{"error":{"code":"invalidPayload","message":"no"}}"#), @"GET /batches/b: status 400, invalidPayload: no (request req_1)");
        insta::assert_snapshot!(refused(500, ""), @"GET /batches/b: status 500 (request req_1)");
    }

    #[test]
    fn an_empty_purse_is_no_rate_limit() {
        let empty = refused(429, r#"{"error":{"code":"insufficient_quota","message":"You exceeded"}}"#);
        assert!(empty.is_quota() && !empty.is_rate_limit());
        let busy = refused(429, r#"{"error":{"code":"rate_limit_exceeded","message":"slow down"}}"#);
        assert!(busy.is_rate_limit() && !busy.is_quota());
    }
}
