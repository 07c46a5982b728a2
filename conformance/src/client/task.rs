//! What a client is asked to do, as it is written for the client.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the protocol that tasks and results are of.
pub const PROTOCOL: u32 = 1;

/// The JSON Schema of a task.
pub const SCHEMA: &str = include_str!("schema/task.schema.json");

/// What a client is asked to do. `schema/task.schema.json` describes each member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// What is to be done with the rest.
    pub verb: Verb,
    /// Where lines run.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub endpoint: String,
    /// The model that lines name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// How long a batch may take.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub completion_window: String,
    /// What is to be asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// Whether what is missing, or worth another try, is to be submitted again.
    #[serde(default)]
    pub finish: bool,
    /// Whether files are to be deleted in the end.
    #[serde(default)]
    pub cleanup: bool,
    /// The batch that is to be collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<String>,
    /// The keys of a batch that is to be collected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Files that are to be sent there and back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<TaskFile>,
    /// With which webhooks are signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Webhooks that came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

/// What can be asked of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Items in, results out.
    RunBatch,
    /// The same, but the batch is cancelled as soon as it is in progress.
    RunThenCancel,
    /// The results of a batch that is there already.
    Collect,
    /// Files there and back.
    FilesRoundtrip,
    /// Webhooks that came.
    WebhookConsume,
}

/// A request, as a user has it in mind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What the result file calls it.
    pub key: String,
    /// The text of its message.
    pub prompt: String,
}

/// A file to send there and back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFile {
    /// What the result file calls it.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its contents.
    pub text: String,
}

/// A webhook that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What the result file calls it.
    pub key: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, to the letter.
    pub body: String,
}

impl Verb {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::RunBatch, Self::RunThenCancel, Self::Collect, Self::FilesRoundtrip, Self::WebhookConsume];

    /// The word for it in a task.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunBatch => "run-batch",
            Self::RunThenCancel => "run-then-cancel",
            Self::Collect => "collect",
            Self::FilesRoundtrip => "files-roundtrip",
            Self::WebhookConsume => "webhook-consume",
        }
    }
}

impl Task {
    /// A task of which nothing is said but what is to be done.
    pub fn new(verb: Verb) -> Self {
        Self {
            protocol: PROTOCOL,
            verb,
            endpoint: String::new(),
            model: String::new(),
            completion_window: String::new(),
            items: Vec::new(),
            finish: false,
            cleanup: false,
            batch_id: None,
            keys: Vec::new(),
            files: Vec::new(),
            secret: None,
            deliveries: Vec::new(),
        }
    }

    /// All keys of which a client has to give an account, in order.
    pub fn all_keys(&self) -> impl Iterator<Item = &str> {
        let items = self.items.iter().map(|item| item.key.as_str());
        let files = self.files.iter().map(|file| file.key.as_str());
        let deliveries = self.deliveries.iter().map(|delivery| delivery.key.as_str());
        items.chain(self.keys.iter().map(String::as_str)).chain(files).chain(deliveries)
    }
}
