"""Uploads the input of a batch in parts, and runs the batch.

usage: upload_in_parts.py [INPUT]        (default: translate.jsonl)

Files of more than 512 MB, and connections that break, are what uploads in
parts are for. The parts here are tiny, so that there are several of them.
"""

import sys
import time
from pathlib import Path

from openai import OpenAI

INPUT = Path(__file__).parents[3] / "fixtures/jsonl/valid/translate.jsonl"

client = OpenAI()
path = Path(sys.argv[1]) if len(sys.argv) > 1 else INPUT

upload = client.uploads.upload_file_chunked(
    file=path, mime_type="application/jsonl", purpose="batch", part_size=100
)
assert upload.status == "completed", upload
assert upload.file.bytes == path.stat().st_size, upload
print(f"{upload.id} became {upload.file.id}, {upload.file.bytes} bytes")

batch = client.batches.create(
    input_file_id=upload.file.id, endpoint="/v1/chat/completions", completion_window="24h"
)
while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)
assert batch.status == "completed", batch
n_lines = len(path.read_bytes().splitlines())
assert batch.request_counts.completed == n_lines, batch.request_counts
print(f"{batch.id} completed {n_lines} requests")

# One that is given up leaves nothing behind.
given_up = client.uploads.create(bytes=10, filename="a.jsonl", mime_type="application/jsonl", purpose="batch")
assert client.uploads.cancel(given_up.id).status == "cancelled"
