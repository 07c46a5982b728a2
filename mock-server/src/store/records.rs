//! The rows of the store, as they stand on disk: JSON, so that a row can be read by a person, and by a later
//! version.
//!
//! Rows and the types of the world are turned into each other by hand, in both directions without `..`: a new
//! field on either side does not compile until it has its place here. What a row holds may change only together
//! with the number of the [format](super::format::FORMAT).

mod batch;
mod behavior;
mod scenario;
mod upload;
mod world;

pub(super) use batch::{BatchRow, HappenedRow, SpentRow};
pub(super) use behavior::BehaviorRow;
use scenario::ScenarioRow;
pub(super) use upload::UploadRow;
pub(super) use world::{FileRow, WorldRow};

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::sim::Timestamp;

use super::vault::BlobId;
use crate::world::Blob;

/// A row as bytes.
pub(super) fn encode(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("rows have texts as keys")
}

/// A row from bytes.
pub(super) fn decode<R: DeserializeOwned>(bytes: &[u8]) -> io::Result<R> {
    serde_json::from_slice(bytes).map_err(|error| damaged(format!("a row cannot be read: {error}")))
}

/// What is said of something that batchmock has not written.
pub(super) fn damaged(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Gives bytes the name that rows call them by, if there is one.
pub(super) type BlobNaming<'b, 'n> = dyn FnMut(&'b Blob) -> Option<BlobRow> + 'n;

/// The bytes of an upload.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BlobRow {
    pub(super) run: u32,
    pub(super) number: u32,
    pub(super) bytes: u64,
}

impl BlobRow {
    pub(super) fn id(self) -> BlobId {
        BlobId { run: self.run, number: self.number }
    }
}

fn millis(time: Timestamp) -> i64 {
    time.unix_millis()
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

#[cfg(test)]
mod tests {
    //! What the rows of format 2 are, to the letter: who changes one of these texts changes the format.

    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;
    use crate::sim::strategies;
    use crate::sim::{Plan, Workload};
    use crate::world::{AccountIds, BatchRecord, Behavior};

    const WORLD: &str = r#"{"label":"sk-…mock","organization_id":"org-a","project_id":"proj_b","clock":{"mode":"scaled:0.5","shows":1767225600000,"when_the_wall_shows":-1},"n_sent_files":1,"n_uploads":2,"n_batches":3,"n_files":4,"quotas":{"enqueued_tokens":{"gpt-4o-mini":1000},"batches_per_hour":3,"phantom_for":"10m"},"quotas_since":1767225600000,"creations":{"used":3600000,"at":1767225600000},"uploads":{"used":60000,"at":1}}"#;
    const OLD_WORLD: &str = r#"{"label":"sk-…mock","organization_id":"org-a","project_id":"proj_b","clock":{"mode":"frozen","shows":1767225600000,"when_the_wall_shows":-1},"n_sent_files":1,"n_uploads":2,"n_batches":3,"n_files":4}"#;
    const FILE: &str = r#"{"id":"file-1","purpose":"batch","filename":"größer.jsonl","created_at":1,"expires_at":2,"blob":{"run":3,"number":4,"bytes":5}}"#;
    const UPLOAD: &str = r#"{"id":"upload_1","purpose":"evals","filename":"a","n_bytes":1,"created_at":1,"expires_at":2,"file_expires_after":{"secs":3600,"nanos":0},"stage":"pending","parts":{"part_1":{"run":0,"number":1,"bytes":2}},"n_parts":1}"#;
    const BATCH: &str = r#"{"id":"batch_1","seed":18446744073709551615,"endpoint":"/v1/chat/completions","input_file_id":"file-1","created_at":1767225600000,"results_kept_for":{"secs":2592000,"nanos":0},"first_file_number":7,"behavior":0,"model":"gpt-4o-mini","input_tokens":9,"metadata":{"z":"1","a":"2"},"lines":{"n":20,"failing":"BAE"}}"#;
    const REFUSED: &str = r#"{"id":"batch_2","seed":1,"endpoint":"/v1/embeddings","input_file_id":"file-2","created_at":1,"results_kept_for":{"secs":3600,"nanos":0},"first_file_number":0,"behavior":0,"problems":{"texts":[{"code":"invalid_json_line","message":"This line is not parseable as valid JSON."},{"code":"empty_file","message":"The input file is empty.","param":"body"}],"said":[[0,1],[0,7],[1,null]]}}"#;
    const HAPPENED: &str = r#"{"interventions":[{"at":1,"kind":"cancel"},{"at":2,"kind":"input_gone"},{"at":3,"kind":"force_expired"}],"scripted_problems":{"texts":[{"code":"c","message":"m"}],"said":[[0,null]]},"was_retrieved":true,"deleted_results":["output","error"],"spent":{"input":5,"cached":1,"output":7,"reasoning":2,"total":12}}"#;

    fn text(row: &impl Serialize) -> String {
        String::from_utf8(encode(row)).unwrap()
    }

    fn account() -> Arc<AccountIds> {
        Arc::new(AccountIds { organization_id: "org-a".to_owned(), project_id: "proj_b".to_owned() })
    }

    fn batch(row: &str) -> BatchRecord {
        let behavior = Arc::new(Behavior::new(&Config::default()));
        decode::<BatchRow>(row.as_bytes()).unwrap().record(&account(), behavior, None).unwrap()
    }

    #[test]
    fn rows_of_the_format_are_read_and_written_to_the_letter() {
        assert_eq!(
            text(&WorldRow::new(&decode::<WorldRow>(WORLD.as_bytes()).unwrap().facts().unwrap())),
            WORLD
        );
        assert_eq!(text(&decode::<FileRow>(FILE.as_bytes()).unwrap()), FILE);
        assert_eq!(text(&decode::<UploadRow>(UPLOAD.as_bytes()).unwrap()), UPLOAD);
        for row in [BATCH, REFUSED] {
            assert_eq!(text(&BatchRow::new(&batch(row), 0)), row);
        }
        let happened = decode::<HappenedRow>(HAPPENED.as_bytes()).unwrap().happened().unwrap();
        assert_eq!(text(&HappenedRow::new(&happened)), HAPPENED);
        assert_eq!(text(&HappenedRow::new(&crate::world::Happenings::default())), "{}");
    }

    #[test]
    fn rows_of_format_1_are_read_with_defaults() {
        let facts = decode::<WorldRow>(OLD_WORLD.as_bytes()).unwrap().facts().unwrap();
        assert!(!facts.allowance.is_own);
        assert_eq!(facts.allowance.since, time(1_767_225_600_000));
        assert!(facts.allowance.creations.is_new());
        assert_eq!(batch(&BATCH.replace("\"input_tokens\":9,", "")).input_tokens, 0);
    }

    #[test]
    fn lines_that_fail_are_bits() {
        let Workload::Accepted(fates) = batch(BATCH).plan.workload() else { panic!("it was accepted") };
        let failing = fates.iter().enumerate().filter(|(_, fate)| **fate == crate::sim::LineFate::Fails);
        assert_eq!(failing.map(|(line, _)| line).collect::<Vec<_>>(), [2, 8]);
        assert_eq!(fates.len(), 20);
    }

    #[test]
    fn what_is_no_row_is_damage_and_never_a_panic() {
        for row in ["", "{}", "[]", "{\"id\":1}", &BATCH.replace("\"n\":20", "\"n\":20,\"m\":1")] {
            let error = decode::<BatchRow>(row.as_bytes()).map(drop).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{row}");
        }
        for row in [
            BATCH.replace("/v1/chat", "/v2/chat"),
            BATCH.replace("BAE", "*"),
            REFUSED.replace("[1,null]", "[2,null]"),
        ] {
            let behavior = Arc::new(Behavior::new(&Config::default()));
            let row = decode::<BatchRow>(row.as_bytes()).unwrap();
            assert_eq!(
                row.record(&account(), behavior, None).unwrap_err().kind(),
                io::ErrorKind::InvalidData
            );
        }
    }

    proptest! {
        #[test]
        fn a_plan_is_made_again_from_its_workload(workload in strategies::workload(), pace in strategies::pace(), seed: u64) {
            let seed = crate::sim::Seed::new(seed);
            for plan in [
                Plan::new(&workload, &pace, seed, strategies::CREATED_AT),
                Plan::new(&workload, &pace, seed, strategies::CREATED_AT).in_input_order(),
            ] {
                prop_assert_eq!(&plan.workload(), &workload);
            }
        }
    }
}
