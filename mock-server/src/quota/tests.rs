//! Quotas as they are written, and rates as they leak.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::sim::Timestamp;
use crate::toml_reading::Document;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000 + millis)
}

fn refusal(text: &str) -> String {
    Quotas::from_toml(text).expect_err("it is refused").to_string()
}

#[test]
fn a_table_says_all_there_is_to_say() {
    let quotas = Quotas::from_toml(
        r#"
        [quota]
        preset = "tier-1"
        enqueued_tokens = { gpt-4o-mini = 1_000, "o*" = "none" }
        enqueued_requests = 50_000
        batches_per_hour = 3
        uploads_per_minute = "none"
        file_bytes = 0
        phantom_for = "10m"
        "#,
    )
    .unwrap();
    assert_eq!(quotas.enqueued_tokens.of("gpt-4o-mini"), Some(1_000));
    assert_eq!(quotas.enqueued_tokens.of("o3"), None);
    assert_eq!(quotas.enqueued_tokens.of("gpt-4.1-mini"), Some(2_000_000));
    assert_eq!(quotas.enqueued_requests, ByModel::each(50_000));
    assert_eq!(
        (quotas.batches_per_hour, quotas.uploads_per_minute, quotas.file_bytes),
        (Some(3), None, Some(0))
    );
    assert_eq!(quotas.phantom_for, Some(Duration::from_mins(10)));
    assert_eq!(Quotas::from_json(&quotas.to_json()), Ok(quotas));
}

#[test]
fn a_preset_can_stand_alone_and_nothing_is_nothing() {
    let read = |text: &str| Quotas::from_key(Document::parse(text).unwrap().root(), "quota").unwrap();
    assert_eq!(Some(read("quota = \"tier-2\"")), Quotas::tier(2));
    assert_eq!(read("quota = \"none\""), Quotas::default());
    assert_eq!(read("other = 1"), Quotas::default());
    assert_eq!((Quotas::tier(0), Quotas::tier(6)), (None, None));
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
    insta::assert_snapshot!(
        [
            "[quota]\nenqued_tokens = 1",
            "[quota]\npreset = \"tier-9\"",
            "[quota]\nbatches_per_hour = -1",
            "[quota]\nenqueued_tokens = \"lots\"",
            "[quota]\nenqueued_tokens = { \"[\" = 1 }",
            "[quota]\nphantom_for = \"a while\"",
            "quota = 7",
            "quotas = {}",
        ]
        .map(refusal)
        .join("\n\n")
    );
}

#[test]
fn the_short_form_says_the_same() {
    let mut quotas = Quotas::default();
    for text in ["tier-1", "enqueued_tokens.gpt-4.1-mini=1,000", "batches_per_hour=3", "phantom_for=10m"] {
        quotas.set(text).unwrap();
    }
    let table = "[quota]\npreset = \"tier-1\"\nenqueued_tokens = { \"gpt-4.1-mini\" = 1000 }\nbatches_per_hour = 3\n\
                 phantom_for = \"10m\"";
    assert_eq!(Ok(quotas.clone()), Quotas::from_toml(table));
    quotas.set("enqueued_tokens=7").unwrap();
    assert_eq!(quotas.enqueued_tokens, ByModel::each(7));
    quotas.set("tier-3").unwrap();
    assert_eq!(Some(quotas), Quotas::tier(3));

    let wrong =
        ["tier-0", "tier", "batches=1", "batches_per_hour", "batches_per_hour=", "enqueued_tokens.=1", "="];
    let told = wrong.map(|text| {
        format!("{text}: {}", Quotas::default().set(text).map_or_else(|e| e.to_string(), |()| String::new()))
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_model_has_the_limit_of_its_name_or_of_the_longest_pattern() {
    let mut limits = ByModel::each(1);
    for (pattern, limit) in [("gpt-4o*", 2), ("gpt-4o", 3), ("gpt-4o-2024-05-13", 4), ("*-mini", 5)] {
        limits.set(pattern, Some(limit)).unwrap();
    }
    let of = ["o3", "gpt-4o-audio", "gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-05-13", "gpt-4.1-mini"]
        .map(|model| limits.of(model));
    assert_eq!(of, [1, 2, 3, 3, 4, 5].map(Some));
    assert_eq!(ByModel::default().of("gpt-4o"), None);
}

#[test]
fn snapshots_and_trained_models_share_the_limit_of_the_model_they_come_from() {
    for (model, name) in [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "gpt-4o-mini"),
        ("curie:ft-acme-2023-03-20-00-00-00", "curie"),
        ("dall-e-3", "dall-e-3"),
        ("text-embedding-ada-002", "text-embedding-ada-002"),
        ("-0613", "-0613"),
        ("ééé-0613", "ééé"),
        ("", ""),
    ] {
        assert_eq!(limit_name(model), name, "{model}");
    }
}

#[test]
fn the_numbers_of_the_recorded_refusal_add_up() {
    let rate = Rate { limit: 50_000, period: Duration::from_mins(1) };
    let mut bucket = Bucket::default();
    bucket.take(47_949, rate, at(0));
    let exceeded = bucket.check(3_006, rate, at(0)).unwrap_err();
    let free_in = Some(Duration::from_millis(1_146));
    assert_eq!(exceeded, Exceeded { limit: 50_000, used: 47_949, requested: 3_006, free_in });
}

#[test]
fn each_tier_has_more_than_the_one_before() {
    for model in
        ["gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-4", "gpt-3.5-turbo", "text-embedding-3-small", "o3"]
    {
        let limits = [1, 2, 3, 4, 5].map(|tier| {
            let quotas = Quotas::tier(tier).unwrap();
            let of = |limits: &ByModel| limits.of(model).unwrap();
            [&quotas.enqueued_tokens, &quotas.tokens_per_minute, &quotas.requests_per_minute].map(of)
        });
        for [lower, higher] in limits.array_windows() {
            assert!(lower[0] < higher[0], "{model}");
            assert!(lower[1] <= higher[1] && lower[2] <= higher[2], "{model}");
        }
    }
}

proptest! {
    /// Whatever is taken when: what was refused is taken at the time that the refusal names, and not a millisecond before.
    #[test]
    fn a_refusal_names_the_first_moment_at_which_it_would_not_have_been_one(
        limit in 1..1_000_000_u64,
        minutes in 1..120_u64,
        takes in proptest::collection::vec((1..1_000_000_u64, 0..200_000_i64), 1..20),
    ) {
        let rate = Rate { limit, period: Duration::from_mins(minutes) };
        let mut bucket = Bucket::default();
        let mut now = at(0);
        for (n, passed) in takes {
            now = now + Duration::from_millis(passed.unsigned_abs());
            match bucket.check(n, rate, now) {
                Ok(()) => bucket.take(n, rate, now),
                Err(Exceeded { free_in: None, .. }) => prop_assert!(n > limit),
                Err(Exceeded { free_in: Some(free_in), .. }) => {
                    prop_assert!(free_in > Duration::ZERO);
                    let just_before = free_in.saturating_sub(Duration::from_millis(1));
                    prop_assert!(bucket.check(n, rate, now + just_before).is_err());
                    prop_assert!(bucket.check(n, rate, now + free_in).is_ok());
                }
            }
            prop_assert!(bucket.level(rate, now).used <= limit);
        }
    }

    #[test]
    fn any_text_is_a_quota_or_is_refused(text: String, key: String, value: String) {
        let mut quotas = Quotas::default();
        let _ = quotas.set(&text);
        let _ = quotas.set(&format!("{key}={value}"));
        let _ = Quotas::from_toml(&text);
    }
}
