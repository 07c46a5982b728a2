"""Reads result files for libraries that hand them over as they came: joined by `custom_id`, judged by status and error."""

import json

NOT_RUN = {"batch_expired": "expired", "batch_cancelled": "cancelled"}


def judged(line):
    """What became of one request, from its line in either file."""
    response, error = line.get("response") or {}, line.get("error") or {}
    body, status = response.get("body") or {}, response.get("status_code")
    told = {"key": line["custom_id"], "status": status}
    if status and 200 <= status < 300 and not error:
        return told | {"outcome": "ok", "text": body["choices"][0]["message"]["content"]}
    error = error or body.get("error") or {}
    code = error.get("code") or error.get("type")
    return told | {"outcome": NOT_RUN.get(code, "error"), "code": code}


def accounted(keys, files):
    """A line of the result file for each key, from the bytes of the files that a batch has."""
    outcomes = {key: {"key": key, "outcome": "missing"} for key in keys}
    for data in files:
        for line in data.split(b"\n"):
            if not line.strip():
                continue
            try:
                outcome = judged(json.loads(line))
            except ValueError:
                continue
            if outcomes.get(outcome["key"], {}).get("outcome") == "missing":
                outcomes[outcome["key"]] = outcome
    return list(outcomes.values())
