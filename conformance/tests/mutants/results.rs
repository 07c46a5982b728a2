//! Lies about results.

use serde_json::json;

use crate::Mutant;
use crate::proxy::Lie::Told as Tells;

/// A lie that writes another text in downloaded files.
macro_rules! holds {
    ($text:literal, $other:literal) => {
        Tells(|asked, told| {
            if asked.downloads() {
                told.replace($text, $other);
            }
        })
    };
}

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "responses have no request id",
        // The file has another length, too.
        caught_by: &["results/line-keys", "results/request-ids", "results/files"],
        lie: holds!("\"request_id\": ", "\"request\": "),
    },
    Mutant {
        name: "names come back in ASCII alone",
        caught_by: &["results/every-request-once"],
        lie: holds!("\\u732b", "?"),
    },
    Mutant {
        name: "lines are answered by another endpoint",
        caught_by: &["results/success", "endpoints/chat-completions"],
        lie: holds!("\"chat.completion\"", "\"text_completion\""),
    },
    Mutant {
        name: "refused lines have status 422",
        caught_by: &["results/refused"],
        lie: holds!("\"status_code\": 400", "\"status_code\": 422"),
    },
    Mutant {
        name: "refused lines have an error as well",
        // The file has another length, too.
        caught_by: &["results/refused-error-is-null", "results/files"],
        lie: Tells(|asked, told| {
            if asked.downloads() && String::from_utf8_lossy(&told.body).contains("\"status_code\": 400") {
                told.replace(
                    "\"error\": null}\n",
                    "\"error\": {\"code\": \"refused\", \"message\": \"No.\"}}\n",
                );
            }
        }),
    },
    Mutant {
        name: "there is always an error file",
        caught_by: &["results/all-succeed"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() && told.get("/error_file_id").is_null() {
                told.set("/error_file_id", told.get("/output_file_id"));
            }
        }),
    },
    Mutant {
        name: "there is always an output file",
        caught_by: &["results/all-fail"],
        lie: Tells(|asked, told| {
            if asked.retrieves_batch() && told.get("/output_file_id").is_null() {
                told.set("/output_file_id", told.get("/error_file_id"));
            }
        }),
    },
    Mutant {
        name: "files of results have the purpose of inputs",
        caught_by: &["results/files"],
        lie: Tells(|asked, told| {
            if asked.retrieves_file() {
                told.set("/purpose", json!("batch"));
            }
        }),
    },
    Mutant {
        name: "responses are no responses",
        caught_by: &["endpoints/responses"],
        lie: holds!("\"object\": \"response\"", "\"object\": \"answer\""),
    },
    Mutant {
        name: "embeddings are no embeddings",
        caught_by: &["endpoints/embeddings"],
        lie: holds!("\"object\": \"embedding\"", "\"object\": \"vector\""),
    },
    Mutant {
        name: "completions are no completions",
        caught_by: &["endpoints/completions"],
        lie: holds!("\"text_completion\"", "\"text\""),
    },
    Mutant {
        name: "moderations flag nothing",
        caught_by: &["endpoints/moderations"],
        lie: holds!("\"flagged\": ", "\"flag\": "),
    },
    Mutant {
        name: "images are nowhere",
        caught_by: &["endpoints/image-generations", "endpoints/image-edits"],
        lie: holds!("\"b64_json\": ", "\"data\": "),
    },
    Mutant {
        name: "videos are no videos",
        caught_by: &["endpoints/videos"],
        lie: holds!("\"object\": \"video\"", "\"object\": \"film\""),
    },
];
