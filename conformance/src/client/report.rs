//! A certification as a report, in the form that all reports have.

use super::certify::{Found, Judged as Judgement, Played};
use super::check::Judgment;
use super::choice::{self, Choice};
use super::evidence::{Evidence, Request};
use super::standing::Standing;
use super::summary;
use crate::case::{Kind, Level};
use crate::exchange::Exchange;
use crate::facts;
use crate::report::{Judged, Report, Source, SubjectKind};
use crate::verdict::Verdict;

/// What was found of a client, which is held to a level.
pub fn report(client: &str, level: Level, played: &[Played]) -> Report {
    let cases = played.iter().flat_map(|played| played.found.iter().map(move |found| judged(played, found)));
    let mut report = Report {
        suite: Report::suite(),
        kind: SubjectKind::Client,
        target: client.to_owned(),
        base_url: None,
        level,
        cases_in_suite: Choice::all().n_checks(),
        summary: Vec::new(),
        cases: cases.collect(),
    };
    report.summary = summary::sentences(played);
    report.summary.insert(0, Standing::of(&report).to_string());
    report
}

fn judged(played: &Played, found: &Found) -> Judged {
    let Found { check, level, verdict } = found;
    let (verdict, reason, mismatch) = match verdict {
        Judgement::By(Judgment::Passed) => (Verdict::Passed, String::new(), None),
        Judgement::By(Judgment::Failed(mismatch)) => {
            (Verdict::Failed, mismatch.to_string(), Some(mismatch.clone()))
        }
        Judgement::By(Judgment::NotExercised(why)) => (Verdict::NotExercised, why.clone(), None),
        Judgement::Unsupported(why) => (Verdict::Unsupported, why.clone(), None),
        Judgement::Error(why) => (Verdict::Error, why.clone(), None),
    };
    let is_told = verdict != Verdict::Passed && verdict != Verdict::Unsupported;
    Judged {
        id: choice::id(played.scenario, check),
        title: check.title.to_owned(),
        level: *level,
        requirement: format!("{} {} Here {}.", check.requirement, check.reason, played.scenario.title),
        evidence: sources(played, check.facts),
        verdict,
        reason,
        mismatch,
        left_behind: Vec::new(),
        milliseconds: played.milliseconds,
        exchanges: played.evidence.iter().filter(|_| is_told).flat_map(exchanges).collect(),
    }
}

/// What a check rests on: what is known of the service, and where it has gone wrong for others.
fn sources(played: &Played, facts: &[&'static str]) -> Vec<Source> {
    let known = facts.iter().flat_map(|number| facts::of(number)).filter_map(|fact| {
        Some(Source {
            fact: Some(fact.number.to_owned()),
            kind: fact.kind()?,
            source: fact.source.to_owned(),
        })
    });
    let seen = played.scenario.seen.iter().map(|place| Source {
        fact: None,
        kind: Kind::Observed,
        source: format!("https://github.com/{}", place.replacen('#', "/issues/", 1)),
    });
    known.chain(seen).collect()
}

/// The most exchanges of a scenario that are told.
const MOST_EXCHANGES: usize = 60;

fn exchanges(evidence: &Evidence) -> impl Iterator<Item = Exchange> {
    evidence.requests.iter().take(MOST_EXCHANGES).map(exchange)
}

fn exchange(request: &Request) -> Exchange {
    let body = |value: &serde_json::Value| if value.is_null() { String::new() } else { value.to_string() };
    let path = request.path.strip_prefix("/v1").unwrap_or(&request.path);
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let content_type = request.content_type.iter().map(|value| ("content-type".to_owned(), value.clone()));
    Exchange {
        method: request.method.clone(),
        path: format!("{path}{query}"),
        request_headers: content_type.collect(),
        request_body: body(&request.body),
        status: request.status,
        headers: Vec::new(),
        body: request.fault.clone().unwrap_or_else(|| body(&request.answer)),
    }
}
