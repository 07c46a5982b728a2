"""Drives a client as `batchmock-conformance certify` asks for it, once (exec) or for many tasks (stdio).

usage: adapter.py MODULE      the path of a module with `ABOUT`, `VERBS` and `run(task, session)`, or the name of one here
"""

import importlib
import json
import os
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace

# What a library prints is no message of ours: it goes where people read it.
messages, sys.stdout = sys.stdout, sys.stderr

path = Path(sys.argv[1])
sys.path.append(str(path.parent))
client = importlib.import_module(path.stem)


def session(of, base_url, api_key, state):
    """What a client is told: where to, and how long. A hint of 0 means that there is none."""
    limits = {name: int(of.get(name) or 0) for name in ("deadline_ms", "poll_hint_ms")}
    return SimpleNamespace(base_url=base_url, api_key=api_key, state=Path(state), **limits)


def once(env):
    task = json.loads(Path(env["CERT_TASK"]).read_text(encoding="utf-8"))
    if task["verb"] not in client.VERBS:
        sys.exit(127)
    told = {name: env.get(f"CERT_{name.upper()}") for name in ("deadline_ms", "poll_hint_ms")}
    try:
        result = client.run(task, session(told, env["OPENAI_BASE_URL"], env["OPENAI_API_KEY"], env["CERT_STATE"]))
    except Exception as error:
        result = failure(error)
    lines = [*result["lines"], {"summary": result["summary"]}]
    Path(env["CERT_RESULT"]).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    sys.exit(0 if result["complete"] else 1)


def failure(error):
    """What a program is told whose call raises."""
    traceback.print_exception(error)
    summary = {"message": f"{type(error).__name__}: {error}", "batch_ids": getattr(error, "batch_ids", [])}
    return {"complete": False, "lines": [], "summary": summary}


def say(message, lock=threading.Lock()):
    with lock:
        print(json.dumps(message), file=messages, flush=True)


def answer(run):
    task = run["task"]
    if task["verb"] not in client.VERBS:
        return say({"skipped": {"seq": run["seq"], "message": f"{task['verb']} is not offered"}})
    try:
        result = client.run(task, session(run, run["base_url"], run["api_key"], run["state_dir"]))
    except Exception as error:
        result = failure(error)
    say({"result": {"seq": run["seq"], **result}})


def many():
    for line in sys.stdin:
        message = json.loads(line)
        if "hello" in message:
            say({"hello": {**client.ABOUT, "language": "Python", "verbs": client.VERBS, "poll_hint": True}})
        elif "run" in message:
            threading.Thread(target=answer, args=(message["run"],)).start()
        elif "stop" in message:
            break


if __name__ == "__main__":
    once(os.environ) if "CERT_TASK" in os.environ else many()
