//! The usage tiers.
//!
//! Tiers 1, 2, 3 and 5 as the rate-limit guide had them at the end of 2024 (F-381 for the queue of tier 1); tier 4 from
//! copies of the pages of single models (2025 and 2026) and the guide of the middle of 2024. That models which the guide
//! did not list have the limits of `gpt-4o` or, if they are small, of `gpt-4o-mini` agrees with those pages where there are
//! copies (`gpt-4.1-mini`, `gpt-5-nano`, `gpt-5.4-nano`, `gpt-5.2-pro`), and is assumed for others. Limits a day are left
//! out.

use super::{ByModel, Quotas};

/// Batches an hour, in every tier (F-240).
const BATCHES_PER_HOUR: u64 = 2_000;

/// Uploads a minute, in every tier (documented in the official description of `POST /files`, 2026).
const UPLOADS_PER_MINUTE: u64 = 1_000;

/// What models of one kind may use in each tier.
struct Family {
    patterns: &'static [&'static str],
    tiers: [Tier; 5],
}

/// Calls a minute, tokens a minute, tokens in the queue.
struct Tier(u64, u64, u64);

const FAMILIES: &[Family] = &[
    Family {
        patterns: &["*"],
        tiers: [
            Tier(500, 30_000, 90_000),
            Tier(5_000, 450_000, 1_350_000),
            Tier(5_000, 800_000, 50_000_000),
            Tier(10_000, 2_000_000, 200_000_000),
            Tier(10_000, 30_000_000, 5_000_000_000),
        ],
    },
    Family {
        patterns: &["*-mini", "*-nano", "*-luna"],
        tiers: [
            Tier(500, 200_000, 2_000_000),
            Tier(5_000, 2_000_000, 20_000_000),
            Tier(5_000, 4_000_000, 40_000_000),
            Tier(10_000, 10_000_000, 1_000_000_000),
            Tier(30_000, 150_000_000, 15_000_000_000),
        ],
    },
    Family {
        patterns: &["gpt-4-turbo*"],
        tiers: [
            Tier(500, 30_000, 90_000),
            Tier(5_000, 450_000, 1_350_000),
            Tier(5_000, 600_000, 40_000_000),
            Tier(10_000, 800_000, 80_000_000),
            Tier(10_000, 2_000_000, 300_000_000),
        ],
    },
    Family {
        patterns: &["gpt-4"],
        tiers: [
            Tier(500, 10_000, 100_000),
            Tier(5_000, 40_000, 200_000),
            Tier(5_000, 80_000, 5_000_000),
            Tier(10_000, 300_000, 30_000_000),
            Tier(10_000, 1_000_000, 150_000_000),
        ],
    },
    Family {
        patterns: &["gpt-3.5-turbo*"],
        tiers: [
            Tier(3_500, 200_000, 2_000_000),
            Tier(3_500, 2_000_000, 5_000_000),
            Tier(3_500, 4_000_000, 100_000_000),
            // Assumed, between those beside it: the only source is older than they are.
            Tier(10_000, 10_000_000, 1_000_000_000),
            Tier(10_000, 50_000_000, 10_000_000_000),
        ],
    },
    Family {
        patterns: &["text-embedding-*"],
        tiers: [
            Tier(3_000, 1_000_000, 3_000_000),
            Tier(5_000, 1_000_000, 20_000_000),
            Tier(5_000, 5_000_000, 100_000_000),
            Tier(10_000, 5_000_000, 500_000_000),
            Tier(10_000, 10_000_000, 4_000_000_000),
        ],
    },
];

/// The quotas of a tier, if there is one with this number.
pub(super) fn quotas(number: u8) -> Option<Quotas> {
    let place = usize::from(number).checked_sub(1)?;
    let mut quotas = Quotas {
        batches_per_hour: Some(BATCHES_PER_HOUR),
        uploads_per_minute: Some(UPLOADS_PER_MINUTE),
        ..Quotas::default()
    };
    for Family { patterns, tiers } in FAMILIES {
        let Tier(calls, tokens, enqueued) = tiers.get(place)?;
        for pattern in *patterns {
            let set = |limits: &mut ByModel, limit| {
                limits.set(pattern, Some(limit)).expect("the patterns of the table are patterns");
            };
            set(&mut quotas.requests_per_minute, *calls);
            set(&mut quotas.tokens_per_minute, *tokens);
            set(&mut quotas.enqueued_tokens, *enqueued);
        }
    }
    Some(quotas)
}
