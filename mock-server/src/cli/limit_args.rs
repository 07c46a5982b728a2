//! How much a mock accepts and how long it waits, as the command line says it.

use std::time::Duration;

use batchmock::{ConnectionLimits, Limits};
use clap::Args;

use super::mock_args::duration;

/// How much is accepted. No client that does its work meets these, but for a test of what it does then.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Accept at most this many lines in a batch.
    #[arg(long, value_name = "LINES", default_value_t = Limits::default().batch_lines)]
    max_batch_lines: u32,

    /// Accept at most this many bytes in a file for a batch.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().batch_file_bytes)]
    max_batch_file_bytes: u64,

    /// Accept at most this many bytes in any other file.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().file_bytes)]
    max_file_bytes: u64,

    /// Accept at most this many bytes in all parts of an upload.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().upload_bytes)]
    max_upload_bytes: u64,

    /// Accept at most this many bytes in one part of an upload.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().part_bytes)]
    max_part_bytes: u64,

    /// Accept at most this many bytes in a JSON body, and in a line of a batch.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().json_bytes)]
    max_json_bytes: usize,

    /// Accept at most this many bytes in a form field that is no file.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().form_field_bytes)]
    max_form_field_bytes: usize,

    /// Make at most this many worlds, one for each key that is used.
    #[arg(long, hide_short_help = true, value_name = "WORLDS", default_value_t = Limits::default().worlds)]
    max_worlds: usize,

    /// Keep at most this many bytes on disk for a world: files, results, and inputs that a batch still needs.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().world_bytes)]
    max_world_bytes: u64,

    /// Take no more files into a world that has this many, with those that batches made, uploads and their parts.
    #[arg(long, hide_short_help = true, value_name = "FILES", default_value_t = Limits::default().world_files)]
    max_world_files: usize,

    /// Keep at most this many batches in a world.
    #[arg(long, hide_short_help = true, value_name = "BATCHES", default_value_t = Limits::default().world_batches)]
    max_world_batches: usize,

    /// Keep at most this many lines in a world, of inputs and of batches.
    #[arg(long, hide_short_help = true, value_name = "LINES", default_value_t = Limits::default().world_lines)]
    max_world_lines: u64,

    /// Keep the names of at most this many deleted models in a world.
    #[arg(long, hide_short_help = true, value_name = "MODELS", default_value_t = Limits::default().world_deleted_models)]
    max_world_deleted_models: usize,

    /// Keep at most this many entries in the journal of a world; the oldest go. With 0 no journal is kept.
    #[arg(long, hide_short_help = true, value_name = "ENTRIES", default_value_t = Limits::default().journal_entries)]
    max_journal_entries: usize,

    /// Keep at most this many bytes of memory in the journal of a world; the oldest entries go.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().journal_bytes)]
    max_journal_bytes: usize,

    /// Keep at most this many bytes of each body in the journal.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = Limits::default().journal_body_bytes)]
    max_journal_body_bytes: usize,

    /// Tell at most this many endpoints of the batches of one world.
    #[arg(long, hide_short_help = true, value_name = "ENDPOINTS", default_value_t = Limits::default().world_webhooks)]
    max_world_webhooks: usize,

    /// Remember at most this many deliveries of webhooks in a world; what finds no room among those still to be made is
    /// told to nobody.
    #[arg(long, hide_short_help = true, value_name = "DELIVERIES", default_value_t = Limits::default().world_deliveries)]
    max_world_deliveries: usize,

    /// Have at most this many webhooks under way at a time.
    #[arg(long, hide_short_help = true, value_name = "WEBHOOKS", default_value_t = Limits::default().webhooks_at_a_time)]
    max_webhooks_at_a_time: usize,

    /// Have at most this many faults in a world.
    #[arg(long, hide_short_help = true, value_name = "FAULTS", default_value_t = Limits::default().world_faults)]
    max_world_faults: usize,

    /// Accept at most this many bytes in a request line with its headers.
    #[arg(long, hide_short_help = true, value_name = "BYTES", default_value_t = ConnectionLimits::default().head_bytes)]
    max_head_bytes: usize,

    /// Have at most this many connections open; more are answered with status 503. The system's limit on open
    /// files lowers this.
    #[arg(long, hide_short_help = true, value_name = "CONNECTIONS", default_value_t = ConnectionLimits::default().n_connections)]
    max_connections: usize,

    /// Give up a request whose line and headers take longer than this.
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = some_time, default_value = HEAD_FOR)]
    head_timeout: Duration,

    /// Give up a request whose body takes longer than this for a kibibyte.
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = some_time, default_value = BODY_STALLS_FOR)]
    body_timeout: Duration,

    /// Give up an answer of which the client takes no kibibyte for this long.
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = some_time, default_value = ANSWER_STALLS_FOR)]
    answer_timeout: Duration,

    /// Close a connection over which no request has come for this long, or for twice as long at most.
    #[arg(long, hide_short_help = true, value_name = "DURATION", value_parser = some_time, default_value = IDLE_FOR)]
    idle_timeout: Duration,
}

