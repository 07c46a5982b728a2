use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_000);
const BATCH: Seed = Seed::new(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn endpoint(path: &str) -> WebhookEndpoint {
    WebhookEndpoint::new(&format!("http://localhost/{path}"), "key".parse().unwrap()).unwrap()
}

fn outbox(plan: &str, endpoints: &[&str]) -> Outbox {
    let endpoints = endpoints.iter().map(|path| endpoint(path)).collect();
    Outbox::new(&Webhooks { endpoints, plan: plan.parse().unwrap() }, 100)
}

/// Ends a batch of the world.
fn end(outbox: &mut Outbox, batch: usize, wall: Timestamp) {
    let (id, seed) = (format!("batch_{batch}"), BATCH.nth("batch", batch as u64));
    outbox.tell_end(batch, (&id, seed), (WebhookEvent::Completed, wall), None, wall);
}

/// What is told now, each `path batch`, and taken by whoever is told.
fn told(outbox: &mut Outbox, wall: Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let errands = outbox.take(wall);
        if errands.is_empty() {
            return told;
        }
        for errand in errands {
            told.push(format!("{} {}", errand.endpoint.url().path(), errand.event.batch_id));
            outbox.record(errand.number, &errand.event, Outcome::Answered(204), wall);
        }
    }
}

/// Lets every attempt fail until nothing is tried any more; how long after `NOW` each was made.
fn tried_in_vain(outbox: &mut Outbox, answer: &Outcome) -> Vec<Duration> {
    let mut attempts = Vec::new();
    while let Some(due_at) = outbox.next_due() {
        for errand in outbox.take(due_at) {
            attempts.push(due_at.since(NOW));
            outbox.record(errand.number, &errand.event, answer.clone(), due_at);
        }
    }
    attempts
}

#[test]
fn each_endpoint_is_told_once_and_in_order() {
    let mut outbox = outbox("{}", &["a", "b"]);
    end(&mut outbox, 1, NOW);
    end(&mut outbox, 2, NOW);
    assert_eq!(outbox.next_due(), Some(NOW));
    assert_eq!(told(&mut outbox, NOW), ["/a batch_1", "/b batch_1", "/a batch_2", "/b batch_2"]);
    assert_eq!((outbox.next_due(), told(&mut outbox, NOW + seconds(999))), (None, Vec::new()));
}

#[test]
fn an_endpoint_hears_of_what_it_wants_to() {
    let mut outbox = outbox("{}", &[]);
    outbox.add_endpoint(endpoint("expired").events([WebhookEvent::Expired]));
    end(&mut outbox, 1, NOW);
    assert_eq!(outbox.next_due(), None);
    outbox.tell_end(2, ("batch_2", BATCH), (WebhookEvent::Expired, NOW), None, NOW);
    assert_eq!(told(&mut outbox, NOW), ["/expired batch_2"]);
}

#[test]
fn one_that_does_not_answer_holds_up_nobody_else() {
    let mut outbox = outbox("{}", &["hangs", "answers"]);
    end(&mut outbox, 1, NOW);
    end(&mut outbox, 2, NOW);
    let mut errands = outbox.take(NOW);
    let answers = errands.pop().unwrap();
    outbox.record(answers.number, &answers.event, Outcome::Answered(200), NOW);
    let more: Vec<_> =
        outbox.take(NOW).iter().map(|errand| errand.endpoint.url().path().to_owned()).collect();
    assert_eq!(more, ["/answers"]);
    assert_eq!(outbox.next_due(), None, "both are busy");
}

#[test]
fn what_fails_is_tried_again_for_72_hours() {
    for answer in [
        Outcome::Answered(500),
        Outcome::Answered(302),
        Outcome::Answered(410),
        Outcome::Failed("no connection".to_owned()),
    ] {
        let mut outbox = outbox("{}", &["a"]);
        end(&mut outbox, 1, NOW);
        let attempts = tried_in_vain(&mut outbox, &answer);
        assert_eq!(attempts[..5], [0, 5, 15, 35, 75].map(seconds));
        assert_eq!(attempts.last(), Some(&Duration::from_hours(72)));
        let delivery = outbox.deliveries().next().unwrap();
        assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::GivenUp, attempts.len()));
    }
}

