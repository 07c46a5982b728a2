//! Extractors whose refusals are the API's.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};

use super::{ApiError, App, Recorded};
use crate::world::World;

/// The world of the request's key.
#[derive(Debug, Clone)]
pub(crate) struct Account(pub(crate) Arc<World>);

/// What is known of a request of the API before it comes to its route; it stands in its extensions.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Whose it is.
    pub(super) account: Account,
    /// Where it is recorded.
    pub(super) recorded: Recorded,
}

impl FromRequestParts<App> for Account {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let held = || parts.extensions.get::<Held>().map(|held| &held.account);
        if let Some(account) = parts.extensions.get::<Self>().or_else(held) {
            return Ok(account.clone());
        }
        let Some(key) = bearer_key(&parts.headers) else {
            return Err(ApiError::no_key(app.switches().no_key, parts.uri.path()));
        };
        if !app.worlds.config().accepts(&key) {
            return Err(ApiError::incorrect_key(&key));
        }
        app.world(key).await.map(Self)
    }
}

/// The key of a request: a bearer token, or the password of basic authentication (F-001, F-005).
pub(crate) fn bearer_key(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let credentials = credentials.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        Cow::Borrowed(credentials)
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        Cow::Owned(decoded.split_once(':')?.1.to_owned())
    } else {
        return None;
    };
    Some(key).filter(|key| !key.is_empty())
}

/// The id in a path.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl FromRequestParts<App> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Ok(Path(id)) = Path::from_request_parts(parts, app).await {
            return Ok(Self(id));
        }
        // What is no UTF-8 names nothing.
        Err(ApiError::no_such_url(&parts.method, &parts.uri))
    }
}

/// A body that is a JSON object and says so, or says nothing of its type. No body at all is an empty object,
/// of whatever type.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Map<String, Value>);

impl FromRequest<App> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let content_type = request
            .headers()
            .get(CONTENT_TYPE)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .filter(|content_type| !is_json(content_type));
        refuse_encoded(request.headers())?;
        let bytes = whole_body(request, app.worlds.config().limits.json_bytes).await?;
        match content_type {
            Some(got) if !bytes.is_empty() => {
                Err(ApiError::unsupported_content_type("application/json", &got))
            }
            Some(_) | None => object(&bytes).map(Self),
        }
    }
}

/// A body that is a JSON object, whatever its content type says: what `curl -d` sends has a wrong one. No body
/// at all is an empty object.
#[derive(Debug)]
pub(crate) struct UntypedJsonBody(pub(crate) Map<String, Value>);

impl FromRequest<App> for UntypedJsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &App) -> Result<Self, ApiError> {
        refuse_encoded(request.headers())?;
        let bytes = whole_body(request, MAX_UNTYPED).await?;
        object(&bytes).map(Self)
    }
}

/// How long a body of the control API may be: there is never much to say.
const MAX_UNTYPED: usize = 2 * 1024 * 1024;

/// Refuses a body that is compressed, or encoded in another way.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<(), ApiError> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match encoding {
        Some(encoding) if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") => {
            Err(ApiError::unsupported_encoding(&encoding))
        }
        Some(_) | None => Ok(()),
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(bytes).map_err(|_| ApiError::no_json())
}

/// Whether a content type is JSON: `application/json`, with or without parameters, or another type built on it.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The bytes of a body, if there are not too many.
async fn whole_body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        let error = error.into_inner();
        if error.is::<LengthLimitError>() { ApiError::too_long() } else { ApiError::unreadable_body(&*error) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(authorization: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        bearer_key(&headers).map(Cow::into_owned)
    }

    #[test]
    fn a_key_is_a_bearer_token_or_a_password() {
        assert_eq!(key("Bearer sk-any").as_deref(), Some("sk-any"));
        assert_eq!(key("bearer  sk-any ").as_deref(), Some("sk-any"));
        assert_eq!(key("Basic OnNrLWFueQ==").as_deref(), Some("sk-any"));
    }

    #[test]
    fn anything_else_is_no_key() {
        for authorization in ["", "Bearer", "Bearer ", "Basic !", "Basic OnNr", "Digest x", "sk-any"] {
            let expected = (authorization == "Basic OnNr").then(|| "sk".to_owned());
            assert_eq!(key(authorization), expected, "{authorization}");
        }
        assert_eq!(bearer_key(&HeaderMap::new()), None);
    }

    #[test]
    fn json_is_told_by_its_type_in_any_case_and_with_parameters() {
        for content_type in
            ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/ld+json"]
        {
            assert!(is_json(content_type), "{content_type}");
        }
        for content_type in ["", "text/json", "application/x-www-form-urlencoded", "application/jsonl"] {
            assert!(!is_json(content_type), "{content_type}");
        }
    }
}
