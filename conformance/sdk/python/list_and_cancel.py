"""Asks two Korean questions, finds the batch in the list, and cancels another
batch that was made by mistake.
"""

import json
import sys
import time
from pathlib import Path

from openai import OpenAI

QUESTIONS = Path(__file__).parents[3] / "fixtures/jsonl/valid/korean_questions.jsonl"

client = OpenAI()


def wait_for_end(batch):
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        time.sleep(1)
        batch = client.batches.retrieve(batch.id)
        print(f"{batch.id}: {batch.status}")
    return batch


input_file = client.files.create(file=QUESTIONS, purpose="batch")
wanted = client.batches.create(
    input_file_id=input_file.id,
    endpoint="/v1/chat/completions",
    completion_window="24h",
)
mistake = client.batches.create(
    input_file_id=input_file.id,
    endpoint="/v1/chat/completions",
    completion_window="24h",
    metadata={"description": "made by mistake"},
)

listed = []
for batch in client.batches.list():
    print(f"{batch.id}: {batch.status}, created at {batch.created_at}")
    listed.append(batch.id)

cancelling = client.batches.cancel(mistake.id)
print(f"{cancelling.id}: {cancelling.status}")
cancelled = wait_for_end(cancelling)

completed = wait_for_end(wanted)
if not completed.output_file_id:
    sys.exit(f"{completed.id} ended as {completed.status}, without output")
answers = {}
for line in client.files.content(completed.output_file_id).content.splitlines():
    result = json.loads(line)
    message = result["response"]["body"]["choices"][0]["message"]
    answers[result["custom_id"]] = message["content"]
    print(f"{result['custom_id']}: {message['content']}")

assert {wanted.id, mistake.id} <= set(listed), listed
assert len(listed) == len(set(listed)), listed
assert cancelling.status == "cancelling", cancelling.status
assert cancelled.status == "cancelled", cancelled.status
assert cancelled.cancelling_at and cancelled.cancelled_at, cancelled
assert completed.status == "completed", completed.status
assert answers.keys() == {"question-1", "question-2"}, answers
