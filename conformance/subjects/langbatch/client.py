"""langbatch: `OpenAIChatCompletionBatch`, with its status, its results and its cancellation, as its documentation shows.

It leaves waiting to its user, who here waits for any of the four endings.
"""

import time
from importlib.metadata import version

from langbatch.openai import OpenAIChatCompletionBatch
from openai import OpenAI

ABOUT = {"name": "langbatch", "version": version("langbatch")}
VERBS = ["run-batch", "run-then-cancel"]
ENDINGS = ("completed", "failed", "expired", "cancelled")
NOT_RUN = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


def error_code(error):
    return error.get("code") if isinstance(error, dict) else None


def run(task, session):
    client = OpenAI(base_url=session.base_url, api_key=session.api_key)
    requests = [
        {
            "custom_id": item["key"],
            "method": "POST",
            "url": task["endpoint"],
            "body": {"model": task["model"], "messages": [{"role": "user", "content": item["prompt"]}]},
        }
        for item in task["items"]
    ]
    batch = OpenAIChatCompletionBatch.create_from_requests(requests, {"client": client})
    batch.start()
    cancel = task["verb"] == "run-then-cancel"
    while (status := batch.get_status()) not in ENDINGS:
        if cancel and status == "in_progress":
            batch.cancel()
            cancel = False
        time.sleep(session.poll_hint_ms / 1000 or 60)

    succeeded, failed = batch.get_results()
    outcomes = {item["key"]: {"key": item["key"], "outcome": "missing"} for item in task["items"]}
    for result in succeeded or []:
        text = result["choices"][0]["message"]["content"]
        outcomes[result["custom_id"]] = {"key": result["custom_id"], "outcome": "ok", "text": text}
    for result in failed or []:
        code = error_code(result["error"])
        outcome = {"key": result["custom_id"], "outcome": NOT_RUN.get(code, "error"), "code": code}
        outcomes[result["custom_id"]] = outcome
    summary = {"batch_ids": [batch.platform_batch_id], "status": status}
    complete = succeeded is not None
    return {"complete": complete, "lines": list(outcomes.values()), "summary": summary}
