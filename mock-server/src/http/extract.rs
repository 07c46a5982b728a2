//! Extractors whose refusals are the API's.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{ApiError, App};
use crate::world::World;

/// The world of the request's key.
#[derive(Debug, Clone)]
pub(crate) struct Account(pub(crate) Arc<World>);

impl FromRequestParts<App> for Account {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(account) = parts.extensions.get::<Self>() {
            return Ok(account.clone());
        }
        let key = bearer_key(&parts.headers).ok_or_else(|| ApiError::no_key(app.switches().no_key))?;
        if !app.worlds.config().keys.admits(&key) {
            return Err(ApiError::incorrect_key(&key));
        }
        Ok(Self(app.worlds.world(&key, app.wall())))
    }
}

/// The key of a request: a bearer token, or the password of basic authentication (F-001, F-005).
pub(crate) fn bearer_key(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let credentials = credentials.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        credentials.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
        decoded.split_once(':')?.1.to_owned()
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
        let OriginalUri(uri) =
            OriginalUri::from_request_parts(parts, app).await.unwrap_or_else(|never| match never {});
        Err(ApiError::no_such_url(&parts.method, &uri))
    }
}

/// A body that is a JSON object, whatever its content type says. No body at all is an empty object.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Map<String, Value>);

impl FromRequest<App> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| body_error(&rejection))?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|_| ApiError::no_json())
    }
}

fn body_error(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::too_long()
    } else {
        ApiError::broken_body()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(authorization: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        bearer_key(&headers)
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
}
