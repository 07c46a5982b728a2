//! Webhooks: whether one comes from the service, and what it tells.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;

use crate::clock::{RealTime, Time as _};
use crate::error::{Error, Kind, Result};

/// By how much the time of a webhook may differ from ours, either way (F-405).
const TOLERANCE: Duration = Duration::from_mins(5);

/// Verifies webhooks with the secret of their endpoint.
///
/// ```
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// use batchmock_client::Webhooks;
///
/// let webhooks = Webhooks::new("whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c=")?;
/// let body = r#"{"id": "evt_1", "type": "batch.completed", "created_at": 1750861078, "data": {"id": "batch_1"}}"#;
/// let headers = HashMap::from([
///     ("webhook-id", "wh_685c059ae39c8190af8c71ed1022a24d"),
///     ("webhook-timestamp", "1750861078"),
///     ("webhook-signature", "v1,nAGWeLKz0TJu+jUnIRT1xAF4cSSkUE3J9b/TAwIGZ5A="),
/// ]);
/// let header = |name: &str| headers.get(name).map(|value| value.to_string());
/// let forged = webhooks.verify_at(body.as_bytes(), header, Duration::from_secs(1_750_861_080));
/// assert!(forged.unwrap_err().is_signature());
/// # Ok::<(), batchmock_client::Error>(())
/// ```
#[derive(Clone)]
pub struct Webhooks {
    key: Vec<u8>,
}

/// What a webhook tells. The batch may have gone further since, and the same can be told twice, and in any order: take
/// it as a reason to look, and the [`delivery_id`](Self::delivery_id) to know what was told before.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebhookEvent {
    /// What the service calls the event.
    pub id: String,
    /// What happened, such as `batch.completed`, `batch.failed`, `batch.expired` or `batch.cancelled` (F-400).
    pub kind: String,
    /// When, in whole Unix seconds.
    pub created_at: i64,
    /// To what: the id of the batch.
    pub object_id: Option<String>,
    /// What the service calls this delivery; the same each time that it is repeated (F-406).
    pub delivery_id: String,
    raw: Box<RawValue>,
}

#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created_at: i64,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    id: Option<String>,
}

impl Webhooks {
    /// Takes a secret: `whsec_` and a key in base64, or any other text, whose bytes are the key (F-403).
    ///
    /// # Errors
    ///
    /// If it is empty, or no base64 follows `whsec_`.
    pub fn new(secret: &str) -> Result<Self> {
        let key = match secret.trim().strip_prefix("whsec_") {
            Some(encoded) => STANDARD
                .decode(encoded)
                .map_err(|_| Error::settings("what follows whsec_ in the webhook secret is not base64"))?,
            None => secret.trim().as_bytes().to_vec(),
        };
        if key.is_empty() {
            return Err(Error::settings("the webhook secret is empty"));
        }
        Ok(Self { key })
    }

    /// What a webhook tells, if it is from the service and from now. `header` gives the value of a header by its name
    /// in small letters; the body is as it came, byte by byte.
    ///
    /// # Errors
    ///
    /// With one that [`is_signature`](Error::is_signature), unless all is well.
    pub fn verify(&self, body: &[u8], header: impl Fn(&str) -> Option<String>) -> Result<WebhookEvent> {
        self.verify_at(body, header, RealTime::default().unix_time())
    }

    /// As [`verify`](Self::verify), with the time given.
    pub fn verify_at(
        &self,
        body: &[u8],
        header: impl Fn(&str) -> Option<String>,
        unix_time: Duration,
    ) -> Result<WebhookEvent> {
        let wrong = |what| Error::new(Kind::Signature(what));
        let id = header("webhook-id").ok_or_else(|| wrong("the webhook has no header webhook-id"))?;
        let time = header("webhook-timestamp")
            .ok_or_else(|| wrong("the webhook has no header webhook-timestamp"))?;
        let signatures = header("webhook-signature")
            .ok_or_else(|| wrong("the webhook has no header webhook-signature"))?;
        let sent: u64 = time.parse().map_err(|_| wrong("the header webhook-timestamp is no number"))?;
        let sent = Duration::from_secs(sent);
        if sent + TOLERANCE < Duration::from_secs(unix_time.as_secs()) {
            return Err(wrong("the webhook is too old"));
        }
        if sent > Duration::from_secs(unix_time.as_secs()) + TOLERANCE {
            return Err(wrong("the webhook is from the future"));
        }
        let mut mac = self.mac();
        for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
            mac.update(part);
        }
        // Several are given while a secret is changed; one is enough (F-404).
        let is_right = signatures.split_ascii_whitespace().any(|signature| {
            let encoded = signature.strip_prefix("v1,").unwrap_or(signature);
            STANDARD.decode(encoded).is_ok_and(|tag| mac.clone().verify_slice(&tag).is_ok())
        });
        if !is_right {
            return Err(wrong("the webhook is not signed with this secret"));
        }
        let unreadable =
            |error: serde_json::Error| Error::new(Kind::Unreadable(format!("the webhook: {error}")));
        let raw: Box<RawValue> = serde_json::from_slice(body).map_err(unreadable)?;
        let parts: Parts = serde_json::from_str(raw.get()).map_err(unreadable)?;
        Ok(WebhookEvent {
            id: parts.id,
            kind: parts.kind,
            created_at: parts.created_at,
            object_id: parts.data.and_then(|data| data.id).filter(|id| !id.is_empty()),
            delivery_id: id,
            raw,
        })
    }
}

