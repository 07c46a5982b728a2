//! What a request asks for, told by its method and path.
//!
//! This knows nothing of accounts, bodies or answers: it names the operation that the routes of `http/mod.rs` would
//! hand a request to, for what looks at requests from outside, as the journal and faults do. A test holds the two to
//! each other.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::endpoint::Endpoint;

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `POST /v1/batches`
    CreateBatch,
    /// `GET /v1/batches/{batch_id}`
    RetrieveBatch,
    /// `GET /v1/batches`
    ListBatches,
    /// `POST /v1/batches/{batch_id}/cancel`
    CancelBatch,
    /// `POST /v1/files`
    UploadFile,
    /// `GET /v1/files`
    ListFiles,
    /// `GET /v1/files/{file_id}`
    RetrieveFile,
    /// `DELETE /v1/files/{file_id}`
    DeleteFile,
    /// `GET /v1/files/{file_id}/content`
    FileContent,
    /// `POST /v1/uploads`
    CreateUpload,
    /// `POST /v1/uploads/{upload_id}/parts`
    AddPart,
    /// `POST /v1/uploads/{upload_id}/complete`
    CompleteUpload,
    /// `POST /v1/uploads/{upload_id}/cancel`
    CancelUpload,
    /// `GET /v1/models`
    ListModels,
    /// `GET /v1/models/{model}`
    RetrieveModel,
    /// `DELETE /v1/models/{model}`
    DeleteModel,
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/moderations`
    Moderations,
    /// Whatever else is asked for: a path that there is not, or a method that a path does not have.
    Unknown,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Batches.
    Batches,
    /// Files.
    Files,
    /// Uploads in parts.
    Uploads,
    /// Models.
    Models,
    /// An answer of a model.
    Inference,
    /// Nothing that there is.
    Nothing,
}

/// What a request asks for, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called<'p> {
    /// The operation.
    pub(crate) operation: Operation,
    /// The id in the path, decoded: of a batch, a file or an upload, or the name of a model.
    pub(crate) id: Option<Cow<'p, str>>,
}

impl Operation {
    /// Every operation, and last what is none.
    pub const ALL: [Self; 22] = [
        Self::CreateBatch,
        Self::RetrieveBatch,
        Self::ListBatches,
        Self::CancelBatch,
        Self::UploadFile,
        Self::ListFiles,
        Self::RetrieveFile,
        Self::DeleteFile,
        Self::FileContent,
        Self::CreateUpload,
        Self::AddPart,
        Self::CompleteUpload,
        Self::CancelUpload,
        Self::ListModels,
        Self::RetrieveModel,
        Self::DeleteModel,
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Responses,
        Self::Moderations,
        Self::Unknown,
    ];

    /// Its name, as rules and the journal write it: `create_batch`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateBatch => "create_batch",
            Self::RetrieveBatch => "retrieve_batch",
            Self::ListBatches => "list_batches",
            Self::CancelBatch => "cancel_batch",
            Self::UploadFile => "upload_file",
            Self::ListFiles => "list_files",
            Self::RetrieveFile => "retrieve_file",
            Self::DeleteFile => "delete_file",
            Self::FileContent => "file_content",
            Self::CreateUpload => "create_upload",
            Self::AddPart => "add_part",
            Self::CompleteUpload => "complete_upload",
            Self::CancelUpload => "cancel_upload",
            Self::ListModels => "list_models",
            Self::RetrieveModel => "retrieve_model",
            Self::DeleteModel => "delete_model",
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Responses => "responses",
            Self::Moderations => "moderations",
            Self::Unknown => "unknown",
        }
    }

    /// The operation of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// What it is about.
    pub(crate) fn subject(self) -> Subject {
        match self {
            Self::CreateBatch | Self::RetrieveBatch | Self::ListBatches | Self::CancelBatch => {
                Subject::Batches
            }
            Self::UploadFile
            | Self::ListFiles
            | Self::RetrieveFile
            | Self::DeleteFile
            | Self::FileContent => Subject::Files,
            Self::CreateUpload | Self::AddPart | Self::CompleteUpload | Self::CancelUpload => {
                Subject::Uploads
            }
            Self::ListModels | Self::RetrieveModel | Self::DeleteModel => Subject::Models,
            Self::ChatCompletions
            | Self::Completions
            | Self::Embeddings
            | Self::Responses
            | Self::Moderations => Subject::Inference,
            Self::Unknown => Subject::Nothing,
        }
    }

    /// What a request asks for: its method in capitals, its path without a query. A request for the head of an answer
    /// asks for the answer.
    pub(crate) fn of<'p>(method: &str, path: &'p str) -> Called<'p> {
        let method = if method == "HEAD" { "GET" } else { method };
        let called = |operation| Called { operation, id: None };
        let unknown = called(Self::Unknown);
        let Some(rest) = path.strip_prefix("/v1/") else { return unknown };
        let (room, rest) = rest.split_once('/').map_or((rest, None), |(room, rest)| (room, Some(rest)));
        match (room, rest) {
            ("models", Some(name)) => Self::of_one(method, name, None, Self::on_a_model),
            ("batches" | "files" | "uploads", Some(rest)) => {
                let (id, action) =
                    rest.split_once('/').map_or((rest, None), |(id, action)| (id, Some(action)));
                let on_one = match room {
                    "batches" => Self::on_a_batch,
                    "files" => Self::on_a_file,
                    _ => Self::on_an_upload,
                };
                Self::of_one(method, id, action, on_one)
            }
            _ => match (method, path) {
                ("GET", "/v1/batches") => called(Self::ListBatches),
                ("POST", "/v1/batches") => called(Self::CreateBatch),
                ("GET", "/v1/files") => called(Self::ListFiles),
                ("POST", "/v1/files") => called(Self::UploadFile),
                ("POST", "/v1/uploads") => called(Self::CreateUpload),
                ("GET", "/v1/models") => called(Self::ListModels),
                ("POST", path) => {
                    Endpoint::from_path(path).and_then(Self::synchronous).map_or(unknown, called)
                }
                _ => unknown,
            },
        }
    }

    /// What is asked of one thing by its id.
    fn of_one<'p>(
        method: &str,
        id: &'p str,
        action: Option<&str>,
        on_one: impl FnOnce(&str, Option<&str>) -> Option<Self>,
    ) -> Called<'p> {
        // What is no UTF-8 names nothing, and nor does what ends with the slash before it; an empty id before another
        // slash is one that nothing has.
        let id = percent_decode_str(id).decode_utf8().ok().filter(|id| !id.is_empty() || action.is_some());
        match on_one(method, action) {
            Some(operation) if id.is_some() => Called { operation, id },
            Some(_) | None => Called { operation: Self::Unknown, id: None },
        }
    }

    fn on_a_batch(method: &str, action: Option<&str>) -> Option<Self> {
        match (method, action) {
            ("GET", None) => Some(Self::RetrieveBatch),
            ("POST", Some("cancel")) => Some(Self::CancelBatch),
            _ => None,
        }
    }

    fn on_a_file(method: &str, action: Option<&str>) -> Option<Self> {
        match (method, action) {
            ("GET", None) => Some(Self::RetrieveFile),
            ("DELETE", None) => Some(Self::DeleteFile),
            ("GET", Some("content")) => Some(Self::FileContent),
            _ => None,
        }
    }

    fn on_an_upload(method: &str, action: Option<&str>) -> Option<Self> {
        match (method, action) {
            ("POST", Some("parts")) => Some(Self::AddPart),
            ("POST", Some("complete")) => Some(Self::CompleteUpload),
            ("POST", Some("cancel")) => Some(Self::CancelUpload),
            _ => None,
        }
    }

    fn on_a_model(method: &str, _: Option<&str>) -> Option<Self> {
        match method {
            "GET" => Some(Self::RetrieveModel),
            "DELETE" => Some(Self::DeleteModel),
            _ => None,
        }
    }

    /// The operation that answers a request for an endpoint at once, if there is one.
    fn synchronous(endpoint: Endpoint) -> Option<Self> {
        match endpoint {
            Endpoint::ChatCompletions => Some(Self::ChatCompletions),
            Endpoint::Completions => Some(Self::Completions),
            Endpoint::Embeddings => Some(Self::Embeddings),
            Endpoint::Responses => Some(Self::Responses),
            Endpoint::Moderations => Some(Self::Moderations),
            Endpoint::ImagesGenerations | Endpoint::ImagesEdits | Endpoint::Videos => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::StatusCode;
    use batchmock_client::types::ErrorBody;
    use tower::ServiceExt as _;

    use super::*;
    use crate::config::Config;
    use crate::control::Guard;
    use crate::http::{self, App};
    use crate::world::Worlds;

    /// A request for each operation, and the id in it.
    const ONE_OF_EACH: [(&str, &str, Operation, Option<&str>); 21] = [
        ("POST", "/v1/batches", Operation::CreateBatch, None),
        ("GET", "/v1/batches/batch_1", Operation::RetrieveBatch, Some("batch_1")),
        ("GET", "/v1/batches", Operation::ListBatches, None),
        ("POST", "/v1/batches/batch_1/cancel", Operation::CancelBatch, Some("batch_1")),
        ("POST", "/v1/files", Operation::UploadFile, None),
        ("GET", "/v1/files", Operation::ListFiles, None),
        ("GET", "/v1/files/file-1", Operation::RetrieveFile, Some("file-1")),
        ("DELETE", "/v1/files/file-1", Operation::DeleteFile, Some("file-1")),
        ("GET", "/v1/files/file-1/content", Operation::FileContent, Some("file-1")),
        ("POST", "/v1/uploads", Operation::CreateUpload, None),
        ("POST", "/v1/uploads/upload_1/parts", Operation::AddPart, Some("upload_1")),
        ("POST", "/v1/uploads/upload_1/complete", Operation::CompleteUpload, Some("upload_1")),
        ("POST", "/v1/uploads/upload_1/cancel", Operation::CancelUpload, Some("upload_1")),
        ("GET", "/v1/models", Operation::ListModels, None),
        ("GET", "/v1/models/org/gpt-4o", Operation::RetrieveModel, Some("org/gpt-4o")),
        ("DELETE", "/v1/models/gpt%204", Operation::DeleteModel, Some("gpt 4")),
        ("POST", "/v1/chat/completions", Operation::ChatCompletions, None),
        ("POST", "/v1/completions", Operation::Completions, None),
        ("POST", "/v1/embeddings", Operation::Embeddings, None),
        ("POST", "/v1/responses", Operation::Responses, None),
        ("POST", "/v1/moderations", Operation::Moderations, None),
    ];

    /// Paths that look like routes.
    const ODD_PATHS: [&str; 24] = [
        "/",
        "/v1",
        "/v1/",
        "/v1/batches/",
        "/v1/batches//cancel",
        "/v1/batches/batch_1/",
        "/v1/batches/batch_1/cancel/",
        "/v1/batches/batch_1/content",
        "/v1/batches/a%2Fb",
        "/v1/batches/%FF",
        "/v1/batches/%FF/cancel",
        "/v1/batches/cancel",
        "/v1/files/",
        "/v1/files//content",
        "/v1/files/content",
        "/v1/files/file-1/content/x",
        "/v1/uploads/upload_1",
        "/v1/uploads/upload_1/content",
        "/v1/models/",
        "/v1/models//",
        "/v1/models/a/b/c",
        "/v1/chat",
        "/v1/images/generations",
        "/V1/batches",
    ];

    #[test]
    fn names_are_read_back() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(Operation::from_name("createBatch"), None);
    }

    #[test]
    fn each_operation_is_told_with_its_id() {
        for (method, path, operation, id) in ONE_OF_EACH {
            assert_eq!(Operation::of(method, path), Called { operation, id: id.map(Cow::from) }, "{path}");
        }
        let told: Vec<_> = ONE_OF_EACH.iter().map(|(_, _, operation, _)| *operation).collect();
        assert_eq!([told, vec![Operation::Unknown]].concat(), Operation::ALL, "each is tried");
    }

    /// Whether the routes have something for a request: neither a path nor a method that they do not know.
    async fn is_routed(app: &App, method: &str, path: &str) -> bool {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer sk-any");
        let request = request.body(Body::empty()).expect("a request");
        let response =
            http::service(app.clone()).oneshot(request).await.unwrap_or_else(|never| match never {});
        let message = response.extensions().get::<ErrorBody>().map(|error| error.message.as_str());
        let is_unknown = message.is_some_and(|message| message.starts_with("Invalid URL ("));
        assert!(!is_unknown || response.status() == StatusCode::NOT_FOUND);
        !is_unknown && response.status() != StatusCode::METHOD_NOT_ALLOWED
    }

    #[tokio::test]
    async fn the_routes_agree_about_what_is_an_operation() {
        let app = App::new(Worlds::new(Config::default()).expect("a directory"), Guard::default());
        let paths = ONE_OF_EACH.iter().map(|(_, path, _, _)| *path).chain(ODD_PATHS);
        let mut n_routed = 0;
        for path in paths {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
                let is_routed = is_routed(&app, method, path).await;
                let called = Operation::of(method, path);
                assert_eq!(called.operation != Operation::Unknown, is_routed, "{method} {path}: {called:?}");
                n_routed += usize::from(is_routed);
            }
        }
        assert!(n_routed > ONE_OF_EACH.len());
    }
}
