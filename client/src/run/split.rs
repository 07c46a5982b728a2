//! How requests are divided among batches. Pure.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::requests::Line;

/// How much one batch may hold, and how much may run at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests of a batch: 50,000 on the real service (F-239).
    pub requests: u32,
    /// Bytes of an input: 200 MB on the real service (F-115).
    pub bytes: u64,
    /// Texts that the embedding requests of a batch ask for, all together: 50,000 on the real service (F-239).
    pub embeddings: u32,
    /// Tokens that may be waiting or running at once; as many as the service takes if `None`. It is not told how the
    /// service counts them: they are taken to be two for seven bytes of a line (F-383).
    pub enqueued_tokens: Option<u64>,
    /// Batches that may run at once.
    pub batches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: 50_000, bytes: 200_000_000, embeddings: 50_000, enqueued_tokens: None, batches: 16 }
    }
}

/// The lines of a batch, by their places in the input, as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lines(pub(crate) Vec<Range<u32>>);

impl Lines {
    /// Adds a place after all those that are there.
    pub(crate) fn push(&mut self, place: u32) {
        match self.0.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => self.0.push(place..place + 1),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flat_map(|range| range.start as usize..range.end as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    /// Where in the input their bytes are.
    pub(crate) fn spans(&self, lines: &[Line]) -> Vec<Range<u64>> {
        let mut spans: Vec<Range<u64>> = Vec::new();
        for line in self.iter().map(|place| lines[place]) {
            let span = line.offset..line.offset + u64::from(line.length);
            match spans.last_mut() {
                Some(last) if last.end == span.start => last.end = span.end,
                _ => spans.push(span),
            }
        }
        spans
    }
}

/// A batch being filled.
#[derive(Default)]
struct Open {
    lines: Lines,
    requests: u32,
    bytes: u64,
    embeddings: u32,
    tokens: u64,
}

/// What a line is taken to cost of the limit on enqueued tokens.
pub(crate) fn tokens(line: &Line) -> u64 {
    u64::from(line.length) * 2 / 7 + 1
}

/// Divides lines among batches: each has one endpoint and one model and keeps the limits, lines stay in their order,
/// and no batch is begun while one of its kind has room. A line that is over a limit by itself has a batch of its own.
pub(crate) fn split(lines: &[Line], places: impl IntoIterator<Item = u32>, limits: &Limits) -> Vec<Lines> {
    let mut done = Vec::new();
    let mut open: HashMap<u32, Open> = HashMap::new();
    for place in places {
        let line = &lines[place as usize];
        let batch = open.entry(line.group).or_default();
        let is_full = batch.requests >= limits.requests
            || batch.bytes + u64::from(line.length) > limits.bytes
            || batch.embeddings.saturating_add(line.embeddings) > limits.embeddings
            || limits.enqueued_tokens.is_some_and(|most| batch.tokens + tokens(line) > most);
        if is_full && batch.requests > 0 {
            done.push(std::mem::take(batch).lines);
        }
        batch.lines.push(place);
        batch.requests += 1;
        batch.bytes += u64::from(line.length);
        batch.embeddings = batch.embeddings.saturating_add(line.embeddings);
        batch.tokens += tokens(line);
    }
    done.extend(open.into_values().map(|batch| batch.lines));
    done.sort_by_key(|lines| lines.0.first().map(|range| range.start));
    done
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(group: u32, length: u32, embeddings: u32) -> Line {
        Line { offset: 0, length, group, embeddings }
    }

    fn small() -> Limits {
        Limits { requests: 3, bytes: 100, embeddings: 5, ..Limits::default() }
    }

    fn places(lines: &[Line], limits: &Limits) -> Vec<Vec<usize>> {
        let count = u32::try_from(lines.len()).unwrap();
        split(lines, 0..count, limits).iter().map(|lines| lines.iter().collect()).collect()
    }

    #[test]
    fn each_limit_cuts() {
        let by_requests = [line(0, 1, 0); 7];
        assert_eq!(places(&by_requests, &small()), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        let by_bytes = [line(0, 60, 0), line(0, 40, 0), line(0, 1, 0)];
        assert_eq!(places(&by_bytes, &small()), [vec![0, 1], vec![2]]);
        let by_embeddings = [line(0, 1, 3), line(0, 1, 2), line(0, 1, 1)];
        assert_eq!(places(&by_embeddings, &small()), [vec![0, 1], vec![2]]);
        let by_group = [line(0, 1, 0), line(1, 1, 0), line(0, 1, 0)];
        assert_eq!(places(&by_group, &small()), [vec![0, 2], vec![1]]);
        let by_tokens = [line(0, 35, 0); 3];
        let limits = Limits { enqueued_tokens: Some(22), ..small() };
        assert_eq!(places(&by_tokens, &limits), [vec![0, 1], vec![2]]);
        let over_the_limit = [line(0, 500, 0), line(0, 1, 0)];
        assert_eq!(places(&over_the_limit, &small()), [vec![0], vec![1]]);
    }

    #[test]
    fn neighbors_are_read_in_one_go() {
        let lines: Vec<_> = (0..4).map(|at| Line { offset: at * 10, ..line(0, 10, 0) }).collect();
        let all = Lines(vec![0..2, 3..4]);
        assert_eq!(all.spans(&lines), [0..20, 30..40]);
        assert_eq!(Lines(vec![0..2, 2..3]).spans(&lines), vec![0..30]);
        assert_eq!((all.len(), all.iter().collect::<Vec<_>>()), (3, vec![0, 1, 3]));
    }

    proptest! {
        #[test]
        fn every_line_is_in_one_batch_that_keeps_the_limits(
            lines in prop::collection::vec((0..3_u32, 1..100_u32, 0..5_u32), 0..60),
        ) {
            let lines: Vec<_> =
                lines.into_iter().map(|(group, length, texts)| line(group, length, texts)).collect();
            let batches = places(&lines, &small());
            let mut all: Vec<_> = batches.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..lines.len()).collect::<Vec<_>>());
            for batch in batches {
                let of = |value: fn(&Line) -> u32| batch.iter().map(|at| value(&lines[*at])).sum::<u32>();
                prop_assert!(batch.len() <= 3 && batch.is_sorted());
                prop_assert!(of(|line| line.length) <= 100 && of(|line| line.embeddings) <= 5);
                prop_assert!(batch.iter().all(|at| lines[*at].group == lines[batch[0]].group));
            }
        }
    }
}
