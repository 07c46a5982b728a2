//! The log, on standard error.

use std::fmt;
use std::io::{BufWriter, IsTerminal as _};
use std::ops::Range;

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::{Compact, Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target under which the server logs requests.
const REQUEST: &str = "batchmock::request";

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// One line a request, for people: method, path, status, time taken, world.
    Text,
    /// One JSON object a line, with the same and a timestamp.
    Json,
}

/// How long the texts of most lines are.
const LINE: usize = 128;

/// How many lines may wait to be written; a request whose line finds no place waits with it.
const WAITING_LINES: usize = 4_096;

/// Begins to log. Lines are written by a thread of their own, so that no request waits for a slow terminal; what
/// still waits is written when the guard is dropped.
#[must_use = "dropping the guard ends the log"]
pub(super) fn start(format: LogFormat) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(false)
        // What is waiting goes out in one write.
        .finish(BufWriter::with_capacity(64 * 1024, std::io::stderr()));
    let log = tracing_subscriber::fmt().with_writer(writer).with_target(false);
    match format {
        LogFormat::Text => {
            log.with_ansi(std::io::stderr().is_terminal()).event_format(ForPeople::new()).init();
        }
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    guard
}

/// Requests as `GET /v1/batches 200 0.4 ms  sk-…mock`, everything else as it is, with its level if that is
/// a bad one.
struct ForPeople {
    others: Format<Compact, ()>,
}

impl ForPeople {
    fn new() -> Self {
        Self { others: Format::default().compact().without_time().with_target(false) }
    }
}

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != REQUEST {
            let others = self.others.clone().with_level(*event.metadata().level() != Level::INFO);
            return others.format_event(context, to, event);
        }
        let mut line = RequestLine::default();
        event.record(&mut line);
        let RequestLine { texts, method, path, status, world, took_us } = line;
        let (method, path, world) = (&texts[method], &texts[path], &texts[world]);
        let (ms, tenths) = (took_us / 1000, took_us / 100 % 10);
        let (color, plain) = match (to.has_ansi_escapes(), status) {
            (false, _) => ("", ""),
            (true, ..400) => ("\u{1b}[32m", "\u{1b}[0m"),
            (true, 400..500) => ("\u{1b}[33m", "\u{1b}[0m"),
            (true, 500..) => ("\u{1b}[31m", "\u{1b}[0m"),
        };
        match status {
            // Nothing was answered.
            0 => writeln!(to, "{method} {path} --- {ms}.{tenths} ms  {world}"),
            _ => writeln!(to, "{method} {path} {color}{status}{plain} {ms}.{tenths} ms  {world}"),
        }
    }
}

/// What the server tells of a request.
#[derive(Default)]
struct RequestLine {
    /// One behind the other, so that they need room only once.
    texts: String,
    method: Range<usize>,
    path: Range<usize>,
    status: u64,
    world: Range<usize>,
    took_us: u64,
}

impl Visit for RequestLine {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = value,
            "took_us" => self.took_us = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let place = match field.name() {
            "method" => &mut self.method,
            "path" => &mut self.path,
            "world" => &mut self.world,
            _ => return,
        };
        if self.texts.capacity() == 0 {
            self.texts.reserve(LINE);
        }
        let start = self.texts.len();
        self.texts.push_str(value);
        *place = start..self.texts.len();
    }

    /// Nothing that the line tells is told so.
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
