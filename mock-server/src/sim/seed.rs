//! Where all randomness comes from.

use std::fmt;
use std::hash::Hasher;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use siphasher::sip::SipHasher13;

/// A number from which every order, id and outcome follows.
///
/// Seeds form a tree: each account, batch and line derives its own, so that what one draws never shifts
/// what another draws. Derivation is SipHash-1-3 with fixed keys and stays the same over releases and
/// machines.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(u64);

impl Seed {
    /// The seed with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The seed of a named thing below this one.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.derive(name.as_bytes())
    }

    /// The seed of the `n`-th thing of a kind below this one.
    #[must_use]
    pub fn nth(self, kind: &str, n: u64) -> Self {
        self.named(kind).derive(&n.to_le_bytes())
    }

    /// A generator that starts from this seed.
    pub fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.0)
    }

    fn derive(self, bytes: &[u8]) -> Self {
        let mut hasher = SipHasher13::new_with_keys(self.0, 0x6261_7463_686d_6f63);
        hasher.write(bytes);
        Self(hasher.finish())
    }
}

/// Not shown in full: the seed of an account follows from its key.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivation_is_the_same_in_every_release() {
        assert_eq!(Seed::new(0).named("batch").number(), 6_734_451_414_798_428_577);
        assert_eq!(Seed::new(0).nth("batch", 3).number(), 11_657_128_754_059_726_055);
    }

    #[test]
    fn siblings_differ() {
        let seed = Seed::new(7);
        assert_ne!(seed.nth("file", 0), seed.nth("file", 1));
        assert_ne!(seed.nth("file", 0), seed.nth("batch", 0));
    }
}
