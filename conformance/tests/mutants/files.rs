//! Lies about keys, headers, errors, files and uploads.

use serde_json::{Value, json};

use crate::Mutant;
use crate::proxy::Lie::{Asked, Instead, Told as Tells};
use crate::proxy::Told;

const A_FILE: &str = "{\"id\": \"file-a\", \"object\": \"file\"}";

/// Tells a success where there was a refusal with this status.
fn accept(told: &mut Told, status: u16) {
    if told.status == status {
        *told = Told::new(200, A_FILE);
    }
}

/// Tells another status.
fn restate(told: &mut Told, status: u16, other: u16) {
    if told.status == status {
        told.status = other;
    }
}

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "lists are called pages",
        caught_by: &["auth/bearer-key"],
        lie: Tells(|asked, told| {
            if asked.query == "limit=1" {
                told.set("/object", "page");
            }
        }),
    },
    Mutant {
        name: "no key is a 403",
        caught_by: &["auth/no-key"],
        lie: Tells(|asked, told| {
            if !asked.headers.contains_key("authorization") {
                restate(told, 401, 403);
            }
        }),
    },
    Mutant {
        name: "a wrong key has another code",
        caught_by: &["auth/wrong-key"],
        lie: Tells(|_, told| told.set("/error/code", "bad_key")),
    },
    Mutant {
        name: "errors have no request id",
        caught_by: &["headers/request-id", "headers/request-id-form"],
        lie: Tells(|_, told| {
            if told.status == 404 {
                told.headers.remove("x-request-id");
            }
        }),
    },
    Mutant {
        name: "headers of SDKs are refused",
        caught_by: &["headers/sdk-headers-accepted"],
        lie: Tells(|asked, told| {
            if asked.headers.contains_key("x-stainless-lang") {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "an error lacks its param",
        caught_by: &["errors/envelope", "errors/key-order"],
        lie: Tells(|_, told| told.remove("/error", "param")),
    },
    Mutant {
        name: "broken JSON is a 422",
        caught_by: &["errors/body-is-no-json"],
        lie: Tells(|asked, told| {
            if asked.body == b"{broken" {
                restate(told, 400, 422);
            }
        }),
    },
    Mutant {
        name: "an unknown path is answered in HTML",
        caught_by: &["errors/unknown-path"],
        lie: Instead(|asked| asked.path.starts_with("/there").then(|| Told::new(404, "<h1>Not Found</h1>"))),
    },
    Mutant {
        name: "an upload does not tell when it was created",
        caught_by: &[
            "files/upload/object",
            "files/upload/purposes",
            "files/upload/every-key",
            "files/upload/batch-expiry-default",
            "files/upload/expires-after",
        ],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") {
                told.remove("", "created_at");
            }
        }),
    },
    Mutant {
        name: "an upload counts a byte too many",
        caught_by: &["files/upload/name-and-size"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") {
                told.add("/bytes", 1);
            }
        }),
    },
    Mutant {
        name: "files for evals are refused",
        caught_by: &["files/upload/purposes"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && asked.holds("evals") {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "a bad purpose is not named",
        caught_by: &["files/upload/bad-purpose"],
        lie: Tells(|_, told| told.set("/error/param", Value::Null)),
    },
    Mutant {
        name: "files of results can be uploaded",
        caught_by: &["files/upload/results-are-not-uploaded"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && asked.holds("batch_output") {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "a form without a purpose is taken",
        caught_by: &["files/upload/required-fields"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && !asked.holds("name=\"purpose\"") {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "every file expires",
        caught_by: &["files/upload/others-stay"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && told.get("/expires_at").is_null() {
                told.set("/expires_at", 1);
            }
        }),
    },
    Mutant {
        name: "an expiry that is asked for is passed over",
        caught_by: &["files/upload/expires-after"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && asked.holds("expires_after") {
                told.set("/expires_at", Value::Null);
            }
        }),
    },
    Mutant {
        name: "any expiry is taken",
        caught_by: &["files/upload/expires-after-range"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && asked.holds("expires_after") {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "prose is taken",
        caught_by: &["files/upload/prose-for-batch"],
        lie: Tells(|asked, told| {
            if asked.holds("Dear model") {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "empty files are taken",
        caught_by: &["files/upload/empty-for-batch"],
        lie: Tells(|asked, told| {
            if asked.holds("octet-stream\r\n\r\n\r\n--") {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "all lines are checked at upload",
        caught_by: &["files/upload/only-first-line-checked"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && asked.holds("{broken") {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "any bytes are taken",
        caught_by: &["files/upload/not-utf-8"],
        lie: Tells(|asked, told| {
            if std::str::from_utf8(&asked.body).is_err() {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "names must end with .jsonl",
        caught_by: &["files/upload/any-name"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/files") && asked.holds("requests.txt") {
                told.status = 400;
            }
        }),
    },
    Mutant {
        name: "a file has another size when it is retrieved",
        caught_by: &["files/retrieve/same-as-uploaded"],
        lie: Tells(|asked, told| {
            if asked.retrieves_file() {
                told.add("/bytes", 1);
            }
        }),
    },
    Mutant {
        name: "an unknown file is a 400",
        caught_by: &["files/retrieve/unknown", "files/retrieve/unknown-message"],
        lie: Tells(|asked, told| {
            if asked.retrieves_file() {
                restate(told, 404, 400);
            }
        }),
    },
    Mutant {
        name: "content has other line ends",
        caught_by: &["files/content/bytes", "files/content/purposes", "files/content/vision"],
        lie: Tells(|asked, told| {
            if asked.downloads() {
                told.replace("\r\n", "\n");
            }
        }),
    },
    Mutant {
        name: "unknown files are empty",
        caught_by: &["files/content/unknown"],
        lie: Tells(|asked, told| {
            if asked.downloads() && told.status == 404 {
                *told = Told::new(200, "");
            }
        }),
    },
    Mutant {
        name: "the last id of a page of files is the first",
        caught_by: &["files/list/envelope"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/files") {
                told.set("/last_id", told.get("/first_id"));
            }
        }),
    },
    Mutant {
        name: "files come oldest first unless asked otherwise",
        caught_by: &["files/list/newest-first", "files/list/paging"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/files") && !asked.query.contains("order=asc") {
                told.turn_round();
            }
        }),
    },
    Mutant {
        name: "files never come oldest first",
        caught_by: &["files/list/oldest-first"],
        lie: Tells(|asked, told| {
            if asked.query.contains("order=asc") {
                told.turn_round();
            }
        }),
    },
    Mutant {
        name: "lists pass over the purpose",
        caught_by: &["files/list/purpose", "files/list/empty"],
        lie: Asked(|asked| asked.query = asked.query.replace("purpose=", "other=")),
    },
    Mutant {
        name: "a page of files begins one too late",
        caught_by: &["files/list/paging"],
        lie: Tells(|asked, told| {
            if asked.is("GET", "/files") && asked.query.contains("after=") {
                let mut data = told.get("/data").as_array().cloned().unwrap_or_default();
                data.drain(..data.len().min(1));
                told.set("/data", data);
            }
        }),
    },
    Mutant {
        name: "a deletion says that nothing was deleted",
        caught_by: &["files/delete/answer", "results/deletable"],
        lie: Tells(|_, told| told.set("/deleted", false)),
    },
    Mutant {
        name: "nothing is deleted",
        caught_by: &[
            "files/delete/gone",
            "files/delete/not-listed",
            "files/delete/input-of-new-batch",
            "results/deletable",
        ],
        lie: Instead(|asked| {
            let id = asked.path.strip_prefix("/files/").filter(|_| asked.method == "DELETE")?;
            let body = json!({"id": id, "object": "file", "deleted": true});
            Some(Told::new(200, &body.to_string()))
        }),
    },
    Mutant {
        name: "a new upload is open",
        caught_by: &["uploads/create/object"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/uploads") {
                told.set("/status", "open");
            }
        }),
    },
    Mutant {
        name: "an upload has a second more",
        caught_by: &["uploads/create/an-hour"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/uploads") {
                told.add("/expires_at", 1);
            }
        }),
    },
    Mutant {
        name: "an upload needs no type",
        caught_by: &["uploads/create/required"],
        lie: Tells(|asked, told| {
            if asked.is("POST", "/uploads") && !asked.holds("mime_type") && asked.body != b"{}" {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "a part is one of another upload",
        caught_by: &["uploads/parts/object"],
        lie: Tells(|_, told| told.set("/upload_id", "upload_other")),
    },
    Mutant {
        name: "a completed upload has another size",
        caught_by: &["uploads/complete/file"],
        lie: Tells(|_, told| told.add("/file/bytes", 1)),
    },
    Mutant {
        name: "parts stand in the order in which they came",
        caught_by: &["uploads/complete/order"],
        lie: Asked(|asked| {
            let mut body = asked.json();
            if let Some(parts) = body["part_ids"].as_array_mut() {
                parts.reverse();
                asked.body = body.to_string().into();
            }
        }),
    },
    Mutant {
        name: "any length will do",
        caught_by: &["uploads/complete/wrong-length"],
        lie: Tells(|asked, told| {
            if asked.path.ends_with("/complete")
                && asked.json()["part_ids"].as_array().map(Vec::len) == Some(1)
            {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "checksums are passed over",
        caught_by: &["uploads/complete/wrong-checksum"],
        lie: Asked(|asked| {
            if asked.path.ends_with("/complete") {
                let mut body = asked.json();
                body["md5"].take();
                asked.body = body.to_string().into();
            }
        }),
    },
    Mutant {
        name: "parts are taken at any time",
        caught_by: &["uploads/complete/closed", "uploads/cancel/closed", "uploads/expiry/closed"],
        lie: Tells(|asked, told| {
            if asked.path.ends_with("/parts") {
                accept(told, 400);
            }
        }),
    },
    Mutant {
        name: "a cancelled upload is pending",
        caught_by: &["uploads/cancel/object"],
        lie: Tells(|asked, told| {
            if asked.path.ends_with("/cancel") {
                told.set("/status", "pending");
            }
        }),
    },
];
