//! The document is complete and true.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::bench::{Answer, Bench, KEY};

/// An endpoint that takes nothing: no program listens at this port.
const SILENT: &str = "http://127.0.0.1:9/hook";

/// The methods that an operation of the document can have.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// The method, path and statuses of each operation of the document.
fn documented(bench: &Bench) -> Vec<(String, String, BTreeSet<u16>)> {
    let mut operations = Vec::new();
    for (path, item) in bench.document.0["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let statuses = operation["responses"].as_object().unwrap().keys();
            let statuses = statuses.map(|status| status.parse().unwrap()).collect();
            operations.push((method.to_uppercase(), path.clone(), statuses));
        }
    }
    operations
}

#[tokio::test]
async fn it_has_the_operations_of_the_router_and_no_others() {
    let bench = Bench::start().await;
    let documented: BTreeSet<(String, String)> =
        documented(&bench).into_iter().map(|(method, path, _)| (method, path)).collect();

    // axum does not tell the routes of a router, so they are read where they are written.
    let source = include_str!("../../../src/control/mod.rs");
    let mut routed = BTreeSet::new();
    for route in source.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once('"').unwrap();
        let methods = rest.lines().next().unwrap();
        for method in METHODS {
            if methods.contains(&format!("{method}(")) {
                routed.insert((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    assert!(routed.len() > 8, "the routes are not written as this test reads them");
    assert_eq!(routed, documented);
}

#[tokio::test]
async fn every_status_of_every_operation_is_answered() {
    let bench = Bench::start().await;
    let too_long = format!("{{\"mode\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));

    for (method, template, mut statuses) in documented(&bench) {
        let id = bench.create(&["a", "b"]).await;
        let ended = bench.create(&["c"]).await;
        bench.force(&ended, json!({"status": "cancelled"})).await.expect(200);
        // A full disk is no matter for a test.
        statuses.remove(&500);
        let good = match template.as_str() {
            "/clock" => json!({"mode": "frozen"}),
            "/quotas" => json!({"batches_per_hour": 1000}),
            "/clock/advance" => json!({"by": 0}),
            "/scenario" => json!({"name": "happy-shuffled"}),
            "/journal/wait" => json!({"for": 0}),
            "/webhooks" if method == "POST" => json!({"url": SILENT}),
            "/webhooks" => json!({"plan": {}}),
            "/faults" => json!({"fault": [{"operation": "unknown", "error": "overloaded"}]}),
            _ => json!({"status": "completed"}),
        };
        if template == "/world" {
            // A file, which `moving` is about.
            statuses.remove(&200);
        }
        for status in statuses {
            if template == "/webhooks" {
                bench.delete("/webhooks").await.expect(200);
            }
            let mut asked = method.as_str();
            let mut batch_id = id.as_str();
            let mut query = "";
            let mut tune: Box<dyn Fn(RequestBuilder) -> RequestBuilder> =
                Box::new(|request| request.bearer_auth(KEY).json(&good));
            match status {
                200 => {}
                // Where no body is read.
                400 if method == "GET" => query = "?kind=mistake",
                400 => tune = Box::new(|request| request.bearer_auth(KEY).body("{")),
                401 => tune = Box::new(|request| request.json(&good)),
                403 => {
                    tune =
                        Box::new(|request| request.bearer_auth(KEY).header("sec-fetch-site", "cross-site"));
                }
                404 if template == "/clock/advance" => {
                    let until = json!({"until": {"batch_id": "batch_none", "status": "failed"}});
                    tune = Box::new(move |request| request.bearer_auth(KEY).json(&until));
                }
                404 if template == "/faults" => {
                    let of_none = json!({"batch_id": "batch_none", "fault": []});
                    tune = Box::new(move |request| request.bearer_auth(KEY).json(&of_none));
                }
                404 => batch_id = "batch_none",
                405 => asked = "PATCH",
                409 if template == "/clock/advance" => {
                    tune = Box::new(|request| request.bearer_auth(KEY).json(&json!({"to": 0})));
                }
                409 if template == "/webhooks" => {
                    let many = vec![json!({"url": SILENT}); 20];
                    bench.put("/webhooks", json!({"endpoints": many})).await.expect(200);
                    let more = if method == "POST" {
                        json!({"url": SILENT})
                    } else {
                        json!({"endpoints": vec![json!({"url": SILENT}); 21]})
                    };
                    tune = Box::new(move |request| request.bearer_auth(KEY).json(&more));
                }
                409 => batch_id = &ended,
                413 => tune = Box::new(|request| request.bearer_auth(KEY).body(too_long.clone())),
                503 => {
                    let many = json!({"fault": vec![json!({"operation": "unknown", "delay": "0s"}); 10_001]});
                    tune = Box::new(move |request| request.bearer_auth(KEY).json(&many));
                }
                other => panic!("{method} {template}: nothing is known of {other}"),
            }
            let mut path = template.replace("{batch_id}", batch_id);
            if template.contains("{delivery_id}") {
                // One that waits for its next attempt, or has been given up.
                bench.delete("/webhooks").await.expect(200);
                bench.put("/webhooks", json!({"plan": {"delay": "1h"}})).await.expect(200);
                bench.post("/webhooks", json!({"url": SILENT})).await.expect(200);
                let told = bench.create(&["d"]).await;
                bench.force(&told, json!({"status": "cancelled"})).await.expect(200);
                let deliveries = bench.get("/webhooks/deliveries").await.expect(200);
                let delivery =
                    if status == 404 { "none" } else { deliveries["deliveries"][0]["id"].as_str().unwrap() };
                path = template.replace("{delivery_id}", delivery);
                if status == 200 {
                    continue;
                }
            }
            if template == "/webhooks/deliveries" && status == 400 {
                path.push_str("?limit=0");
            }
            let answer =
                bench.send(asked, &path, tune(bench.request(asked, &format!("{path}{query}")))).await;
            assert_eq!(answer.status, status, "{method} {template}: {:#}", answer.body);
        }
    }
}

#[tokio::test]
async fn its_examples_fit_its_schemas() {
    let bench = Bench::start().await;
    let mut n_examples = 0;
    let mut check = |content: &Value| {
        let content = &content["application/json"];
        let several = content.get("examples").and_then(Value::as_object);
        let several =
            several.into_iter().flat_map(|examples| examples.values().map(|example| &example["value"]));
        for example in content.get("example").into_iter().chain(several) {
            n_examples += 1;
            let problems = bench.document.problems(&content["schema"], example);
            assert!(problems.is_empty(), "{problems}{example:#}");
        }
    };
    for response in bench.document.0["components"]["responses"].as_object().unwrap().values() {
        check(&response["content"]);
    }
    for (method, path, statuses) in documented(&bench) {
        let operation = bench.document.operation(&method, &path).unwrap();
        check(operation.pointer("/requestBody/content").unwrap_or(&Value::Null));
        for status in statuses {
            check(&bench.document.response(operation, status).unwrap()["content"]);
        }
    }
    assert!(n_examples > 20, "{n_examples}");
}

#[tokio::test]
async fn its_examples_can_be_pasted() {
    let bench = Bench::start().await;
    let example_id = bench.document.0["components"]["parameters"]["BatchId"]["example"].as_str().unwrap();
    for (method, template, _) in documented(&bench) {
        let operation = bench.document.operation(&method, &template).unwrap();
        let Some(examples) = operation.pointer("/requestBody/content/application~1json/examples") else {
            continue;
        };
        for (name, example) in examples.as_object().unwrap() {
            bench.ask_as(KEY, "POST", "/reset", None).await.expect(200);
            let id = bench.create(&["a"]).await;
            let body = example["value"].to_string().replace(example_id, &id);
            let body = serde_json::from_str(&body).unwrap();
            let path = template.replace("{batch_id}", &id);
            let answer = bench.ask_as(KEY, &method, &path, Some(body)).await;
            assert_eq!(answer.status, 200, "{method} {template}, {name}: {:#}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_it_does_not_allow_is_refused() {
    let bench = Bench::start().await;
    let id = bench.create(&["a"]).await;
    let ending = format!("/batches/{id}/ending");
    let cases = [
        ("PUT", "/clock", json!({})),
        ("PUT", "/clock", json!({"mode": "fast"})),
        ("PUT", "/clock", json!({"mode": "scaled"})),
        ("PUT", "/clock", json!({"mode": 3600})),
        ("PUT", "/clock", json!({"mode": null})),
        ("PUT", "/clock", json!({"mode": "frozen", "now": 0})),
        ("PUT", "/scenario", json!({})),
        ("PUT", "/scenario", json!({"name": 1})),
        ("PUT", "/scenario", json!({"scenario": "all-failed"})),
        ("PUT", "/quotas", json!({"preset": "tier-9"})),
        ("PUT", "/quotas", json!({"enqued_tokens": 1})),
        ("PUT", "/quotas", json!({"enqueued_tokens": -1})),
        ("PUT", "/quotas", json!({"enqueued_tokens": "many"})),
        ("PUT", "/quotas", json!({"enqueued_tokens": {"gpt-4o": true}})),
        ("PUT", "/quotas", json!({"batches_per_hour": 1.5})),
        ("PUT", "/quotas", json!({"batches_per_hour": {"gpt-4o": 1}})),
        ("PUT", "/quotas", json!({"phantom_for": 600})),
        ("POST", "/clock/advance", json!({})),
        ("POST", "/clock/advance", json!({"by": "1h", "to": 0})),
        ("POST", "/clock/advance", json!({"by": null})),
        ("POST", "/clock/advance", json!({"by": -1})),
        ("POST", "/clock/advance", json!({"by": ["1h"]})),
        ("POST", "/clock/advance", json!({"to": "tomorrow"})),
        ("POST", "/clock/advance", json!({"to": "2030-01-01T00:00:00+01:00"})),
        ("POST", "/clock/advance", json!({"to": 1.5})),
        ("POST", "/clock/advance", json!({"to": true})),
        ("POST", "/clock/advance", json!({"until": "the end"})),
        ("POST", "/clock/advance", json!({"until": {"status": "completed"}})),
        ("POST", "/clock/advance", json!({"until": {"batch_id": id}})),
        ("POST", "/clock/advance", json!({"until": {"batch_id": id, "status": "done"}})),
        ("POST", "/clock/advance", json!({"until": {"batch_id": id, "status": "completed", "or": 1}})),
        ("POST", "/clock/advance", json!({"hurry": true})),
        ("PUT", "/faults", json!({})),
        ("PUT", "/faults", json!({"fault": [{"nth": 1}]})),
        ("PUT", "/faults", json!({"fault": [{"error": "overloaded"}, {"error": "overload"}]})),
        ("PUT", "/faults", json!({"fault": [{"error": null}]})),
        ("PUT", "/faults", json!({"fault": [], "batch_id": id})),
        ("POST", "/faults", json!({"fault": [], "batch_id": 7})),
        ("POST", "/faults", json!({"batch_id": id})),
        ("POST", &ending, json!({})),
        ("POST", &ending, json!({"status": null})),
        ("POST", &ending, json!({"status": "finalizing"})),
        ("POST", &ending, json!({"status": "expired", "at": 0})),
        ("POST", &ending, json!({"status": "expired", "errors": []})),
        ("POST", &ending, json!({"status": "failed", "errors": {}})),
        ("POST", &ending, json!({"status": "failed", "errors": ["bad"]})),
        ("POST", &ending, json!({"status": "failed", "errors": [{"code": "bad"}]})),
        (
            "POST",
            &ending,
            json!({"status": "failed", "errors": [{"code": "bad", "message": "bad", "line": 0}]}),
        ),
        (
            "POST",
            &ending,
            json!({"status": "failed", "errors": [{"code": "bad", "message": "bad", "row": 1}]}),
        ),
        ("PUT", "/webhooks", json!({})),
        ("PUT", "/webhooks", json!({"url": SILENT})),
        ("PUT", "/webhooks", json!({"endpoints": {}})),
        ("PUT", "/webhooks", json!({"endpoints": [SILENT]})),
        ("PUT", "/webhooks", json!({"endpoints": [{"url": "ftp://127.0.0.1/"}]})),
        ("PUT", "/webhooks", json!({"endpoints": [{"url": "http://u:p@127.0.0.1/"}]})),
        ("PUT", "/webhooks", json!({"plan": {"copys": 2}})),
        ("PUT", "/webhooks", json!({"plan": {"copies": 0}})),
        ("PUT", "/webhooks", json!({"plan": {"early": "yes"}})),
        ("PUT", "/webhooks", json!({"plan": {"signature": "rong"}})),
        ("PUT", "/webhooks", json!({"plan": {"timeout": 0}})),
        ("PUT", "/webhooks", json!({"plan": {"delay": true}})),
        ("PUT", "/webhooks", json!({"plan": {"retry_speed": 1.5}})),
        ("POST", "/webhooks", json!({})),
        ("POST", "/webhooks", json!({"url": ""})),
        ("POST", "/webhooks", json!({"url": SILENT, "secret": ""})),
        ("POST", "/webhooks", json!({"url": SILENT, "secret": 1})),
        ("POST", "/webhooks", json!({"url": SILENT, "events": []})),
        ("POST", "/webhooks", json!({"url": SILENT, "events": ["batch.canceled"]})),
        ("POST", "/webhooks", json!({"url": SILENT, "event": "batch.failed"})),
    ];
    let mut refusals = String::new();
    for (method, path, body) in cases {
        let operation = bench.document.operation(method, path).unwrap();
        let schema = operation.pointer("/requestBody/content/application~1json/schema").unwrap();
        assert!(!bench.document.problems(schema, &body).is_empty(), "the document allows {path} {body}");
        let message = bench.ask_as(KEY, method, path, Some(body.clone())).await.refusal(400);
        let shown = format!("{method} {path} {body}\n  {message}\n").replace(&id, "{batch_id}");
        refusals.push_str(&shown);
    }
    assert_eq!(bench.retrieve(&id).await["status"], "validating");
    insta::assert_snapshot!(refusals);
}

#[tokio::test]
async fn texts_that_no_schema_can_tell_are_refused_as_well() {
    let bench = Bench::start().await;
    let mut refusals = String::new();
    for (method, path, body) in [
        ("PUT", "/clock", json!({"mode": "scaled:0"})),
        ("PUT", "/clock", json!({"mode": "scaled:-1"})),
        ("PUT", "/clock", json!({"mode": "scaled:fast"})),
        ("PUT", "/scenario", json!({"name": "expired-partail"})),
        ("PUT", "/scenario", json!({"toml": "summary = "})),
        ("POST", "/clock/advance", json!({"by": "soon"})),
        ("POST", "/clock/advance", json!({"by": "90"})),
        ("POST", "/clock/advance", json!({"by": 1e300})),
        ("POST", "/clock/advance", json!({"to": "2030-02-31T00:00:00Z"})),
        ("PUT", "/webhooks", json!({"plan": {"delay": "soon"}})),
        ("PUT", "/webhooks", json!({"plan": {"timeout": "25h"}})),
        ("POST", "/webhooks", json!({"url": "http://a b/"})),
        ("POST", "/webhooks", json!({"url": SILENT, "secret": "whsec_no base64"})),
    ] {
        let message = bench.ask_as(KEY, method, path, Some(body.clone())).await.refusal(400);
        writeln!(refusals, "{method} {path} {body}\n  {message}").unwrap();
    }
    insta::assert_snapshot!(refusals);
}

#[tokio::test]
async fn bodies_that_are_no_json_objects_are_refused() {
    let bench = Bench::start().await;
    for body in ["", "{", "[]", "null", "\"frozen\""] {
        let request = bench.request("PUT", "/clock").bearer_auth(KEY).body(body);
        bench.send("PUT", "/clock", request).await.expect(400);
    }
}

#[tokio::test]
async fn an_unknown_path_is_told_the_nearest() {
    let bench = Bench::start().await;
    let mut answers = String::new();
    for path in ["/clocks", "/clock/advances", "/batches/batch_1/plans", "/webhook", "/health/", ""] {
        let message = bench.get(path).await.refusal(404);
        writeln!(answers, "{path}: {message}").unwrap();
    }
    insta::assert_snapshot!(answers);
}

#[tokio::test]
async fn health_and_the_document_need_no_key() {
    let bench = Bench::start().await;
    for path in ["/health", "/ready"] {
        let answer = bench.send("GET", path, bench.request("GET", path)).await.expect(200);
        assert_eq!(answer, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    }
    bench.send("GET", "/openapi.json", bench.request("GET", "/openapi.json")).await.expect(200);
    for (method, path, _) in documented(&bench) {
        let operation = bench.document.operation(&method, &path).unwrap();
        let needs_no_key = operation.get("security") == Some(&json!([]));
        let answer = Answer::of(bench.request(&method, &path)).await;
        assert_eq!(answer.status == 401, !needs_no_key, "{method} {path}");
    }
}
