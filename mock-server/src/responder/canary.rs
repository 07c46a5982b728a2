//! The canary: a short text that names the request it answers.
//!
//! The words and the order of the hash's bits are part of what seeds promise: changing them changes every
//! recorded answer.

use xxhash_rust::xxh3::Xxh3;

const COLORS: [&str; 32] = [
    "amber", "azure", "beige", "black", "blue", "bronze", "brown", "coral", "crimson", "cyan", "ebony",
    "gold", "gray", "green", "indigo", "ivory", "jade", "khaki", "lilac", "lime", "maroon", "mauve", "ochre",
    "olive", "orange", "pink", "red", "ruby", "silver", "teal", "violet", "white",
];

const BIRDS: [&str; 32] = [
    "auk", "avocet", "bittern", "bulbul", "crane", "curlew", "dipper", "dove", "egret", "falcon", "finch",
    "gannet", "godwit", "grebe", "heron", "hoopoe", "ibis", "jay", "kestrel", "kite", "lark", "linnet",
    "martin", "osprey", "owl", "petrel", "plover", "raven", "shrike", "siskin", "swift", "wren",
];

/// What [`Responder`](super::Responder) answers for this seed, `custom_id` and prompt, such as
/// `violet-heron-4f2a91c0`.
///
/// The prompt is all text of the input; [`Request::prompt`](super::Request::prompt) says how it is joined.
///
/// ```
/// # use batchmock::responder::canary;
/// assert_eq!(canary(1, "a", "hello"), canary(1, "a", "hello"));
/// assert_ne!(canary(1, "a", "hello"), canary(1, "b", "hello"));
/// ```
pub fn canary(seed: u64, custom_id: &str, prompt: &str) -> String {
    nth_canary(seed, custom_id, prompt, 0)
}

/// The canary of the choice with this index, where one request has several.
pub(super) fn nth_canary(seed: u64, custom_id: &str, prompt: &str, index: u64) -> String {
    canary_of(number(seed, custom_id, prompt, index))
}

/// The number that a canary is made from.
pub(super) fn number(seed: u64, custom_id: &str, prompt: &str, index: u64) -> u64 {
    hash(seed, &[custom_id, prompt], index)
}

/// The canary that is made from a number.
pub(super) fn canary_of(hash: u64) -> String {
    let color = COLORS[word(hash >> 32)];
    let bird = BIRDS[word(hash >> 37)];
    format!("{color}-{bird}-{:08x}", hash & 0xffff_ffff)
}

/// XXH3 of the texts, each behind its length, and the index, with the seed: prompts are long, and each is hashed
/// while its file comes in.
pub(super) fn hash(seed: u64, texts: &[&str], index: u64) -> u64 {
    let mut hasher = Xxh3::with_seed(seed);
    for text in texts {
        hasher.update(&u64::try_from(text.len()).expect("a length fits 64 bits").to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(&index.to_le_bytes());
    hasher.digest()
}

fn word(bits: u64) -> usize {
    usize::try_from(bits & 31).expect("five bits fit")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_canary_of_a_seed_stays_what_it_is() {
        insta::assert_snapshot!(canary(0, "request-1", "What is 2+2?"), @"ebony-hoopoe-26c4ffb6");
        insta::assert_snapshot!(nth_canary(0, "request-1", "What is 2+2?", 1), @"orange-grebe-5c327ea0");
    }

    #[test]
    fn every_part_of_the_occasion_changes_the_canary() {
        let all = [
            canary(0, "a", "b"),
            canary(1, "a", "b"),
            canary(0, "ab", ""),
            canary(0, "", "ab"),
            canary(0, "a", "c"),
            nth_canary(0, "a", "b", 1),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }
}