const HEAD_FOR: &str = "1m";
const BODY_STALLS_FOR: &str = "5m";
const ANSWER_STALLS_FOR: &str = "1h";
const IDLE_FOR: &str = "1h";

impl LimitArgs {
    /// What they say of requests.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            batch_lines: self.max_batch_lines,
            batch_file_bytes: self.max_batch_file_bytes,
            file_bytes: self.max_file_bytes,
            upload_bytes: self.max_upload_bytes,
            part_bytes: self.max_part_bytes,
            json_bytes: self.max_json_bytes,
            form_field_bytes: self.max_form_field_bytes,
            worlds: self.max_worlds,
            world_bytes: self.max_world_bytes,
            world_files: self.max_world_files,
            world_batches: self.max_world_batches,
            world_lines: self.max_world_lines,
            world_deleted_models: self.max_world_deleted_models,
            journal_entries: self.max_journal_entries,
            journal_bytes: self.max_journal_bytes,
            journal_body_bytes: self.max_journal_body_bytes,
            world_webhooks: self.max_world_webhooks,
            world_deliveries: self.max_world_deliveries,
            webhooks_at_a_time: self.max_webhooks_at_a_time,
            world_faults: self.max_world_faults,
            ..Limits::default()
        }
    }

    /// What they say of connections.
    pub(super) fn connections(&self) -> ConnectionLimits {
        ConnectionLimits {
            n_connections: self.max_connections,
            head_bytes: self.max_head_bytes,
            head_for: self.head_timeout,
            idle_for: self.idle_timeout,
            body_stalls_for: self.body_timeout,
            answer_stalls_for: self.answer_timeout,
        }
    }
}

/// Reads a duration in which something can happen.
fn some_time(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("that leaves no time at all".to_owned()),
        some => Ok(some),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn without_flags_they_are_those_of_the_library() {
        let Line { limits } = Line::parse_from(["batchmock"]);
        assert_eq!(limits.limits(), Limits::default());
        assert_eq!(limits.connections(), ConnectionLimits::default());
    }

    #[test]
    fn each_flag_sets_what_it_names() {
        let flags = "--max-batch-lines 1 --max-batch-file-bytes 2 --max-file-bytes 3 --max-json-bytes 4 \
                     --max-form-field-bytes 5 --max-worlds 6 --max-head-bytes 7 --max-connections 8 \
                     --head-timeout 9s --body-timeout 10s --answer-timeout 11s --idle-timeout 12s \
                     --max-upload-bytes 13 --max-part-bytes 14 --max-world-bytes 15 --max-world-files 16 \
                     --max-world-batches 17 --max-world-lines 18 --max-world-deleted-models 19 \
                     --max-journal-entries 20 --max-journal-bytes 21 --max-journal-body-bytes 22 \
                     --max-world-webhooks 23 --max-world-deliveries 24 --max-webhooks-at-a-time 25 \
                     --max-world-faults 26";
        let Line { limits } = Line::parse_from(std::iter::once("batchmock").chain(flags.split_whitespace()));
        let requests = Limits {
            batch_lines: 1,
            batch_embedding_inputs: Limits::default().batch_embedding_inputs,
            batch_file_bytes: 2,
            file_bytes: 3,
            upload_bytes: 13,
            part_bytes: 14,
            json_bytes: 4,
            form_field_bytes: 5,
            worlds: 6,
            world_bytes: 15,
            world_files: 16,
            world_batches: 17,
            world_lines: 18,
            world_deleted_models: 19,
            journal_entries: 20,
            journal_bytes: 21,
            journal_body_bytes: 22,
            world_webhooks: 23,
            world_deliveries: 24,
            webhooks_at_a_time: 25,
            world_faults: 26,
        };
        assert_eq!(limits.limits(), requests);
        let connections = ConnectionLimits {
            head_bytes: 7,
            n_connections: 8,
            head_for: Duration::from_secs(9),
            body_stalls_for: Duration::from_secs(10),
            answer_stalls_for: Duration::from_secs(11),
            idle_for: Duration::from_secs(12),
        };
        assert_eq!(limits.connections(), connections);
    }
}
