"""The official package as its cookbook uses it: wait for the end, read the output, join by `custom_id`.

Nothing here is made to go wrong, and nothing to go well: it tells which requirements the package meets by itself.
"""

import json
import time

import openai

ABOUT = {"name": "openai (used plainly)", "version": openai.__version__}
VERBS = ["run-batch", "run-then-cancel", "collect"]


def run(task, session):
    client = openai.OpenAI(base_url=session.base_url, api_key=session.api_key)
    if "batch_id" in task:
        batch = client.batches.retrieve(task["batch_id"])
    else:
        requests = [
            {
                "custom_id": item["key"],
                "method": "POST",
                "url": task["endpoint"],
                "body": {"model": task["model"], "messages": [{"role": "user", "content": item["prompt"]}]},
            }
            for item in task["items"]
        ]
        jsonl = "".join(json.dumps(request) + "\n" for request in requests)
        file = client.files.create(file=("requests.jsonl", jsonl.encode()), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint=task["endpoint"], completion_window=task["completion_window"]
        )
    cancel = task["verb"] == "run-then-cancel"
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        time.sleep((session.poll_hint_ms or 10_000) / 1000)
        batch = client.batches.retrieve(batch.id)
        if cancel and batch.status == "in_progress":
            batch, cancel = client.batches.cancel(batch.id), False

    keys = task.get("keys") or [item["key"] for item in task["items"]]
    outcomes = {key: {"key": key, "outcome": "missing"} for key in keys}
    for line in client.files.content(batch.output_file_id).text.split("\n"):
        if line:
            result = json.loads(line)
            text = result["response"]["body"]["choices"][0]["message"]["content"]
            outcomes[result["custom_id"]] = {"key": result["custom_id"], "outcome": "ok", "text": text}
    summary = {"batch_ids": [batch.id], "status": batch.status}
    return {"complete": batch.status == "completed", "lines": list(outcomes.values()), "summary": summary}
