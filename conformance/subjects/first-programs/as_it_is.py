"""Runs a program of conformance/sdk as it is, with the items of a task in the place of its own.

usage: as_it_is.py PROGRAM RUNNER [ARGUMENT...]      such as: as_it_is.py list_and_cancel.py python3

No line of a program is changed but the list of sentences in translate.ts, and its model, which are its input. The asserts of the Python
programs are about their own two items and no others, so they are off.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SDK = Path(__file__).parents[2] / "sdk"
# Where each reads its requests. misused_batch_requests.py reads none.
INPUTS = {"classify_reviews.py": "classify_reviews.jsonl", "list_and_cancel.py": "korean_questions.jsonl"}


def request(item, task):
    body = {"model": task["model"], "messages": [{"role": "user", "content": item["prompt"]}]}
    return {"custom_id": item["key"], "method": "POST", "url": task["endpoint"], "body": body}


def python_program(program, task, runner):
    """Lays the program out as it lies in the repository, since it finds its input from where it is."""
    home = Path("conformance/sdk/python")
    home.mkdir(parents=True)
    shutil.copy(SDK / "python" / program, home)
    fixtures = Path("fixtures/jsonl/valid")
    fixtures.mkdir(parents=True)
    for name in INPUTS.values():
        lines = [json.dumps(request(item, task)) + "\n" for item in task["items"]]
        (fixtures / name).write_text("".join(lines), encoding="utf-8")
    return [*runner, "-O", str(home / program)]


def node_program(program, task, runner):
    """Puts the prompts in the place of its sentences, beside the packages that the runner is installed with."""
    packages = Path(runner[0]).parents[1]
    os.symlink(packages, "node_modules")
    shutil.copy(SDK / "node" / "package.json", ".")
    source = (SDK / "node" / program).read_text(encoding="utf-8")
    sentences = json.dumps([item["prompt"] for item in task["items"]], indent=2)
    changed, count = re.subn(r"(?s)(const sentences = )\[.*?\n\]", lambda found: found[1] + sentences, source)
    if count != 1:
        sys.exit(f"{program} has no list of sentences to change")
    changed, count = re.subn(r'(?<=model: )"[^"]*"', lambda _: json.dumps(task["model"]), changed)
    if count != 1:
        sys.exit(f"{program} names no model to change")
    Path(program).write_text(changed, encoding="utf-8")
    return [*runner, program]


def texts(program, task, output):
    """What a program gives its user: the text for each item that it has one for."""
    if program == "classify_reviews.py":
        # It keeps the output file as it came; what is in it is what its user reads.
        kept = Path("output.jsonl")
        data = kept.read_bytes() if kept.exists() else b""
        rows = [json.loads(line) for line in data.split(b"\n") if line.strip()]
        # It looks at no status, so neither is one looked at here: a row without an answer is none.
        bodies = {row["custom_id"]: (row.get("response") or {}).get("body") or {} for row in rows}
        return {key: body["choices"][0]["message"]["content"] for key, body in bodies.items() if "choices" in body}
    if program == "translate.ts":
        starts = {item["key"]: f"request-{n}: {item['prompt']} -> " for n, item in enumerate(task["items"], 1)}
    else:
        starts = {item["key"]: f"{item['key']}: " for item in task["items"]}
    found = {}
    for key, start in starts.items():
        at = output.find("\n" + start)
        if at >= 0:
            rest = output[at + 1 + len(start) :]
            ends = [end for end in (rest.find("\n" + other) for other in starts.values()) if end >= 0]
            found[key] = rest[: min(ends)] if ends else rest.removesuffix("\n")
    return found


def main():
    program, runner = sys.argv[1], sys.argv[2:]
    task = json.loads(Path(os.environ["CERT_TASK"]).read_text(encoding="utf-8"))
    if task["verb"] != "run-batch":
        sys.exit(127)
    lay_out = python_program if program.endswith(".py") else node_program
    done = subprocess.run(lay_out(program, task, runner), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    output = "\n" + done.stdout.decode(errors="replace")
    sys.stderr.buffer.write(done.stderr)
    answers = texts(program, task, output)
    lines = [
        {"key": item["key"], "outcome": "ok", "text": answers[item["key"]]}
        if item["key"] in answers
        else {"key": item["key"], "outcome": "missing"}
        for item in task["items"]
    ]
    message = done.stderr.decode(errors="replace").strip()
    summary = {"message": message[-500:]} if done.returncode else {}
    with open(os.environ["CERT_RESULT"], "w", encoding="utf-8") as result:
        result.writelines(json.dumps(line) + "\n" for line in [*lines, {"summary": summary}])
    sys.exit(0 if done.returncode == 0 else 1)


if __name__ == "__main__":
    main()
