//! Secrets that no message shows.

use std::fmt;
use std::sync::Arc;

/// An API key, or another secret. It is shown nowhere: not by `Debug`, not in an error.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Arc<str>);

impl ApiKey {
    /// The key itself, to put into a request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// A text of which it is not known whether it holds the key, without it.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, "[key]") }
    }
}

impl From<&str> for ApiKey {
    fn from(key: &str) -> Self {
        Self(key.trim().into())
    }
}

impl From<String> for ApiKey {
    fn from(key: String) -> Self {
        Self::from(key.as_str())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown() {
        let key = ApiKey::from("sk-secret\n");
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        assert_eq!(key.redact("wrong key: sk-secret."), "wrong key: [key].");
        assert_eq!(ApiKey::from("").redact("text"), "text");
    }
}
