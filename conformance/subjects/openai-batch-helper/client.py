"""openai-batch-helper: `BatchHelper`, `wait_for_completion`, `download_result`, `download_errors`, `map_by_custom_id`."""

from importlib.metadata import version

from openai import OpenAI
from openai_batch_helper import BatchHelper
from openai_batch_helper.exceptions import BatchNotCompletedError

from lines import judged

ABOUT = {"name": "openai-batch-helper", "version": version("openai-batch-helper")}
VERBS = ["run-batch", "run-then-cancel", "collect"]


def run(task, session):
    client = OpenAI(base_url=session.base_url, api_key=session.api_key)
    helper = BatchHelper(client, endpoint=task.get("endpoint", "/v1/chat/completions"), workdir=str(session.state))
    if task["verb"] == "collect":
        keys = task["keys"]
        job = helper.resume_job(task["batch_id"])
    else:
        keys = [item["key"] for item in task["items"]]
        job = helper.init_job()
        for item in task["items"]:
            messages = [{"role": "user", "content": item["prompt"]}]
            job.add_task(item["key"], body={"model": task["model"], "messages": messages})
        job.submit_file().submit_batch_job()

    cancel = [task["verb"] == "run-then-cancel"]

    def looked(batch):
        if cancel[0] and batch.status == "in_progress":
            job.cancel()
            cancel[0] = False

    job.wait_for_completion(poll_seconds=session.poll_hint_ms / 1000 or 5, on_update=looked)

    outcomes = {key: {"key": key, "outcome": "missing"} for key in keys}
    summary = {"batch_ids": [job.batch_id], "status": job.status}
    complete = True
    try:
        path = job.download_result()
        # Rows as they came; the library's own reading of them is for answers that have no status around them.
        for key, row in job.map_by_custom_id(extractor=lambda row: row, results_path=path).items():
            outcomes[key] = judged(row)
    except (BatchNotCompletedError, RuntimeError) as error:
        complete = False
        summary["message"] = f"{type(error).__name__}: {error}"
    if path := job.download_errors():
        for row in job.iter_results(path):
            outcomes[row["custom_id"]] = judged(row)
    return {"complete": complete, "lines": list(outcomes.values()), "summary": summary}
