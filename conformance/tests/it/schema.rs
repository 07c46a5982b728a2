//! The patches of the official document.

use batchmock_conformance::schema::{PATCHES, Schemas};
use batchmock_conformance::{OwnMock, Verdict, run, server};
use serde_json::Value;

/// Bodies that answer operations, as cases record them.
async fn bodies() -> Vec<(&'static str, Value)> {
    let mock = OwnMock::start(3).await.unwrap();
    let target = mock.target().await.unwrap();
    let mut bodies = Vec::new();
    for (case, operation, asked) in [
        ("batches/life/schema", "retrieveBatch", "GET /batches/"),
        ("files/upload/purposes", "createFile", "POST /files"),
        ("files/list/empty", "listFiles", "GET /files?purpose"),
        ("batches/list/unknown-after", "listBatches", "GET /batches?after"),
    ] {
        let found = run::one(&target, server::find(case).unwrap()).await;
        assert_eq!(found.verdict, Verdict::Passed, "{}", found.reason);
        let before = bodies.len();
        let answers = found.exchanges.iter().filter(|exchange| exchange.asked().starts_with(asked));
        bodies.extend(answers.map(|exchange| (operation, serde_json::from_str(&exchange.body).unwrap())));
        assert!(bodies.len() > before, "{case} asks {asked}");
    }
    bodies
}

fn has_faults(schemas: &Schemas, bodies: &[(&str, Value)]) -> bool {
    bodies.iter().any(|(operation, body)| !schemas.faults(operation, body).unwrap().is_empty())
}

#[tokio::test]
async fn every_patch_of_the_document_is_needed() {
    let bodies = bodies().await;
    assert!(!has_faults(&Schemas::with(PATCHES).unwrap(), &bodies));
    for (at, patch) in PATCHES.iter().enumerate() {
        let others = PATCHES.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, patch)| patch);
        assert!(has_faults(&Schemas::with(others).unwrap(), &bodies), "{patch:?}");
    }
}
