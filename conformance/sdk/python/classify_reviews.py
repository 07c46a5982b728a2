"""Classifies two restaurant reviews in one batch and keeps the output file.

usage: classify_reviews.py [OUTPUT]      (default: ./output.jsonl)
"""

import sys
import time
from pathlib import Path

from openai import OpenAI

REVIEWS = Path(__file__).parents[3] / "fixtures/jsonl/valid/classify_reviews.jsonl"
output_path = Path(sys.argv[1] if len(sys.argv) > 1 else "output.jsonl")

client = OpenAI()

with REVIEWS.open("rb") as reviews:
    input_file = client.files.create(file=reviews, purpose="batch")

batch = client.batches.create(
    input_file_id=input_file.id,
    endpoint="/v1/chat/completions",
    completion_window="24h",
    metadata={"description": "restaurant reviews"},
)
print(f"{batch.id}: {batch.status}, {batch.metadata}")

while batch.status != "completed":
    if batch.status in ("failed", "expired", "cancelled"):
        sys.exit(f"{batch.id} ended as {batch.status}: {batch.errors}")
    time.sleep(1)
    batch = client.batches.retrieve(batch.id)
    print(f"{batch.id}: {batch.status}, {batch.request_counts}")

if not batch.output_file_id:
    sys.exit(f"{batch.id} has no output: every request failed")
output_path.write_bytes(client.files.content(batch.output_file_id).content)
print(f"wrote {output_path}")

assert input_file.filename == "classify_reviews.jsonl", input_file
assert batch.metadata == {"description": "restaurant reviews"}, batch.metadata
assert batch.request_counts.completed == 2, batch.request_counts
