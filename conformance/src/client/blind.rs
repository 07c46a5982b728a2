//! What clients are shown in place of names: keys and words that follow from the seed, and tell nothing.

use sha2::{Digest as _, Sha256};

/// A number for something, which follows from the seed.
pub(crate) fn number(seed: u64, what: &str) -> u64 {
    let hash = Sha256::digest(format!("{seed}/{what}"));
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A word for something, which follows from the seed.
pub(crate) fn word(seed: u64, what: &str) -> String {
    format!("{:08x}", number(seed, what) >> 32)
}

/// The API key for something, which follows from the seed.
pub(crate) fn api_key(seed: u64, what: &str) -> String {
    format!(
        "sk-cert-{:016x}{:016x}",
        number(seed, &format!("key of {what}")),
        number(seed, &format!("rest of {what}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_follows_from_the_seed_and_tells_no_name() {
        assert_eq!(api_key(1, "expired/partial"), api_key(1, "expired/partial"));
        assert_ne!(api_key(1, "expired/partial"), api_key(2, "expired/partial"));
        assert_ne!(word(1, "a"), word(1, "b"));
        assert!(!api_key(1, "expired/partial").contains("expired"));
    }
}