#[test]
fn a_delivery_that_waits_for_its_next_attempt_holds_up_no_other() {
    let mut outbox = outbox("{}", &["a"]);
    end(&mut outbox, 1, NOW);
    let errand = outbox.take(NOW).pop().unwrap();
    outbox.record(errand.number, &errand.event, Outcome::Answered(503), NOW + seconds(1));
    assert_eq!(outbox.next_due(), Some(NOW + seconds(6)));
    end(&mut outbox, 2, NOW + seconds(2));
    assert_eq!(told(&mut outbox, NOW + seconds(2)), ["/a batch_2"]);
    assert_eq!(told(&mut outbox, NOW + seconds(6)), ["/a batch_1"]);
}

#[test]
fn copies_are_the_same_event() {
    let mut outbox = outbox("{ copies = 3 }", &["a"]);
    end(&mut outbox, 1, NOW);
    assert_eq!(told(&mut outbox, NOW), ["/a batch_1"; 3]);
    let ids: BTreeSet<_> = outbox.deliveries().map(|delivery| delivery.event.webhook_id.clone()).collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn groups_are_told_last_first() {
    let mut outbox = outbox("{ reorder = 3, copies = 2 }", &["a"]);
    for batch in 1..=7 {
        end(&mut outbox, batch, NOW);
    }
    let batches = [3, 3, 2, 2, 1, 1, 6, 6, 5, 5, 4, 4].map(|batch| format!("/a batch_{batch}"));
    assert_eq!(told(&mut outbox, NOW), batches);
    assert_eq!(outbox.next_due(), Some(NOW + seconds(5)), "it waits for two more");
    end(&mut outbox, 8, NOW + seconds(4));
    assert_eq!(outbox.next_due(), Some(NOW + seconds(9)), "it waits for one more");
    let late = ["/a batch_7", "/a batch_7", "/a batch_8", "/a batch_8"];
    assert_eq!(told(&mut outbox, NOW + seconds(9)), late);
    end(&mut outbox, 9, NOW + seconds(9));
    assert_eq!(outbox.next_due(), Some(NOW + seconds(14)), "a new group begins");
}

#[test]
fn what_is_to_be_told_otherwise_of_a_batch_is_told_so_to_its_end() {
    let mut outbox = outbox("{ copies = 2 }", &["a"]);
    let plan = Arc::new("{ retry_speed = 1000, signature = 'stale' }".parse::<WebhookPlan>().unwrap());
    outbox.tell_end(1, ("batch_1", BATCH), (WebhookEvent::Completed, NOW), Some(&plan), NOW);
    outbox.set_plan(WebhookPlan::default());
    let errand = outbox.take(NOW).pop().unwrap();
    assert_eq!(errand.signature, WebhookSignature::Stale);
    outbox.record(errand.number, &errand.event, Outcome::Answered(500), NOW);
    assert_eq!(outbox.next_due(), Some(NOW + Duration::from_millis(5)));
    assert_eq!(outbox.deliveries().count(), 1);
}

#[test]
fn a_delay_is_for_the_first_attempt() {
    let mut outbox = outbox("{ delay = '1m' }", &["a"]);
    end(&mut outbox, 1, NOW);
    let attempts = tried_in_vain(&mut outbox, &Outcome::Answered(500));
    assert_eq!(attempts[..3], [60, 65, 75].map(seconds));
}

#[test]
fn something_told_early_is_told_once_less_at_the_end() {
    let mut outbox = outbox("{ copies = 2, early = true }", &["a"]);
    let seed = BATCH.nth("batch", 1);
    outbox.foretell(1, Some((NOW, WebhookEvent::Completed)));
    assert_eq!(outbox.next_foretold(), Some((NOW, 1)));
    outbox.tell_early(1, ("batch_1", seed), None, NOW);
    assert_eq!(outbox.next_foretold(), None);
    assert_eq!(told(&mut outbox, NOW), ["/a batch_1"]);
    end(&mut outbox, 1, NOW + seconds(9));
    assert_eq!(told(&mut outbox, NOW + seconds(9)), ["/a batch_1"]);
    let ids: BTreeSet<_> = outbox.deliveries().map(|delivery| delivery.event.webhook_id.clone()).collect();
    assert_eq!(ids.len(), 1, "it is the same event");
}

#[test]
fn something_foretold_that_comes_otherwise_is_told_as_it_is() {
    let mut outbox = outbox("{ early = true }", &["a"]);
    outbox.foretell(1, Some((NOW, WebhookEvent::Completed)));
    outbox.tell_early(1, ("batch_1", BATCH), None, NOW);
    outbox.foretell(1, Some((NOW + seconds(1), WebhookEvent::Cancelled)));
    assert_eq!(outbox.next_foretold(), None, "what was told cannot be taken back");
    outbox.tell_end(1, ("batch_1", BATCH), (WebhookEvent::Cancelled, NOW), None, NOW);
    let events: Vec<_> = outbox.deliveries().map(|delivery| delivery.event.kind.name()).collect();
    assert_eq!(events, ["batch.cancelled", "batch.completed"]);
}

#[test]
fn what_was_told_before_is_not_told_again() {
    let mut outbox = outbox("{}", &["a"]);
    outbox.is_told_until(NOW);
    end(&mut outbox, 1, NOW);
    end(&mut outbox, 2, NOW + seconds(1));
    assert_eq!(told(&mut outbox, NOW + seconds(1)), ["/a batch_2"]);
}

#[test]
fn a_delivery_can_be_made_again_when_it_has_ended() {
    let mut outbox = outbox("{}", &["a"]);
    end(&mut outbox, 1, NOW);
    assert_eq!(outbox.redeliver(1, NOW).unwrap_err(), RedeliverError::UnderWay);
    let attempts = tried_in_vain(&mut outbox, &Outcome::Answered(500));
    let again = outbox.redeliver(1, NOW).unwrap();
    assert_eq!(again.state, DeliveryState::Waits(NOW));
    assert_eq!(told(&mut outbox, NOW), ["/a batch_1"]);
    let delivery = outbox.deliveries().next().unwrap();
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, attempts.len() + 1));
    outbox.remove_endpoints();
    assert_eq!(outbox.redeliver(1, NOW).unwrap_err(), RedeliverError::NobodyThere);
    assert_eq!(outbox.redeliver(2, NOW).unwrap_err(), RedeliverError::NoSuchDelivery);
}

