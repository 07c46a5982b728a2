//! Lists that come in pages.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::error::{Error, Kind, Result};
use crate::http::Call;
use crate::received::Received;

/// A list, fetched page by page as it is read. Each item comes once, also where pages repeat one (F-245).
///
/// It is a [`Stream`]; [`next`](Self::next) and [`all`](Self::all) spare the import where that is not wanted.
pub struct Pages<T> {
    items: Pin<Box<dyn Stream<Item = Result<Received<T>>> + Send>>,
}

/// Where a list goes on.
struct Place<T> {
    client: Client,
    path: &'static str,
    query: Vec<(&'static str, String)>,
    after: Option<String>,
    waiting: VecDeque<Received<T>>,
    seen: HashSet<String>,
    done: bool,
}

/// A page, as far as walking on depends on it.
#[derive(Deserialize)]
struct Page {
    data: Vec<Box<RawValue>>,
    #[serde(default)]
    last_id: Option<String>,
    #[serde(default)]
    has_more: Option<bool>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(crate) fn new(
        client: &Client,
        path: &'static str,
        query: Vec<(&'static str, String)>,
        after: Option<String>,
    ) -> Self {
        let place = Place {
            client: client.clone(),
            path,
            query,
            after,
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            done: false,
        };
        let items = stream::try_unfold(place, |mut place| async move {
            loop {
                if let Some(item) = place.waiting.pop_front() {
                    return Ok(Some((item, place)));
                }
                if place.done {
                    return Ok(None);
                }
                place.turn().await?;
            }
        });
        Self { items: items.boxed() }
    }

    /// The next item; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Received<T>>> {
        self.items.next().await
    }

    /// All items that are left.
    pub async fn all(mut self) -> Result<Vec<Received<T>>> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }
}

impl<T: DeserializeOwned> Place<T> {
    /// Fetches the next page.
    async fn turn(&mut self) -> Result<()> {
        let mut call = Call::get(self.path.to_owned()).query("after", self.after.clone());
        for (name, value) in &self.query {
            call = call.query(name, Some(value.clone()));
        }
        let page = self.client.call::<Page>(call).await?.into_inner();
        let unreadable = |error: serde_json::Error| {
            Error::new(Kind::Unreadable(format!("an item of the list: {error}"))).asked(self.path)
        };
        let mut last = None;
        for item in page.data {
            let id = serde_json::from_str::<Named>(item.get()).map_err(unreadable)?.id;
            if self.seen.insert(id.clone()) {
                self.waiting.push_back(Received::read(item.get().as_bytes(), None).map_err(unreadable)?);
            }
            last = Some(id);
        }
        // A page may be empty and more may follow; but a list that stays where it is has ended.
        let after = last.or(page.last_id.filter(|id| !id.is_empty()));
        self.done = !page.has_more.unwrap_or(false) || after.is_none() || after == self.after;
        self.after = after;
        Ok(())
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Received<T>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.as_mut().poll_next(context)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}
