//! Walking lists, of files as of batches, as the official SDKs do (F-247).

use crate::expect::{Body, OnTheWay as _, Outcome, Stop};
use crate::session::Session;

/// How many pages are read before a list counts as endless. Accounts hold more than what a case has made.
const PAGES: usize = 200;

/// All items of a list, page by page, until each of `ids` was met or the list is at its end.
pub(super) async fn walk(
    session: &mut Session,
    path: &str,
    query: &str,
    limit: usize,
    ids: &[String],
) -> Outcome<Vec<Body>> {
    let mut items: Vec<Body> = Vec::new();
    let mut after = String::new();
    for _ in 0..PAGES {
        let page = session.get(format!("{path}?limit={limit}{query}{after}")).await?.success()?;
        page.equals("/object", "list")?;
        let data = page.list("/data")?;
        page.check("/data", data.len() <= limit, format!("at most {limit} items"))?;
        items.extend(data.iter().cloned());
        let is_all = ids.iter().all(|id| items.iter().any(|item| item.get("/id") == id.as_str()));
        let Some(last) = data.last() else { return Ok(items) };
        if is_all || page.get("/has_more") != true {
            return Ok(items);
        }
        after = format!("&after={}", last.text("/id")?);
    }
    Err(Stop::NotReached(format!("{path} has more than {PAGES} pages")))
}

/// Which of `ids` a list has, in its order.
pub(super) fn which(items: &[Body], ids: &[String]) -> Vec<String> {
    items
        .iter()
        .filter_map(|item| item.get("/id").as_str())
        .filter(|id| ids.iter().any(|own| own == id))
        .map(str::to_owned)
        .collect()
}

/// A list has exactly these, in this order.
pub(super) fn holds(items: &[Body], ids: &[String], expected: &[String]) -> Outcome {
    let actual = which(items, ids);
    if actual == expected {
        return Ok(());
    }
    let actual = if actual.is_empty() { "none of them".to_owned() } else { actual.join(", ") };
    match items.first() {
        Some(item) => {
            item.place.mismatch("the items that this case has made", &[expected.join(", ")], actual)
        }
        None => Err(Stop::NotReached("the list is empty".to_owned())).on_the_way(),
    }
}
