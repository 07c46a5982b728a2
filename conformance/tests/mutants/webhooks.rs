//! Lies about what endpoints are told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use crate::Mutant;
use crate::proxy::Lie::{Sends, SendsOfOthers};

/// A lie that gives an event another type.
macro_rules! calls {
    ($event:literal, $other:literal) => {
        Sends(|sent| {
            if sent.is($event) {
                sent.change(|event| event["type"] = json!($other));
            }
        })
    };
}

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a batch that has completed is told as done",
        caught_by: &["webhooks/events/completed"],
        lie: calls!("batch.completed", "batch.done"),
    },
    Mutant {
        name: "a batch that was cancelled is told with one l",
        caught_by: &["webhooks/events/cancelled"],
        lie: calls!("batch.cancelled", "batch.canceled"),
    },
    Mutant {
        name: "a batch that has expired is told as failed",
        caught_by: &["webhooks/events/expired"],
        lie: calls!("batch.expired", "batch.failed"),
    },
    Mutant {
        name: "nobody is told of failures",
        caught_by: &["webhooks/events/failed"],
        lie: Sends(|sent| sent.is_lost = sent.is("batch.failed")),
    },
    Mutant {
        name: "an event has no id",
        caught_by: &["webhooks/payload/members"],
        lie: Sends(|sent| {
            sent.change(|event| {
                event.as_object_mut().unwrap().remove("id");
            });
        }),
    },
    Mutant {
        name: "an event is of tomorrow",
        caught_by: &["webhooks/payload/created-at"],
        lie: Sends(|sent| {
            sent.change(|event| event["created_at"] = json!(event["created_at"].as_i64().unwrap() + 86_400));
        }),
    },
    Mutant {
        name: "a webhook is a form",
        caught_by: &["webhooks/request/form"],
        lie: Sends(|sent| sent.set_header("content-type", "application/x-www-form-urlencoded")),
    },
    Mutant {
        name: "a webhook is signed with another secret",
        caught_by: &["webhooks/request/signature"],
        lie: Sends(|sent| sent.sign_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
    },
    Mutant {
        name: "what is signed is the event written anew",
        caught_by: &["webhooks/request/signature"],
        lie: Sends(|sent| sent.body.push(b'\n')),
    },
    Mutant {
        name: "a webhook has the time of an hour ago",
        caught_by: &["webhooks/request/timestamp"],
        lie: Sends(|sent| {
            let earlier = sent.time() - 3_600;
            sent.set_signed("webhook-timestamp", &earlier.to_string());
        }),
    },
    Mutant {
        name: "webhooks come from curl",
        caught_by: &["webhooks/request/words"],
        lie: Sends(|sent| sent.set_header("user-agent", "curl/8.0")),
    },
    Mutant {
        name: "an endpoint that breaks is not told again",
        caught_by: &["webhooks/delivery/retried"],
        lie: Sends(|sent| sent.is_never_retried = true),
    },
    Mutant {
        name: "each attempt has an id of its own",
        caught_by: &["webhooks/delivery/same-id"],
        lie: Sends(|sent| {
            static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
            sent.set_signed("webhook-id", &format!("wh_{}", ATTEMPTS.fetch_add(1, Ordering::Relaxed)));
        }),
    },
    Mutant {
        name: "a redirect is followed",
        caught_by: &["webhooks/delivery/no-redirect"],
        lie: Sends(|sent| sent.follows_redirects = true),
    },
    Mutant {
        name: "an endpoint is told of another account",
        caught_by: &["webhooks/delivery/other-accounts"],
        lie: SendsOfOthers,
    },
];
