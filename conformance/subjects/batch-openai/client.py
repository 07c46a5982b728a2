"""batch-openai: `BatchRequestBuilder.submit`, `BatchJob.wait`, and `BatchResult.join`, as its documentation shows."""

from importlib.metadata import version

from batch_openai import BatchJob, BatchJobError, BatchRequestBuilder
from openai import OpenAI

ABOUT = {"name": "batch-openai", "version": version("batch-openai")}
VERBS = ["run-batch", "collect"]
NOT_RUN = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


def told(key, item):
    if item is None:
        return {"key": key, "outcome": "missing"}
    if item.error is None and item.content is not None:
        return {"key": key, "outcome": "ok", "text": item.content}
    code = (item.error or {}).get("code")
    return {"key": key, "outcome": NOT_RUN.get(code, "error"), "code": code}


def run(task, session):
    client = OpenAI(base_url=session.base_url, api_key=session.api_key)
    if task["verb"] == "collect":
        keys = task["keys"]
        job = BatchJob.from_id(client, task["batch_id"])
    else:
        keys = [item["key"] for item in task["items"]]
        builder = BatchRequestBuilder()
        for item in task["items"]:
            messages = [{"role": "user", "content": item["prompt"]}]
            builder.add(messages, model=task["model"], custom_id=item["key"])
        job = builder.submit(client)
    summary = {"batch_ids": [job.batch_id]}
    try:
        result = job.wait(poll_interval=session.poll_hint_ms / 1000 or 30)
    except BatchJobError as error:
        # All that its user learns: the status, and the id of the batch.
        lines = [{"key": key, "outcome": "missing"} for key in keys]
        return {"complete": False, "lines": lines, "summary": summary | {"status": job.status, "message": str(error)}}
    lines = [told(joined.input, joined.output) for joined in result.join(keys, key=lambda key: key)]
    return {"complete": True, "lines": lines, "summary": summary | {"status": job.status}}