impl Webhooks {
    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.key).expect("a key may have any length")
    }
}

impl WebhookEvent {
    /// The JSON, to the letter.
    pub fn raw(&self) -> &str {
        self.raw.get()
    }
}

/// Not with the key.
impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{"id":"evt_1","object":"event","created_at":1,"type":"batch.completed","data":{"id":"batch_1"}}"#;
    const NOW: u64 = 1_750_861_078;

    /// A signature made from the words of the specification, apart from the code under test.
    fn sign(key: &[u8], text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    fn verify(secret: &str, signature: &str, sent: &str, body: &str) -> Result<WebhookEvent> {
        let header = |name: &str| match name {
            "webhook-id" => Some("wh_1".to_owned()),
            "webhook-timestamp" => Some(sent.to_owned()),
            "webhook-signature" => Some(signature.to_owned()),
            _ => None,
        };
        Webhooks::new(secret)?.verify_at(body.as_bytes(), header, Duration::from_secs(NOW))
    }

    #[test]
    fn what_is_signed_is_told() {
        let signature = sign(b"key", &format!("wh_1.{NOW}.{BODY}"));
        for given in [format!("v1,{signature}"), signature.clone(), format!("v1,AAAA v1,{signature} v2,x")] {
            let event = verify("whsec_a2V5", &given, &NOW.to_string(), BODY).unwrap();
            assert_eq!(
                (event.kind.as_str(), event.object_id.as_deref()),
                ("batch.completed", Some("batch_1"))
            );
            assert_eq!((event.delivery_id.as_str(), event.raw()), ("wh_1", BODY));
        }
        verify("key", &signature, &NOW.to_string(), BODY).unwrap();
    }

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the standard's own documentation.
        let webhooks = Webhooks::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let header = |name: &str| {
            Some(match name {
                "webhook-id" => "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
                "webhook-timestamp" => "1614265330".to_owned(),
                _ => "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned(),
            })
        };
        let at = Duration::from_secs(1_614_265_330);
        let error = webhooks.verify_at(br#"{"test": 2432232314}"#, header, at).unwrap_err();
        // The signature holds; the body is no event.
        assert!(!error.is_signature(), "{error}");
    }

    #[test]
    fn what_is_not_signed_is_refused() {
        let signed = |sent: &str| sign(b"key", &format!("wh_1.{sent}.{BODY}"));
        let now = NOW.to_string();
        let refused = |secret, signature: &str, sent: &str, body| {
            verify(secret, signature, sent, body).unwrap_err().to_string()
        };
        assert!(refused("other", &signed(&now), &now, BODY).contains("not signed"));
        assert!(refused("key", &signed(&now), &now, "{}").contains("not signed"));
        assert!(refused("key", "", &now, BODY).contains("not signed"));
        assert!(refused("key", &signed("soon"), "soon", BODY).contains("no number"));
        let at = |seconds: u64| seconds.to_string();
        assert!(refused("key", &signed(&at(NOW - 301)), &at(NOW - 301), BODY).contains("too old"));
        assert!(refused("key", &signed(&at(NOW + 301)), &at(NOW + 301), BODY).contains("future"));
        verify("key", &signed(&at(NOW - 300)), &at(NOW - 300), BODY).unwrap();
        verify("key", &signed(&at(NOW + 300)), &at(NOW + 300), BODY).unwrap();
        assert!(Webhooks::new("whsec_?").is_err() && Webhooks::new(" ").is_err());
    }
}
