//! `docs/quotas.md`: its examples are right, and it has every key.

use std::path::Path;

use batchmock::Quotas;
use serde_json::Value;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/quotas.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn its_tables_and_flags_are_quotas() {
    let document = document();
    let tables: Vec<_> =
        document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let flags: Vec<_> =
        document.split("--quota ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    assert!((tables.len(), flags.len()) >= (1, 5), "{tables:?} {flags:?}");
    for table in tables {
        Quotas::from_toml(table).unwrap();
    }
    let mut quotas = Quotas::default();
    for flag in flags {
        quotas.set(flag).unwrap();
    }
}

#[test]
fn it_has_every_key() {
    let document = document();
    let control: Value = serde_json::from_str(include_str!("../../../src/control/openapi.json")).unwrap();
    let keys = control["components"]["schemas"]["QuotaSetting"]["properties"].as_object().unwrap();
    for key in keys.keys() {
        assert!(document.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[test]
fn its_table_of_tiers_is_that_of_the_presets() {
    let document = document();
    let rows = document.lines().skip_while(|line| !line.starts_with("| models |")).skip(2);
    let mut n_rows = 0;
    for row in rows.take_while(|row| row.starts_with('|')) {
        n_rows += 1;
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let models = cells[0].split('`').skip(1).step_by(2).map(|name| name.replace('*', "x"));
        for model in models.collect::<Vec<_>>() {
            for (cell, tier) in cells[1..].iter().zip(1..) {
                let quotas = Quotas::tier(tier).unwrap();
                let limits =
                    [&quotas.requests_per_minute, &quotas.tokens_per_minute, &quotas.enqueued_tokens];
                let told: Vec<u64> =
                    cell.split("; ").map(|number| number.replace(',', "").parse().unwrap()).collect();
                assert_eq!(told, limits.map(|limits| limits.of(&model).unwrap()), "{model} in tier {tier}");
            }
        }
    }
    assert_eq!(n_rows, 6);
}
