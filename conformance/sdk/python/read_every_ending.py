"""Runs a batch and accounts for every request in it, however the batch ends.

usage: read_every_ending.py [INPUT]      (default: mixed_outcomes.jsonl)

A batch that completed may hold failed requests, one that expired or was
cancelled may hold answers, and either file may be missing. So: read both
files on any ending, and join their lines to the input by custom_id.
"""

import json
import sys
import time
from pathlib import Path

from openai import OpenAI

MIXED = Path(__file__).parents[3] / "fixtures/jsonl/valid/mixed_outcomes.jsonl"
ENDINGS = ("completed", "failed", "expired", "cancelled")

client = OpenAI()


def json_lines(data):
    # Bytes, because str.splitlines() also splits at U+2028, legal inside JSON.
    return [json.loads(line) for line in data.splitlines() if line.strip()]


def result_lines(file_id):
    return json_lines(client.files.content(file_id).content) if file_id else []


def outcome(line):
    """Tells what became of one request, from its line in either file."""
    if error := line["error"]:  # it was never answered
        not_run = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
        return not_run.get(error["code"], f"failed: {error['code']}")
    status = line["response"]["status_code"]
    if status == 200:
        return "succeeded"
    details = line["response"]["body"].get("error", {})
    return f"failed: {status} {details.get('code') or details.get('type')}"


input_path = Path(sys.argv[1]) if len(sys.argv) > 1 else MIXED
custom_ids = [line["custom_id"] for line in json_lines(input_path.read_bytes())]

input_file = client.files.create(file=input_path, purpose="batch")
batch = client.batches.create(
    input_file_id=input_file.id,
    endpoint="/v1/chat/completions",
    completion_window="24h",
)
while batch.status not in ENDINGS:
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)
print(f"{batch.id}: {batch.status}, {batch.request_counts}")

# Only a batch that failed validation has these; it ran nothing.
for problem in (batch.errors and batch.errors.data) or []:
    print(f"line {problem.line}: {problem.code}: {problem.message}")

outcomes = dict.fromkeys(custom_ids, "missing")
for file_id in (batch.output_file_id, batch.error_file_id):
    for line in result_lines(file_id):
        outcomes[line["custom_id"]] = outcome(line)

for custom_id, what in outcomes.items():
    print(f"{custom_id}: {what}")

assert list(outcomes) == custom_ids, "a result belongs to no request"
if batch.status == "completed":
    assert "missing" not in outcomes.values(), "a request has no result"
