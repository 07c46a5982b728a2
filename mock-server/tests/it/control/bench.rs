//! A mock to experiment with, and a client that holds each answer of the control API against the document.

use std::fmt::Write as _;

use batchmock::{Builder, ClockMode, MockServer, Timestamp};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// What clocks show at first: 2026-01-01T00:00:00Z.
pub(super) const START: i64 = 1_767_225_600;

/// Whose world most tests are about.
pub(super) const KEY: &str = "sk-control-test";

/// Somebody else.
pub(super) const OTHER_KEY: &str = "sk-somebody-else";

/// A mock, a client, and the document.
pub(super) struct Bench {
    pub(super) server: MockServer,
    pub(super) client: Client,
    pub(super) document: Document,
}

/// The OpenAPI document of the control API, as it is served.
pub(super) struct Document(pub(super) Value);

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Bench {
    /// A mock on a frozen clock.
    pub(super) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// A mock on a frozen clock, unless `tune` says otherwise.
    pub(super) async fn with(tune: impl FnOnce(Builder) -> Builder) -> Self {
        let builder =
            MockServer::builder().clock(ClockMode::Frozen).start_at(Timestamp::from_unix_seconds(START));
        let server = tune(builder).start().await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        let document = client.get(format!("http://{}/_mock/v1/openapi.json", server.address()));
        let document = document.send().await.unwrap().json().await.unwrap();
        Self { server, client, document: Document(document) }
    }

    /// A request to the control API, without a key.
    pub(super) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("http://{}/_mock/v1{path}", self.server.address()))
    }

    /// Sends a request to the control API, and holds its answer against the document.
    pub(super) async fn send(&self, method: &str, path: &str, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        self.document.check(method, path, &answer);
        answer
    }

    /// Asks the control API for something in the world of a key.
    pub(super) async fn ask_as(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(method, path, request).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask_as(KEY, "GET", path, None).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask_as(KEY, "PUT", path, Some(body)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask_as(KEY, "POST", path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.ask_as(KEY, "DELETE", path, None).await
    }

    /// Advances the clock, which must work.
    pub(super) async fn advance(&self, target: Value) -> Value {
        self.post("/clock/advance", target).await.expect(200)
    }

    /// What the clock shows, in milliseconds.
    pub(super) async fn now(&self, key: &str) -> String {
        let clock = self.ask_as(key, "GET", "/clock", None).await.expect(200);
        clock["now"]["rfc3339"].as_str().unwrap().to_owned()
    }

    /// What is to come for a batch.
    pub(super) async fn plan(&self, batch_id: &str) -> Value {
        self.get(&format!("/batches/{batch_id}/plan")).await.expect(200)
    }

    /// Forces an ending.
    pub(super) async fn force(&self, batch_id: &str, body: Value) -> Answer {
        self.post(&format!("/batches/{batch_id}/ending"), body).await
    }

    /// A request to the API itself, below `/v1`.
    pub(super) fn api(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.base_url())).bearer_auth(key)
    }

    /// A batch as the API shows it.
    pub(super) async fn retrieve(&self, batch_id: &str) -> Value {
        Answer::of(self.api(KEY, Method::GET, &format!("/batches/{batch_id}"))).await.expect(200)
    }

    /// Cancels a batch.
    pub(super) async fn cancel(&self, batch_id: &str) {
        Answer::of(self.api(KEY, Method::POST, &format!("/batches/{batch_id}/cancel"))).await.expect(200);
    }

    /// Uploads a file.
    pub(super) async fn upload(&self, key: &str, content: String) -> String {
        let form =
            Form::new().text("purpose", "batch").part("file", Part::text(content).file_name("input.jsonl"));
        let file = Answer::of(self.api(key, Method::POST, "/files").multipart(form)).await.expect(200);
        file["id"].as_str().unwrap().to_owned()
    }

    /// Creates a batch of these lines, and tells its id.
    pub(super) async fn create_as(&self, key: &str, custom_ids: &[&str]) -> String {
        let file = self.upload(key, lines(custom_ids)).await;
        self.create_from(key, &file).await
    }

    /// Creates a batch of these lines, and tells its id.
    pub(super) async fn create(&self, custom_ids: &[&str]) -> String {
        self.create_as(KEY, custom_ids).await
    }

    /// Creates a batch of an uploaded file, and tells its id.
    pub(super) async fn create_from(&self, key: &str, file: &str) -> String {
        let new =
            json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"});
        let batch = Answer::of(self.api(key, Method::POST, "/batches").json(&new)).await.expect(200);
        batch["id"].as_str().unwrap().to_owned()
    }

    /// The lines of a result file; none if there is no such file.
    pub(super) async fn content(&self, file: &Value) -> Vec<String> {
        let Some(id) = file.as_str() else { return Vec::new() };
        let content = self.api(KEY, Method::GET, &format!("/files/{id}/content")).send().await.unwrap();
        assert_eq!(content.status(), 200);
        content.text().await.unwrap().lines().map(str::to_owned).collect()
    }
}

