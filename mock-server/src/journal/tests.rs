//! What cannot be seen from outside: that nothing is left of what had to go.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::operation::Operation;

fn limits(entries: usize) -> JournalLimits {
    JournalLimits { entries, bytes: 1 << 20, body_bytes: 1 << 10 }
}

fn arrival(method: &'static str, path: &str) -> Arrival {
    let called = Operation::of(method, path);
    Arrival {
        at: Timestamp::from_unix_seconds(0),
        wall: Timestamp::from_unix_seconds(0),
        method: method.into(),
        operation: called.operation,
        id: PathId::new(path, called.id.as_ref()),
        path: path.into(),
        retry_count: None,
        more: None,
    }
}

fn answer() -> Answer {
    Answer {
        status: 200,
        request_id: None,
        retry_after: None,
        content_type: None,
        n_bytes: Some(2),
        n_kept: 2,
        took: Duration::ZERO,
    }
}

/// A whole exchange.
fn exchange(journal: &Journal, method: &'static str, path: &str, ends: bool) {
    let exchange = journal.arrived(arrival(method, path), Some("a test"));
    if ends {
        exchange.tells_end();
    }
    journal.answered(&exchange, RequestBody::default(), Some(answer()));
    journal.sent(&exchange, 2, Bytes::from_static(b"{}"), Outcome::Sent);
}

#[test]
fn an_answer_to_what_had_to_go_changes_nothing() {
    let journal = Journal::new(limits(1));
    let early = journal.arrived(arrival("GET", "/v1/batches"), Some("a test"));
    exchange(&journal, "GET", "/v1/files", false);
    journal.answered(&early, RequestBody::default(), Some(answer()));
    let Excerpt { entries, n_dropped, .. } = journal.excerpt(&JournalFilter::default(), 9);
    assert_eq!((entries.len(), entries[0].number(), n_dropped), (1, 2, 1));
    assert!(journal.lock().is_consistent());
}

proptest! {
    #[test]
    fn what_is_known_together_is_known_of_what_is_kept(
        requests in prop::collection::vec((0_usize..5, 0_u8..4, any::<bool>()), 0..60),
        entries in 1_usize..8,
        bytes in 1_usize..9_000,
        clear_after in 0_usize..60,
    ) {
        let journal = Journal::new(JournalLimits { entries, bytes, body_bytes: 100 });
        let mut open = Vec::new();
        for (at, (what, id, is_answered)) in requests.into_iter().enumerate() {
            let path = [
                format!("/v1/batches/batch_{id}"),
                format!("/v1/files/file-{id}/content"),
                "/v1/batches".to_owned(),
                "/v1/files/None".to_owned(),
                format!("/v1/nothing/{id}"),
            ];
            if is_answered {
                exchange(&journal, "GET", &path[what], what == 0);
            } else {
                open.push(journal.arrived(arrival("GET", &path[what]), Some("a test")));
            }
            if at == clear_after {
                journal.clear();
            }
            if at % 3 == 0 && let Some(exchange) = open.pop() {
                journal.answered(&exchange, RequestBody::default(), None);
            }
            prop_assert!(journal.lock().is_consistent());
            let kept = journal.excerpt(&JournalFilter::default(), usize::MAX).entries;
            prop_assert!(kept.len() <= entries);
            let numbers: Vec<_> = kept.iter().map(JournalEntry::number).collect();
            prop_assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
        }
    }
}
