//! Ids in the forms of the service.

use std::fmt::Write;

use rand::Rng;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The prefix and `n` letters and digits.
pub(super) fn base62(rng: &mut dyn Rng, prefix: &str, n: usize) -> String {
    let mut id = String::with_capacity(prefix.len() + n);
    id.push_str(prefix);
    while id.len() < prefix.len() + n {
        // Six bits a byte, and the two values that are no digit are drawn again: every digit is as likely.
        for byte in rng.next_u64().to_le_bytes() {
            if let Some(&digit) = BASE62.get(usize::from(byte & 63)) {
                id.push(char::from(digit));
                if id.len() == prefix.len() + n {
                    break;
                }
            }
        }
    }
    id
}

/// `n` hexadecimal digits.
pub(super) fn hex(rng: &mut dyn Rng, n: usize) -> String {
    let mut digits = String::with_capacity(n + 16);
    while digits.len() < n {
        write!(digits, "{:016x}", rng.next_u64()).expect("a string takes everything");
    }
    digits.truncate(n);
    digits
}

/// The ids of one response and its items, which share their first 16 digits (F-503).
pub(super) struct ResponseIds {
    family: String,
    created_at: i64,
}

impl ResponseIds {
    pub(super) fn new(rng: &mut dyn Rng, created_at: i64) -> Self {
        Self { family: hex(rng, 16), created_at }
    }

    /// Prefix, 16 digits of the family, `01`, the time, 24 digits of its own.
    pub(super) fn id(&self, rng: &mut dyn Rng, prefix: &str) -> String {
        format!("{prefix}{}01{:08x}{}", self.family, self.created_at, hex(rng, 24))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    #[test]
    fn ids_have_the_recorded_length() {
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        assert_eq!(base62(&mut rng, "chatcmpl-", 29).len(), "chatcmpl-EEbhOImX79FVNNZy6Rm2hTk6sE84C".len());
        let ids = ResponseIds::new(&mut rng, 1_787_150_602);
        let id = ids.id(&mut rng, "resp_");
        assert_eq!(id.len(), "resp_034690d6c7279fd5016a85c10a8ae487d2a188d8842f0dba32".len());
        assert_eq!(&id[21..31], "016a85c10a");
        assert_eq!(ids.id(&mut rng, "msg_")[4..20], id[5..21]);
    }
}
