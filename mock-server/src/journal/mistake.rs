//! Mistakes of clients. They leave a note here, and never a trace in an answer: the real service says nothing of them
//! either.

use super::Note;
use super::exchange::{Arrival, Exchange};
use crate::nearest::nearest;
use crate::operation::Operation;
use crate::sim::Timestamp;

/// What a client did wrong, or need not have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// What a language writes for nothing stands where an id should: `None`, `null`, `undefined`, an empty text.
    NoId { what: &'static str, id: String },
    /// There is no such path, but one that is much like it.
    UnknownRoute { asked: String, nearest: String },
    /// There is such a path, but not with this method.
    WrongMethod { method: String, path: String, methods: &'static str },
    /// A batch is polled after the client has been told that it has ended.
    PollAfterEnd { batch_id: String, told_by: u64 },
    /// A file is downloaded that the client has.
    DownloadedAgain { file_id: String, got_by: u64 },
    /// A batch is created like one that has not ended.
    TwinBatch { batch_id: String, twin_of: String, input_file_id: String },
}

/// Which paths there are, with something in braces for each id, and the methods of each.
const ROUTES: [(&str, &str); 17] = [
    ("/v1/files", "GET, POST"),
    ("/v1/files/{id}", "GET, DELETE"),
    ("/v1/files/{id}/content", "GET"),
    ("/v1/uploads", "POST"),
    ("/v1/uploads/{id}/parts", "POST"),
    ("/v1/uploads/{id}/complete", "POST"),
    ("/v1/uploads/{id}/cancel", "POST"),
    ("/v1/batches", "GET, POST"),
    ("/v1/batches/{id}", "GET"),
    ("/v1/batches/{id}/cancel", "POST"),
    ("/v1/models", "GET"),
    ("/v1/models/{id}", "GET, DELETE"),
    ("/v1/chat/completions", "POST"),
    ("/v1/completions", "POST"),
    ("/v1/embeddings", "POST"),
    ("/v1/responses", "POST"),
    ("/v1/moderations", "POST"),
];

/// How much a path must be like one that there is for it to be a typing error: as `strsim::jaro_winkler` tells it.
/// `/v1/batch` for `/v1/batches` has 0.96, `/v1/assistants` for anything less than 0.9.
const TYPING_ERROR: f64 = 0.92;

impl Mistake {
    /// The name of each mistake, as notes have it.
    pub(crate) const SLUGS: [&str; 6] =
        ["no-id", "unknown-route", "wrong-method", "poll-after-end", "downloaded-again", "twin-batch"];

    /// What is wrong with a request at first sight.
    pub(super) fn of_request(arrival: &Arrival) -> Option<Self> {
        if arrival.operation == Operation::Unknown { Self::of_route(arrival) } else { Self::of_id(arrival) }
    }

    /// What is wrong with what a request brought.
    pub(super) fn of_body(exchange: &Exchange) -> Option<Self> {
        if exchange.arrival().operation != Operation::CreateBatch {
            return None;
        }
        let json = exchange.request_json()?;
        let id = json.get("input_file_id")?;
        let id = id.as_str().unwrap_or(if id.is_null() { "null" } else { return None });
        is_nothing(id).then(|| Self::NoId { what: "input file", id: id.to_owned() })
    }

    fn of_id(arrival: &Arrival) -> Option<Self> {
        let id = arrival.id().filter(|id| is_nothing(id))?;
        Some(Self::NoId { what: named(arrival.operation), id: id.to_owned() })
    }

    fn of_route(arrival: &Arrival) -> Option<Self> {
        let (method, path) = (&*arrival.method, &*arrival.path);
        // An id that is empty leaves the slash before it.
        for (room, what) in [("/v1/batches/", "batch"), ("/v1/files/", "file"), ("/v1/uploads/", "upload")] {
            if path == room {
                return Some(Self::NoId { what, id: String::new() });
            }
        }
        if let Some((_, methods)) = ROUTES.iter().find(|(route, _)| filled(route, path) == path) {
            let (method, path) = (method.to_owned(), path.to_owned());
            return Some(Self::WrongMethod { method, path, methods });
        }
        // Slashes that are doubled, a version that is missing or doubled: what comes of joining texts.
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let rest =
            segments.iter().skip_while(|segment| **segment == "v1").copied().collect::<Vec<_>>().join("/");
        if rest.is_empty() {
            return None;
        }
        let joined = format!("/v1/{rest}");
        let routes: Vec<String> = ROUTES.iter().map(|(route, _)| filled(route, &joined)).collect();
        let nearest = nearest(&joined, routes.iter().map(String::as_str))?;
        (strsim::jaro_winkler(nearest, &joined) >= TYPING_ERROR)
            .then(|| Self::UnknownRoute { asked: path.to_owned(), nearest: nearest.to_owned() })
    }

    /// The note that it leaves.
    pub(super) fn note(&self, number: u64, at: Timestamp, exchange: Option<u64>) -> Note {
        let ids = match self {
            Self::NoId { .. } | Self::UnknownRoute { .. } | Self::WrongMethod { .. } => Vec::new(),
            Self::PollAfterEnd { batch_id: id, .. } | Self::DownloadedAgain { file_id: id, .. } => {
                vec![id.clone()]
            }
            Self::TwinBatch { batch_id, twin_of, input_file_id } => {
                vec![batch_id.clone(), twin_of.clone(), input_file_id.clone()]
            }
        };
        Note { number, at, slug: self.slug(), text: self.text(), exchange, ids }
    }

    fn slug(&self) -> &'static str {
        match self {
            Self::NoId { .. } => "no-id",
            Self::UnknownRoute { .. } => "unknown-route",
            Self::WrongMethod { .. } => "wrong-method",
            Self::PollAfterEnd { .. } => "poll-after-end",
            Self::DownloadedAgain { .. } => "downloaded-again",
            Self::TwinBatch { .. } => "twin-batch",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NoId { what, id } => format!(
                "the id of the {what} is `{id}`, which is what a missing value becomes as text: {}",
                match *what {
                    "file" =>
                        "look whether `output_file_id` or `error_file_id` is null before asking for the file",
                    "input file" => "look whether the upload succeeded before creating the batch",
                    _ => "look whether there is an id before asking for what it names",
                }
            ),
            Self::UnknownRoute { asked, nearest } => format!(
                "the API has no path {asked}; {nearest} may be meant{}",
                match asked.strip_prefix("/v1/") {
                    None => ": the base URL of a client ends with /v1",
                    Some(rest) if rest.starts_with("v1/") => ": the base URL of a client has the only /v1",
                    Some(_) => "",
                }
            ),
            Self::WrongMethod { method, path, methods } => {
                format!("the API has no {method} for {path}; there is {methods}")
            }
            Self::PollAfterEnd { batch_id, told_by } => format!(
                "{batch_id} has ended, and entry {told_by} said so: an ended batch never changes, so polling can stop"
            ),
            Self::DownloadedAgain { file_id, got_by } => format!(
                "{file_id} was downloaded whole by entry {got_by}: files never change, so what came then can be kept"
            ),
            Self::TwinBatch { batch_id, twin_of, input_file_id } => format!(
                "{batch_id} runs the same as {twin_of}, which has not ended: both run all lines of {input_file_id}, \
                 and both are paid for; after an answer that was lost, list the batches before creating one again"
            ),
        }
    }
}

