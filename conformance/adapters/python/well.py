"""The official package, used well: right on every ending, and nothing made or paid twice.

What the package leaves to its user is here: to make things once though answers get lost (`once`), to wait through
whatever passes (`wait`), to read both files on any ending (`read`), and to account for every item (`account`).
"""

import json
import time
import uuid
from collections import Counter
from email.utils import parsedate_to_datetime

import openai
from openai import APIConnectionError, APIStatusError, BadRequestError, NotFoundError

ABOUT = {"name": "openai (used well)", "version": openai.__version__}
VERBS = ["run-batch", "run-then-cancel", "collect", "files-roundtrip"]
if hasattr(openai, "InvalidWebhookSignatureError"):
    VERBS.append("webhook-consume")

ENDINGS = ("completed", "failed", "expired", "cancelled")
NOT_RUN = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
MAX_LINES, MAX_BYTES = 50_000, 200_000_000
ATTEMPTS = 5


def may_pass(error):
    """Whether a failure can be another one the next time."""
    if isinstance(error, BadRequestError):
        # A file that was sent just now is not there for a moment.
        return "Cannot find file" in error.message
    if isinstance(error, APIStatusError):
        return error.status_code in (408, 409, 429) and error.code != "insufficient_quota" or error.status_code >= 500
    return isinstance(error, APIConnectionError)


def is_worth_another_try(outcome):
    """Whether a request that was not answered can be, in another batch."""
    status = outcome.get("status")
    if outcome["outcome"] != "error":
        return outcome["outcome"] in ("missing", "expired")
    return status is None or status == 408 or status >= 500 or status == 429 and outcome["code"] != "insufficient_quota"


def pause_after(error, attempt):
    """How long to wait before another attempt, in seconds: what the service asks for, or longer and longer."""
    headers = error.response.headers if isinstance(error, APIStatusError) else {}
    value = headers.get("retry-after", "")
    try:
        asked = float(headers["retry-after-ms"]) / 1000 if "retry-after-ms" in headers else float(value)
    except ValueError:
        try:
            asked = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            asked = 0
    return asked if 0 < asked <= 120 else min(0.5 * 2**attempt, 8)


class OutOfTime(Exception):
    """Who waited has no more time. The batches go on, and can be collected later."""

    def __init__(self, batch_ids):
        super().__init__(f"gave up on {', '.join(batch_ids)}, which goes on without this program")
        self.batch_ids = batch_ids