impl Answer {
    /// Sends a request.
    pub(super) async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(answer.headers()["content-type"], "application/json");
        Self { status, body: answer.json().await.unwrap() }
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// The message of a refusal that must have this status.
    #[track_caller]
    pub(super) fn refusal(self, status: u16) -> String {
        self.expect(status)["error"]["message"].as_str().unwrap().to_owned()
    }
}

impl Document {
    /// The path of the document that a path of the control API is an instance of.
    pub(super) fn template(&self, path: &str) -> Option<&str> {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (template, path) = (template.split('/'), path.split('/'));
            template.clone().count() == path.clone().count()
                && template.zip(path).all(|(asked, given)| asked.starts_with('{') || asked == given)
        };
        self.0["paths"].as_object().unwrap().keys().map(String::as_str).find(|template| fits(template))
    }

    /// What the document says of an operation.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        self.0["paths"][self.template(path)?].get(method.to_lowercase())
    }

    /// The response of an operation with a status.
    pub(super) fn response<'d>(&'d self, operation: &'d Value, status: u16) -> Option<&'d Value> {
        let response = operation["responses"].get(status.to_string())?;
        Some(match response["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => response,
        })
    }

    /// Panics if an answer is not as the document says. A method or a path that the document does not have
    /// is to be answered with an error all the same.
    #[track_caller]
    fn check(&self, method: &str, path: &str, answer: &Answer) {
        let Answer { status, body } = answer;
        let schema = match self.operation(method, path) {
            Some(operation) => {
                let response = self.response(operation, *status);
                let response = response
                    .unwrap_or_else(|| panic!("{method} {path}: {status} is not documented\n{body:#}"));
                &response["content"]["application/json"]["schema"]
            }
            None => &json!({"$ref": "#/components/schemas/Error"}),
        };
        let problems = self.problems(schema, body);
        assert!(problems.is_empty(), "{method} {path} {status}:\n{problems}{body:#}");
    }

    /// What is wrong with a value, by a schema that may refer to others of the document.
    pub(super) fn problems(&self, schema: &Value, value: &Value) -> String {
        assert!(schema.is_object(), "there is no schema");
        let schema = json!({
            "$schema": self.0["jsonSchemaDialect"],
            "allOf": [schema],
            "components": self.0["components"],
        });
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        validator.iter_errors(value).fold(String::new(), |mut problems, problem| {
            writeln!(problems, "{problem} at {}", problem.instance_path()).unwrap();
            problems
        })
    }
}

/// Lines of input, one for each custom id.
pub(super) fn lines(custom_ids: &[&str]) -> String {
    let line = |custom_id: &&str| {
        let messages = json!([{"role": "user", "content": format!("What is {custom_id}?")}]);
        let body = json!({"model": "gpt-4o-mini", "messages": messages});
        json!({"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body})
            .to_string()
    };
    custom_ids.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A batch in short: its status, its counts, its files.
pub(super) fn in_short(batch: &Value) -> String {
    let counts = &batch["request_counts"];
    let has = |file: &str| {
        let is_there = match batch.get(format!("has_{file}")) {
            Some(planned) => planned.as_bool().unwrap(),
            None => !batch[format!("{file}_id")].is_null(),
        };
        if is_there { format!(", {file}") } else { String::new() }
    };
    format!(
        "{} {}+{} of {}{}{}",
        batch["status"].as_str().unwrap(),
        counts["completed"],
        counts["failed"],
        counts["total"],
        has("output_file"),
        has("error_file"),
    )
}