/// Whether an id is what a language writes for nothing.
fn is_nothing(id: &str) -> bool {
    matches!(id.trim(), "" | "\"\"" | "''" | "None" | "null" | "undefined" | "nil" | "NaN")
}

/// What the id in the path of an operation names.
fn named(operation: Operation) -> &'static str {
    use Operation as O;
    match operation {
        O::RetrieveBatch | O::CancelBatch => "batch",
        O::RetrieveFile | O::DeleteFile | O::FileContent => "file",
        O::AddPart | O::CompleteUpload | O::CancelUpload => "upload",
        O::RetrieveModel | O::DeleteModel => "model",
        O::CreateBatch
        | O::ListBatches
        | O::UploadFile
        | O::ListFiles
        | O::CreateUpload
        | O::ListModels
        | O::ChatCompletions
        | O::Completions
        | O::Embeddings
        | O::Responses
        | O::Moderations
        | O::Unknown => "object",
    }
}

/// A route with the id of a path in the place of its own, if the path has something there.
fn filled(route: &str, path: &str) -> String {
    let given: Vec<&str> = path.split('/').collect();
    let segment = |(at, segment): (usize, &str)| match given.get(at) {
        Some(id) if segment == "{id}" && !id.is_empty() => (*id).to_owned(),
        Some(_) | None => segment.to_owned(),
    };
    route.split('/').enumerate().map(segment).collect::<Vec<_>>().join("/")
}