#[test]
fn who_is_removed_is_told_nothing_more() {
    let mut outbox = outbox("{}", &["a"]);
    end(&mut outbox, 1, NOW);
    end(&mut outbox, 2, NOW);
    let errand = outbox.take(NOW).pop().unwrap();
    outbox.remove_endpoints();
    assert!(outbox.is_deaf());
    outbox.record(errand.number, &errand.event, Outcome::Answered(200), NOW);
    let states: Vec<_> = outbox.deliveries().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::GivenUp, DeliveryState::Delivered]);
    assert_eq!(outbox.next_due(), None);
}

#[test]
fn only_so_much_is_remembered() {
    let webhooks = Webhooks { endpoints: vec![endpoint("a")], plan: WebhookPlan::default() };
    let mut outbox = Outbox::new(&webhooks, 3);
    for batch in 1..=5 {
        end(&mut outbox, batch, NOW);
    }
    assert_eq!(outbox.n_dropped(), 2, "three are still to be told");
    assert_eq!(told(&mut outbox, NOW), ["/a batch_1", "/a batch_2", "/a batch_3"]);
    end(&mut outbox, 6, NOW);
    let remembered: Vec<_> = outbox.deliveries().map(|delivery| delivery.event.batch_id.clone()).collect();
    assert_eq!(remembered, ["batch_6", "batch_3", "batch_2"]);
    for _ in 0..100 {
        let _ = outbox.redeliver(2, NOW);
        told(&mut outbox, NOW);
    }
    assert_eq!(outbox.deliveries().last().unwrap().attempts.len(), 50);
}

#[test]
fn what_became_of_an_errand_of_before_a_reset_is_of_no_interest() {
    let mut before = outbox("{}", &["a"]);
    end(&mut before, 1, NOW);
    let errand = before.take(NOW).pop().unwrap();
    let mut after = outbox("{}", &["a"]);
    end(&mut after, 2, NOW);
    let other = after.take(NOW).pop().unwrap();
    assert_eq!(errand.number, other.number);
    after.record(errand.number, &errand.event, Outcome::Answered(200), NOW);
    assert_eq!(after.deliveries().next().unwrap().state, DeliveryState::IsTried);
}
