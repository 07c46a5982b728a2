//! One request to one endpoint.

use std::error::Error;
use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;

use crate::clock::system_time;
use crate::webhook::{Errand, Outcome, WebhookSignature};

/// How the service calls itself (F-402).
const CALLED: &str = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)";

/// How long ago a request says it was signed if it is to look stale: far more than any tolerance (F-405).
const STALE_SECONDS: i64 = 3_600;

type PlainClient = Client<HttpConnector, Full<Bytes>>;
type SecureClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends requests to endpoints, and to nowhere else: no proxy is asked, and no redirect followed.
///
/// Each request has a connection of its own, so that none depends on what became of one before.
#[derive(Debug)]
pub(super) struct Post {
    plain: PlainClient,
    /// Made when it is first needed: it reads the certificates that the system trusts.
    secure: OnceCell<Result<SecureClient, String>>,
}

impl Default for Post {
    fn default() -> Self {
        let plain = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { plain, secure: OnceCell::new() }
    }
}

impl Post {
    /// Makes an attempt, and tells what became of it.
    pub(super) async fn deliver(&self, errand: &Errand) -> Outcome {
        #[expect(clippy::disallowed_methods, reason = "an endpoint may never answer")]
        let answered = tokio::time::timeout(errand.timeout, self.send(errand)).await;
        match answered {
            Ok(Ok(status)) => Outcome::Answered(status),
            Ok(Err(why)) => Outcome::Failed(why),
            Err(_) => {
                Outcome::Failed(format!("no answer within {}", humantime::format_duration(errand.timeout)))
            }
        }
    }

    async fn send(&self, errand: &Errand) -> Result<u16, String> {
        let request = request(errand, system_time().unix_seconds());
        let is_secure = errand.endpoint.url().scheme_str() == Some("https");
        let answer: Response<_> = if is_secure {
            let secure = self.secure.get_or_init(secure_client).await.as_ref().map_err(Clone::clone)?;
            secure.request(request).await
        } else {
            self.plain.request(request).await
        }
        .map_err(|error| told(&error))?;
        // What else it says is of no interest to the service, either.
        Ok(answer.status().as_u16())
    }
}

/// The request, signed at this time, in seconds of the Unix era (F-402, F-403, F-408).
fn request(errand: &Errand, now: i64) -> Request<Full<Bytes>> {
    let Errand { number: _, endpoint, event, signature, timeout: _ } = errand;
    let body = event.body();
    let timestamp = if *signature == WebhookSignature::Stale { now - STALE_SECONDS } else { now };
    let signed = |body: &str| endpoint.secret().sign(&event.webhook_id, timestamp, body);
    let signature = match signature {
        WebhookSignature::Right | WebhookSignature::Stale => Some(signed(&body)),
        WebhookSignature::Wrong => Some(signed(&format!("{body} "))),
        WebhookSignature::Missing => None,
    };
    let mut request = Request::new(Full::from(body));
    *request.method_mut() = Method::POST;
    request.uri_mut().clone_from(endpoint.url());
    let ascii = |text: &str| HeaderValue::from_str(text).expect("ids, numbers and base64 are ASCII");
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(CALLED));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-id", ascii(&event.webhook_id));
    headers.insert("webhook-timestamp", ascii(&timestamp.to_string()));
    if let Some(signature) = signature {
        headers.insert("webhook-signature", ascii(&signature));
    }
    request
}

/// A client for endpoints of `https`.
async fn secure_client() -> Result<SecureClient, String> {
    let read = || {
        let builder = HttpsConnectorBuilder::new();
        // Named, so that it does not matter which another crate of the program would like better.
        let provider = rustls::crypto::ring::default_provider();
        Ok::<_, io::Error>(
            builder.with_provider_and_native_roots(provider)?.https_only().enable_http1().build(),
        )
    };
    let connector = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
    let connector = connector
        .map_err(|error| format!("the certificates that the system trusts cannot be read: {error}"))?;
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

/// What stands at the end of a chain of errors says most.
fn told(error: &hyper_util::client::legacy::Error) -> String {
    let what = if error.is_connect() { "no connection" } else { "no answer" };
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("{what}: {cause}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::sim::{Seed, Timestamp};
    use crate::webhook::{Event, WebhookEndpoint, WebhookEvent};

    const NOW: i64 = 1_750_287_078;

    fn told_as(signature: WebhookSignature) -> (Vec<String>, String) {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let created_at = Timestamp::from_unix_seconds(NOW - 60);
        let errand = Errand {
            number: 1,
            endpoint: Arc::new(WebhookEndpoint::new("http://localhost:8000/hook?a=b", secret).unwrap()),
            event: Arc::new(Event::new(WebhookEvent::Expired, "batch_1", Seed::new(0), created_at)),
            signature,
            timeout: Duration::from_secs(5),
        };
        let request = request(&errand, NOW);
        assert_eq!((request.method(), request.uri()), (&Method::POST, errand.endpoint.url()));
        let lines = request.headers().iter();
        let lines = lines.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        (lines, errand.event.body())
    }

    #[test]
    fn a_request_has_the_documented_headers() {
        let (headers, body) = told_as(WebhookSignature::Right);
        insta::assert_snapshot!(format!("{}\n\n{body}", headers.join("\n")), @r#"
        user-agent: OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)
        content-type: application/json
        webhook-id: wh_685342aa26b881908ab3ce9d12d4dd2e
        webhook-timestamp: 1750287078
        webhook-signature: v1,rCtVYmk5/Nx4QPWjlcDAHWMeGLtsSKsYLzX9grUP8cw=

        {"object":"event","id":"evt_685342aa0b1481908bb30a5f0d9b27d5","type":"batch.expired","created_at":1750287018,"data":{"id":"batch_1"}}
        "#);
    }

    #[test]
    fn a_signature_is_wrong_stale_or_missing_as_asked() {
        let (right, _) = told_as(WebhookSignature::Right);
        let (wrong, _) = told_as(WebhookSignature::Wrong);
        assert_eq!(right[..4], wrong[..4]);
        assert_eq!(right[4].len(), wrong[4].len());
        assert_ne!(right[4], wrong[4]);
        let (stale, body) = told_as(WebhookSignature::Stale);
        let id = stale[2].strip_prefix("webhook-id: ").unwrap();
        assert_eq!(stale[3], format!("webhook-timestamp: {}", NOW - 3_600));
        let signer = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = signer.sign(id, NOW - 3_600, body.as_bytes()).unwrap();
        assert_eq!(stale[4], format!("webhook-signature: {signature}"));
        let (missing, _) = told_as(WebhookSignature::Missing);
        assert_eq!(missing, right[..4]);
    }
}
