//! The secret of an endpoint, and what is signed with it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A secret that webhooks are signed with: `whsec_` and a key in base64, or any other text, whose bytes then are the key
/// (F-403).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    key: Vec<u8>,
}

/// Why a text is no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is no key in it.
    #[error("the secret has no key: write `whsec_` and a key in base64, as the server showed it")]
    Empty,
    /// What follows the prefix is no base64.
    #[error("what stands after `whsec_` is no base64 with padding")]
    NoBase64,
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let key = match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| SecretError::NoBase64)?,
            None => text.as_bytes().to_vec(),
        };
        if key.is_empty() { Err(SecretError::Empty) } else { Ok(Self { text: text.to_owned(), key }) }
    }
}

impl Secret {
    /// The secret with which servers sign that are told one. It protects nothing: who is asked is the suite itself.
    pub(crate) fn of_the_suite() -> Self {
        let key = b"batchmock-conformance-webhooks!!".to_vec();
        Self { text: format!("{PREFIX}{}", BASE64_STANDARD.encode(&key)), key }
    }

    /// It, as it is given to a server.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The signature of a body, without its version: of the id, the time and the body, with dots between (F-403).
    pub(crate) fn signature(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key may have any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_standard_webhooks_is_signed_as_it_says() {
        let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signature =
            secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_without_the_prefix_is_the_key_itself() {
        let plain: Secret = "a plain key".parse().unwrap();
        let encoded: Secret = format!("whsec_{}", BASE64_STANDARD.encode("a plain key")).parse().unwrap();
        assert_eq!(plain.signature("a", "1", b"{}"), encoded.signature("a", "1", b"{}"));
        assert_eq!("".parse::<Secret>(), Err(SecretError::Empty));
        assert_eq!("whsec_".parse::<Secret>(), Err(SecretError::Empty));
        assert_eq!("whsec_no base64".parse::<Secret>(), Err(SecretError::NoBase64));
        assert_eq!(format!("{plain:?}"), "Secret(..)");
    }
}
