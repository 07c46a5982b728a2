//! Secrets that webhooks are signed with, as Standard Webhooks has it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;
use standardwebhooks::Webhook;

use crate::sim::Seed;

/// What stands before the key of a secret in base64.
const PREFIX: &str = "whsec_";

/// A secret that webhooks are signed with: `whsec_` and a key in base64, or any other text, whose bytes then
/// are the key (F-403).
///
/// ```
/// let secret: batchmock::WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// # Ok::<(), batchmock::WebhookSecretError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

/// Why a text is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebhookSecretError(String);

impl WebhookSecret {
    /// The secret of the endpoints of a server with this seed that are given none.
    pub fn from_seed(seed: u64) -> Self {
        Self::of(Seed::new(seed).named("webhook"))
    }

    /// The secret that follows from a seed.
    pub(crate) fn of(seed: Seed) -> Self {
        let mut key = [0; 32];
        seed.rng().fill_bytes(&mut key);
        Self(format!("{PREFIX}{}", STANDARD.encode(key)))
    }

    /// The whole secret, to be told to who verifies.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// As much of it as anybody may see.
    pub(crate) fn masked(&self) -> String {
        let text = &self.0;
        match text.strip_prefix(PREFIX) {
            // Of 20 characters, 4 give nothing away.
            Some(key) if key.len() >= 20 => format!("{PREFIX}…{}", &key[key.len() - 4..]),
            Some(_) => format!("{PREFIX}…"),
            None => "…".to_owned(),
        }
    }

    /// The header `webhook-signature` (F-402, F-403).
    pub(crate) fn sign(&self, webhook_id: &str, timestamp: i64, body: &str) -> String {
        let key = if self.0.starts_with(PREFIX) {
            Webhook::new(&self.0)
        } else {
            Webhook::from_bytes(self.0.as_bytes().to_vec())
        };
        let signed = key.and_then(|key| key.sign(webhook_id, timestamp, body.as_bytes()));
        signed.expect("the key was read before, and the body is a text")
    }
}

impl FromStr for WebhookSecret {
    type Err = WebhookSecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |message: &str| Err(WebhookSecretError(message.to_owned()));
        let Some(key) = text.strip_prefix(PREFIX) else {
            return if text.is_empty() { wrong("a secret is not empty") } else { Ok(Self(text.to_owned())) };
        };
        match STANDARD.decode(key) {
            Ok(key) if key.is_empty() => wrong("nothing stands after `whsec_`: a key in base64 must"),
            Ok(_) => Ok(Self(text.to_owned())),
            // Not the cause, which would quote the key.
            Err(_) => wrong(
                "what stands after `whsec_` is no base64 with padding; a secret without `whsec_` is taken as \
                 the key itself",
            ),
        }
    }
}

/// Not with the key.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> WebhookSecret {
        text.parse().unwrap()
    }

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // From the specification of Standard Webhooks.
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_without_its_prefix_is_a_key_by_itself() {
        let encoded = format!("whsec_{}", STANDARD.encode("a plain key"));
        assert_eq!(secret("a plain key").sign("wh_1", 1, "{}"), secret(&encoded).sign("wh_1", 1, "{}"));
    }

    #[test]
    fn a_secret_follows_from_a_seed() {
        let made = WebhookSecret::of(Seed::new(7));
        assert_eq!(made, WebhookSecret::of(Seed::new(7)));
        assert_ne!(made, WebhookSecret::of(Seed::new(8)));
        assert_eq!(made.reveal().parse::<WebhookSecret>(), Ok(made));
    }

    #[test]
    fn what_is_no_secret_is_told_so_without_showing_it() {
        for text in ["", "whsec_", "whsec_not base64", "whsec_YQ"] {
            let error = text.parse::<WebhookSecret>().unwrap_err().to_string();
            assert!(!error.contains("not base64") && !error.contains("YQ"), "{error}");
        }
    }

    #[test]
    fn little_of_it_is_shown() {
        assert_eq!(secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").masked(), "whsec_…LaSw");
        assert_eq!(secret("whsec_YWJj").masked(), "whsec_…");
        assert_eq!(secret("a plain key that is long").masked(), "…");
        assert_eq!(format!("{:?}", secret("whsec_YWJj")), "WebhookSecret(..)");
    }
}
