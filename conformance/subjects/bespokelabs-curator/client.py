"""bespokelabs-curator: `curator.LLM(batch=True)` with a prompt and a parser of its own, as its documentation shows.

It is told to give what there is where some requests have no answer (`require_all_responses`); its interval is a whole
number of seconds.
"""

import os
from importlib.metadata import version

os.environ.update(TELEMETRY_ENABLED="0", CURATOR_VIEWER="0", HF_HUB_OFFLINE="1")

from bespokelabs import curator  # noqa: E402

ABOUT = {"name": "bespokelabs-curator", "version": version("bespokelabs-curator")}
VERBS = ["run-batch"]


class Asker(curator.LLM):
    def prompt(self, input):
        return input["prompt"]

    def parse(self, input, response):
        return {"key": input["key"], "text": response}


def run(task, session):
    asker = Asker(
        model_name=task["model"],
        batch=True,
        backend="openai",
        backend_params={
            "base_url": session.base_url,
            "api_key": session.api_key,
            "batch_check_interval": max(1, round(session.poll_hint_ms / 1000)) if session.poll_hint_ms else 60,
            "require_all_responses": False,
        },
    )
    result = asker(task["items"], working_dir=str(session.state))
    answers = {row["key"]: row["text"] for row in result.dataset.to_list()}
    lines = [
        {"key": item["key"], "outcome": "ok", "text": answers[item["key"]]}
        if item["key"] in answers
        else {"key": item["key"], "outcome": "missing"}
        for item in task["items"]
    ]
    return {"complete": True, "lines": lines, "summary": {}}