class Run:
    """One piece of work, known by a tag that nothing else has, also to a process that takes it up again."""

    def __init__(self, task, session):
        self.task = task
        # Reads are repeated by the package; what makes something is repeated here, after a look.
        self.client = openai.OpenAI(base_url=session.base_url, api_key=session.api_key, max_retries=4)
        self.makes = self.client.with_options(max_retries=0)
        self.pause = session.poll_hint_ms / 1000 or 5
        self.deadline = time.monotonic() + (session.deadline_ms / 1000 * 0.9 or 30 * 3600)
        kept = session.state / "tag"
        self.is_taken_up = kept.exists()
        if not self.is_taken_up:
            kept.write_text(f"job-{uuid.uuid4()}")
        self.tag = kept.read_text()
        self.files, self.batches, self.errors, self.oddities = [], [], [], Counter()
        keys = task.get("keys") or [item["key"] for item in task.get("items", ())]
        self.outcomes = {key: {"key": key, "outcome": "missing"} for key in keys}
        self.usage = Counter(input_tokens=0, output_tokens=0, total_tokens=0)

    def sleep(self, seconds):
        if time.monotonic() + seconds > self.deadline:
            raise OutOfTime([batch.id for batch in self.batches])
        time.sleep(seconds)

    def once(self, make, find):
        """Makes something once: where it may be there already, it is looked for before it is made again."""
        found = find() if self.is_taken_up else None
        for attempt in range(ATTEMPTS):
            if found:
                return found
            try:
                return make()
            except (APIConnectionError, APIStatusError) as error:
                if not may_pass(error) or attempt + 1 == ATTEMPTS:
                    raise
                self.sleep(pause_after(error, attempt))
                found = find()

    def upload(self, name, data):
        file = self.once(
            lambda: self.makes.files.create(file=(name, data), purpose="batch"),
            lambda: next((file for file in self.client.files.list(purpose="batch") if file.filename == name), None),
        )
        self.files.append(file.id)
        return file

    def create(self, tag, lines):
        file = self.upload(f"{tag}.jsonl", b"".join(lines))
        return self.once(
            lambda: self.makes.batches.create(
                input_file_id=file.id,
                endpoint=self.task["endpoint"],
                completion_window=self.task["completion_window"],
                metadata={"tag": tag},
            ),
            lambda: next((it for it in self.client.batches.list() if (it.metadata or {}).get("tag") == tag), None),
        )

    def line(self, item):
        endpoint, body = self.task["endpoint"], {"model": self.task["model"]}
        if endpoint == "/v1/chat/completions":
            body["messages"] = [{"role": "user", "content": item["prompt"]}]
        else:
            body["prompt" if endpoint == "/v1/completions" else "input"] = item["prompt"]
        request = {"custom_id": item["key"], "method": "POST", "url": endpoint, "body": body}
        return json.dumps(request).encode() + b"\n"

    def wait(self, batch, cancel=False):
        """Waits for one of the four endings, through statuses that nobody knows and failures that pass."""
        pause, lost = self.pause, 0
        while batch.status not in ENDINGS:
            self.sleep(pause)
            pause = min(pause * 1.2, 60) if self.pause >= 5 else pause
            try:
                batch = self.client.batches.retrieve(batch.id)
                lost = 0
                if cancel and batch.status not in ("validating", "cancelling", *ENDINGS):
                    batch, cancel = self.client.batches.cancel(batch.id), False
            except NotFoundError:
                lost += 1  # Seen of a batch that was there before and after, so once is not enough.
                if lost == 3:
                    raise
            except (APIConnectionError, APIStatusError) as error:
                lost += 1
                if not may_pass(error) or lost == 3:
                    raise
                self.sleep(pause_after(error, lost))
        return batch

    def read(self, file_id):
        """The lines of a result file. One that is cut is fetched again: its last line is no JSON."""
        for attempt in range(2):
            parsed, broken = [], 0
            # Split at \n alone: str.splitlines() also splits at U+2028, which JSON may hold.
            for line in self.client.files.content(file_id).content.split(b"\n"):
                try:
                    parsed += [json.loads(line)] if line.strip() else []
                except ValueError:
                    broken += 1
            if not broken:
                break
        self.oddities["unreadable"] += broken
        return parsed

    def judge(self, line):
        """What became of one request: it succeeded if its status says so and there is no error, in either file."""
        response, error = line.get("response") or {}, line.get("error") or {}
        body, status = response.get("body") or {}, response.get("status_code")
        told = {"key": line["custom_id"], "status": status or None}
        if status and 200 <= status < 300 and not error:
            return told | {"outcome": "ok", "text": text_of(body), "usage": body.get("usage") or {}}
        error = error or (body.get("error") if isinstance(body, dict) else None) or {}
        code = error.get("code") or error.get("type")
        return told | {"outcome": NOT_RUN.get(code, "error"), "code": code}

    def account(self, batch):
        """Takes what both files of a batch tell, whatever its ending. Each item is told of once."""
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):  # null, or the empty text
            self.files.append(file_id)
            for line in self.read(file_id):
                key = line.get("custom_id")
                if key not in self.outcomes:
                    self.oddities["unknown"] += 1
                elif self.outcomes[key].get("batch") == batch.id:
                    self.oddities["duplicate"] += 1
                else:
                    outcome = self.judge(line)
                    usage = outcome.pop("usage", {})
                    self.usage["input_tokens"] += usage.get("prompt_tokens", usage.get("input_tokens", 0))
                    self.usage["output_tokens"] += usage.get("completion_tokens", usage.get("output_tokens", 0))
                    self.usage["total_tokens"] += usage.get("total_tokens", 0)
                    self.outcomes[key] = outcome | {"batch": batch.id}
        for problem in (batch.errors and batch.errors.data) or []:
            self.errors.append({"code": problem.code, "line": problem.line, "message": problem.message})

    def run(self, items, round=1):
        """Runs items in as many batches as the limits ask for."""
        chunks, size = [[]], 0
        for line in map(self.line, items):
            if len(chunks[-1]) == MAX_LINES or size + len(line) > MAX_BYTES:
                chunks.append([])
                size = 0
            chunks[-1].append(line)
            size += len(line)
        started = [self.create(f"{self.tag}-{round}-{n}", lines) for n, lines in enumerate(chunks)]
        self.batches += started
        for at, batch in enumerate(started):
            ended = self.wait(batch, cancel=self.task["verb"] == "run-then-cancel")
            self.batches[at - len(started)] = ended
            self.account(ended)

    def result(self):
        lines = [
            {name: value for name, value in outcome.items() if name != "batch" and value is not None}
            for outcome in self.outcomes.values()
        ]
        summary = {
            "batch_ids": [batch.id for batch in self.batches],
            "status": self.batches[-1].status,
            "errors": self.errors,
            "usage": dict(self.usage),
            "oddities": {name: count for name, count in self.oddities.items() if count},
        }
        return {"complete": not self.errors, "lines": lines, "summary": summary}


def text_of(body):
    if "choices" in body:
        choice = body["choices"][0]
        return choice["message"]["content"] if "message" in choice else choice["text"]
    output = [part for item in body.get("output", []) for part in item.get("content", [])]
    return "".join(part.get("text", "") for part in output)


def run_batch(run):
    if "batch_id" in run.task:
        run.batches = [run.wait(run.client.batches.retrieve(run.task["batch_id"]))]
        run.account(run.batches[0])
    else:
        run.run(run.task["items"])
    if run.task.get("finish"):
        again = [item for item in run.task["items"] if is_worth_another_try(run.outcomes[item["key"]])]
        if again and run.batches[-1].status != "failed":
            run.run(again, round=2)
    if run.task.get("cleanup"):
        for file_id in run.files:
            run.client.files.delete(file_id)
    return run.result()


def files_roundtrip(run):
    lines = []
    for file in run.task["files"]:
        data = file["text"].encode()
        uploaded = run.upload(file["name"], data)
        back = run.client.files.content(uploaded.id).content
        run.client.files.delete(uploaded.id)
        outcome = "ok" if back == data else "error"
        lines.append({"key": file["key"], "outcome": outcome, "text": back.decode()})
    return {"complete": True, "lines": lines, "summary": {}}


def webhook_consume(run):
    lines, seen = [], set()
    for delivery in run.task["deliveries"]:
        headers = {name.lower(): value for name, value in delivery["headers"].items()}
        try:
            run.client.webhooks.unwrap(delivery["body"], headers, secret=run.task["secret"])
        except (openai.InvalidWebhookSignatureError, ValueError):
            lines.append({"key": delivery["key"], "outcome": "refused"})
            continue
        outcome = "duplicate" if headers["webhook-id"] in seen else "handled"
        seen.add(headers["webhook-id"])
        lines.append({"key": delivery["key"], "outcome": outcome})
    return {"complete": True, "lines": lines, "summary": {}}


def run(task, session):
    verbs = {"files-roundtrip": files_roundtrip, "webhook-consume": webhook_consume}
    return verbs.get(task["verb"], run_batch)(Run(task, session))
