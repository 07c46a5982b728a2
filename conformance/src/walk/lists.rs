//! Lists, page by page, as the official SDKs read them (F-247).

use std::collections::BTreeSet;

use serde_json::Value;

use super::file::has_schema;
use super::step::Who;
use super::wire::Wire;
use super::{Fault, check};

/// How many pages are read before a list counts as endless.
const PAGES: usize = 500;

/// All items of a list, and what the clock showed at the end.
pub(super) struct Listed {
    pub(super) items: Vec<Value>,
    pub(super) now: Option<i64>,
}

/// Reads a list.
pub(super) async fn all(
    wire: &mut Wire,
    who: Who,
    path: &str,
    limit: usize,
    more: &str,
) -> Result<Listed, Fault> {
    let operation = if path == "/files" { "listFiles" } else { "listBatches" };
    let (mut items, mut after) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let reply = wire.get(who, format!("{path}?limit={limit}{more}{after}")).await?;
        check(reply.status == 200, "a list is answered", "F-242", "status 200", reply.shown())?;
        let page = reply.json()?;
        has_schema(operation, &page)?;
        let data = page["data"].as_array().cloned().unwrap_or_default();
        check(
            data.len() <= limit,
            "a page has no more than was asked for",
            "F-242",
            limit.to_string(),
            data.len().to_string(),
        )?;
        for (name, item) in [("first_id", data.first()), ("last_id", data.last())] {
            let expected = item.map_or(&Value::Null, |item| &item["id"]);
            let is_right = page[name] == *expected || (item.is_none() && page[name] == "");
            check(
                is_right,
                "a page says where it begins and ends",
                "F-243",
                format!("{name} {expected}"),
                page[name].to_string(),
            )?;
        }
        items.extend(data.iter().cloned());
        let last = data.last().and_then(|item| item["id"].as_str());
        let (Some(last), true) = (last, page["has_more"] == true) else {
            return Ok(Listed { items, now: reply.now });
        };
        let next = format!("&after={last}");
        check(
            next != after,
            "a list has an end",
            "F-247",
            "other items after the last of a page",
            "the same ones",
        )?;
        after = next;
    }
    Err(Fault::new("a list has an end", "F-247", format!("an end within {PAGES} pages"), "none"))
}

impl Listed {
    /// No item comes twice, and each that must be there is.
    pub(super) fn has_each_once(&self, all_of: &BTreeSet<&str>) -> Result<(), Fault> {
        let mut met = BTreeSet::new();
        for item in &self.items {
            let id = item["id"].as_str().unwrap_or_default();
            check(met.insert(id), "no list has anything twice", "F-247", format!("{id} once"), "twice")?;
        }
        let missing: Vec<_> = all_of.difference(&met).copied().collect();
        check(
            missing.is_empty(),
            "page by page everything is met",
            "F-247",
            "all that there is",
            format!("without {}", missing.join(", ")),
        )
    }

    /// Items stand in the order of their times.
    pub(super) fn is_in_order(&self, is_oldest_first: bool) -> Result<(), Fault> {
        let mut times: Vec<_> = self.items.iter().filter_map(|item| item["created_at"].as_i64()).collect();
        if is_oldest_first {
            times.reverse();
        }
        let expected = if is_oldest_first { "the oldest first" } else { "the newest first" };
        check(
            times.is_sorted_by(|a, b| a >= b),
            "lists stand in the order of time",
            "F-243",
            expected,
            format!("{times:?}"),
        )
    }
}
