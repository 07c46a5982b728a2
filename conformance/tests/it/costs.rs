//! What cases say that they cost and destroy, held to what they do.

use std::collections::BTreeSet;

use batchmock_conformance::case::{Case, Destroys};
use batchmock_conformance::run::Measured;
use batchmock_conformance::{Cost, OwnMock, run, server};

async fn measured() -> Vec<(&'static Case, Measured)> {
    let mock = OwnMock::start(0).await.unwrap();
    let target = mock.target().await.unwrap();
    let mut all = Vec::new();
    for case in server::all() {
        all.push((case, run::measured(&target, case).await));
    }
    all
}

#[tokio::test]
async fn no_case_costs_or_destroys_more_than_it_says() {
    let measured = measured().await;
    assert_none_costs_more(&measured);
    assert_none_destroys_more(&measured);
}

fn assert_none_costs_more(measured: &[(&'static Case, Measured)]) {
    let mut wrong = Vec::new();
    for (case, measured) in measured {
        let mut cost = Cost::default();
        for (_, more) in &measured.costs {
            cost += *more;
        }
        let said = u64::from(case.lines);
        // How many it needs depends on how the server counts tokens.
        let is_right = cost.lines == said || (case.id == "quotas/queue/comes-free" && cost.lines < said);
        if !is_right || cost.tokens() > case.tokens() {
            let tokens = cost.tokens().div_ceil(cost.lines.max(1));
            wrong.push(format!("{}: {} lines of {tokens} tokens, but it says {said}", case.id, cost.lines));
        }
        assert_eq!(cost.unbounded, 0, "{}: the answer to a line may be as long as it likes", case.id);
    }
    assert_eq!(wrong, [""; 0]);
}

/// What a case destroys is what it says, and what it was told of before.
fn assert_none_destroys_more(measured: &[(&'static Case, Measured)]) {
    let mut wrong = Vec::new();
    for (case, measured) in measured {
        let asked = measured.found.exchanges.iter();
        let deletes = asked.clone().any(|one| one.method == "DELETE" && one.status == Some(200));
        let cancels = asked.clone().any(|one| one.path.ends_with("/cancel") && one.status == Some(200));
        let destroys = match (deletes, cancels) {
            (true, _) => Destroys::Files,
            (false, true) => Destroys::Work,
            (false, false) => Destroys::Nothing,
        };
        if case.destroys != destroys {
            wrong.push(format!("{}: {destroys:?}", case.id));
        }
        let mut told = BTreeSet::new();
        for exchange in asked {
            let id = exchange.path.split('/').nth(2).unwrap_or_default();
            let is_its_own = told.iter().any(|body: &String| body.contains(&format!("\"{id}\"")));
            if exchange.method == "DELETE" && exchange.status == Some(200) {
                assert!(is_its_own, "{} deletes what it was never told of: {}", case.id, exchange.asked());
            }
            told.insert(exchange.body.clone());
        }
    }
    assert_eq!(wrong, [""; 0]);
}
