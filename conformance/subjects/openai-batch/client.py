"""openai-batch: `Batch(...).submit_wait_download()` on an input file that is there already, as its own command does.

The library hands over both result files as they came; reading them is its user's, and so is done here (`lines.py`).
"""

import json
import time
from importlib.metadata import version

from openai_batch.batch import Batch
from openai_batch.providers import Provider

from lines import accounted

ABOUT = {"name": "openai-batch", "version": version("openai-batch")}
VERBS = ["run-batch", "collect"]


def run(task, session):
    input_path, output_path, error_path = (session.state / name for name in ("in.jsonl", "out.jsonl", "errors.jsonl"))
    files = {"output_file": output_path, "error_file": error_path}
    provider = Provider(name="judged", base_url=session.base_url, api_key=session.api_key)
    interval = session.poll_hint_ms / 1000 or 60
    if task["verb"] == "collect":
        keys = task["keys"]
        batch = Batch(batch_id=task["batch_id"], provider=provider, **files)
        # To wait for a batch that is there already is left to the library's user.
        while (ended := batch.status()).status in ("validating", "in_progress", "finalizing", "cancelling"):
            time.sleep(interval)
        output, errors = batch.download()
    else:
        keys = [item["key"] for item in task["items"]]
        with input_path.open("w", encoding="utf-8") as file:
            for item in task["items"]:
                messages = [{"role": "user", "content": item["prompt"]}]
                body = {"model": task["model"], "messages": messages}
                line = {"custom_id": item["key"], "method": "POST", "url": task["endpoint"], "body": body}
                file.write(json.dumps(line) + "\n")
        with Batch(submission_input_file=input_path, provider=provider, **files) as batch:
            ended, output, errors = batch.submit_wait_download(interval=interval, status_callback=None)
    data = [path.read_bytes() for path in (output, errors) if path]
    problems = [problem.model_dump() for problem in (ended.errors and ended.errors.data) or []]
    summary = {"batch_ids": [ended.id], "status": ended.status, "errors": problems}
    return {"complete": ended.status != "failed", "lines": accounted(keys, data), "summary": summary}
