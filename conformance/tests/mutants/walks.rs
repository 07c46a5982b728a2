//! Servers that are wrong in one way each, and what a random walk says of them.

use axum::http::HeaderValue;
use batchmock_conformance::OwnMock;
use batchmock_conformance::walk::{Stumble, Walks, walk};
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::proxy::Lie::{Asked, Instead, Told as Tells};
use crate::proxy::{self, Lie, Told};

/// A server that is wrong in one way.
pub(crate) struct Stray {
    /// What is wrong.
    pub(crate) name: &'static str,
    /// Which rule it breaks: one of these, by what is looked at first.
    breaks: &'static [&'static str],
    lie: Lie,
}

/// How many steps are enough to show any of them.
const FEW: usize = 14;

/// A lie about a batch that is looked at in this status.
macro_rules! in_status {
    ($status:literal, $change:expr) => {
        Tells(|asked, told| {
            if asked.retrieves_batch() && told.is_batch($status) {
                let change: fn(&mut Told) = $change;
                change(told);
            }
        })
    };
}

pub(crate) const STRAYS: &[Stray] = &[
    Stray {
        name: "walk: nothing is deleted",
        breaks: &[
            "what is not there, or belongs to others, is not found",
            "no list has what is gone, or belongs to others",
        ],
        lie: Instead(|asked| {
            let id = asked.path.strip_prefix("/files/").filter(|_| asked.method == "DELETE")?;
            Some(Told::new(200, &json!({"id": id, "object": "file", "deleted": true}).to_string()))
        }),
    },
    Stray {
        name: "walk: all keys open one account",
        breaks: &[
            "what is not there, or belongs to others, is not found",
            "no list has what is gone, or belongs to others",
        ],
        lie: Asked(|asked| {
            asked.headers.insert("authorization", HeaderValue::from_static("Bearer sk-everybody"));
        }),
    },
    Stray {
        name: "walk: counts fall",
        breaks: &["no count falls"],
        lie: in_status!("finalizing", |told| told.set("/request_counts/completed", 0)),
    },
    Stray {
        name: "walk: a list of batches is without the newest",
        breaks: &["page by page everything is met"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/batches") && !asked.query.contains("after=") {
                let data = told.get("/data").as_array().cloned().unwrap_or_default();
                let rest: Vec<_> = data.into_iter().skip(1).collect();
                told.set("/first_id", rest.first().map_or(Value::Null, |first| first["id"].clone()));
                if rest.is_empty() {
                    told.set("/last_id", Value::Null);
                }
                told.set("/data", rest);
            }
        }),
    },
    Stray {
        name: "walk: every page is the first",
        breaks: &["a list has an end"],
        lie: Asked(|asked| asked.query = asked.query.replace("after=", "later=")),
    },
    Stray {
        name: "walk: a page of files repeats one",
        breaks: &["no list has anything twice"],
        lie: Tells(|asked, told| {
            let data = told.get("/data").as_array().cloned().unwrap_or_default();
            if asked.is("GET", "/files") && asked.query.contains("limit=2") && data.len() == 2 {
                told.set("/last_id", data[0]["id"].clone());
                told.set("/data", json!([data[0], data[0]]));
            }
        }),
    },
    Stray {
        name: "walk: batches are listed oldest first",
        breaks: &["lists stand in the order of time"],
        lie: Tells(|asked, told| {
            let mut data = told.get("/data").as_array().cloned().unwrap_or_default();
            if asked.is("GET", "/batches") && told.get("/has_more") == false && data.len() > 1 {
                data.reverse();
                told.set("/first_id", data[0]["id"].clone());
                told.set("/last_id", data[data.len() - 1]["id"].clone());
                told.set("/data", data);
            }
        }),
    },
    Stray {
        name: "walk: one request is answered twice, and another never",
        breaks: &["no request has two lines"],
        lie: Tells(|asked, told| {
            if asked.downloads() && told.holds("\"batch_req_") {
                told.replace("good-2", "good-1");
            }
        }),
    },
    Stray {
        name: "walk: what has ended can be cancelled",
        breaks: &["what runs can be cancelled, and what has ended cannot"],
        lie: Tells(|asked, told| {
            if asked.cancels_batch() && told.status == 409 {
                told.status = 200;
            }
        }),
    },
    Stray {
        name: "walk: a cancellation does nothing",
        breaks: &["a cancellation begins at once"],
        lie: Asked(|asked| {
            if let Some(path) = asked.path.strip_suffix("/cancel") {
                asked.path = path.to_owned();
                asked.method = axum::http::Method::GET;
            }
        }),
    },
    Stray {
        name: "walk: a batch expires at once",
        breaks: &["no batch expires before its time"],
        lie: in_status!("in_progress", |told| told.set("/status", "expired")),
    },
    Stray {
        name: "walk: a good batch fails",
        breaks: &["a batch with a good input does not fail", "no status comes back"],
        lie: in_status!("completed", |told| told.set("/status", "failed")),
    },
    Stray {
        name: "walk: a batch ends tomorrow",
        breaks: &["no time lies in the future"],
        lie: in_status!("completed", |told| told.add("/completed_at", 86_400)),
    },
    Stray {
        name: "walk: a batch becomes younger",
        breaks: &["a batch stays what it was created as"],
        lie: in_status!("completed", |told| told.add("/created_at", 1)),
    },
    Stray {
        name: "walk: a batch fails without a word",
        breaks: &["a batch that failed says why, and no other does"],
        lie: in_status!("failed", |told| told.set("/errors", Value::Null)),
    },
    Stray {
        name: "walk: errors are kept back",
        breaks: &["there is a file if there are lines for it"],
        lie: in_status!("completed", |told| told.set("/error_file_id", Value::Null)),
    },
    Stray {
        name: "walk: what never ran is told nowhere",
        breaks: &["each request has a line in one of the two files"],
        lie: Tells(|asked, told| {
            if asked.downloads() && told.holds("batch_expired") {
                told.body.clear();
            }
        }),
    },
    Stray {
        name: "walk: a file is read as text",
        breaks: &["a file has the bytes that it had"],
        lie: Tells(|asked, told| {
            if asked.downloads() && told.status == 200 {
                told.replace("\"user\"", "\"User\"");
            }
        }),
    },
    Stray {
        name: "walk: any window will do",
        breaks: &["a wrong wish is refused"],
        lie: Tells(|asked, told| {
            if asked.holds("\"7d\"") {
                told.status = 200;
            }
        }),
    },
];

/// What a walk from this seed meets on a server.
fn met(runtime: &Runtime, lie: Lie, seed: u64) -> Result<Option<Stumble>, Box<dyn std::error::Error>> {
    let mock = runtime.block_on(OwnMock::start_for_any_key(seed))?;
    let base_url = runtime.block_on(proxy::start(mock.base_url(), lie))?;
    let target = runtime.block_on(mock.target_at(base_url))?;
    let walks = Walks { seed, count: 300, steps: 60 };
    Ok(walk(runtime.handle(), &target, walks)?.stumble)
}

/// A walk meets what is wrong, says which rule is broken, and needs few steps to show it.
pub(crate) fn is_met(runtime: &Runtime, stray: &Stray) -> Result<(), Failed> {
    let stumble = met(runtime, stray.lie, 1).map_err(|error| Failed::from(error.to_string()))?;
    let Some(stumble) = stumble else { return Err("no walk met it".into()) };
    let is_right = stray.breaks.contains(&stumble.fault.rule) && stumble.steps.len() <= FEW;
    let is_shown = stumble.to_string().contains("curl -i -X ");
    if is_right && is_shown { Ok(()) } else { Err(stumble.to_string().into()) }
}
