//! Random walks through batchmock meet no fault.

use batchmock_conformance::OwnMock;
use batchmock_conformance::walk::{Walked, Walks, walk};
use tokio::runtime::Runtime;

fn walked(walks: Walks) -> Walked {
    let runtime = Runtime::new().unwrap();
    let mock = runtime.block_on(OwnMock::start_for_any_key(walks.seed)).unwrap();
    let target = runtime.block_on(mock.target()).unwrap();
    walk(runtime.handle(), &target, walks).unwrap()
}

#[test]
fn the_mock_does_as_the_documentation_says_in_any_order() {
    let walked = walked(Walks { seed: 1, count: 150, steps: 60 });
    assert!(walked.stumble.is_none(), "{}", walked.stumble.unwrap());
    assert!(walked.requests > 3_000, "{}", walked.requests);
    // Whatever a batch can come to was met.
    let met: Vec<_> = walked.batches.keys().map(String::as_str).collect();
    assert_eq!(
        met,
        [
            "cancelled",
            "cancelling",
            "completed",
            "expired",
            "failed",
            "finalizing",
            "in_progress",
            "validating"
        ]
    );
}

#[test]
fn a_seed_chooses_the_walks() {
    let walks = |seed| {
        let walked = walked(Walks { seed, count: 10, steps: 20 });
        (walked.requests, walked.batches)
    };
    assert_eq!(walks(3), walks(3));
    assert_ne!(walks(3), walks(4));
}
