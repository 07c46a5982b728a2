//! Lies about what an account may use.

use crate::Mutant;
use crate::proxy::Lie::Told as Tells;
use crate::proxy::Told;

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a full queue has another code",
        caught_by: &["quotas/queue/full"],
        lie: Tells(|_, told| told.replace("\"token_limit_exceeded\"", "\"rate_limit_exceeded\"")),
    },
    Mutant {
        name: "a full queue is told at once",
        caught_by: &["quotas/queue/full"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/batches") && asked.json()["metadata"]["turn"] == "beyond" {
                *told = Told::new(400, "{\"error\": {\"code\": \"token_limit_exceeded\"}}");
            }
        }),
    },
    Mutant {
        name: "the queue never comes free",
        caught_by: &["quotas/queue/comes-free"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() && told.get("/metadata/turn") == "third" {
                told.set("/status", "failed");
            }
        }),
    },
    Mutant {
        name: "all models share a queue",
        caught_by: &["quotas/queue/by-model"],
        lie: Tells(|asked, told| {
            let is_other = told.get("/model").as_str().is_some_and(|model| !model.contains("mini"));
            if asked.retrieves_batch() && is_other {
                told.set("/status", "failed");
            }
        }),
    },
    Mutant {
        name: "batches beyond those of an hour are taken",
        caught_by: &["quotas/rates/batches"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/batches") && told.status == 429 {
                *told = Told::new(200, "{\"id\": \"batch_a\", \"object\": \"batch\"}");
            }
        }),
    },
    Mutant {
        name: "whoever asks too often is told a date",
        caught_by: &["quotas/rates/retry-after"],
        lie: Tells(|_, told| {
            if told.headers.contains_key("retry-after") {
                let date = axum::http::HeaderValue::from_static("Thu, 01 Jan 2026 00:00:09 GMT");
                told.headers.insert("retry-after", date);
            }
        }),
    },
];
