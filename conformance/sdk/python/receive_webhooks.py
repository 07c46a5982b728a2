"""Waits for webhooks instead of polling, and refuses those that are not to be trusted.

usage: receive_webhooks.py [INPUT]        (default: translate.jsonl)

Endpoints are set in the dashboard of the service; the mock takes them by its
control API, so this program is for the mock alone.
"""

import json
import queue
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from openai import InvalidWebhookSignatureError, OpenAI

INPUT = Path(__file__).parents[3] / "fixtures/jsonl/valid/translate.jsonl"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

client = OpenAI(webhook_secret=SECRET)
path = Path(sys.argv[1]) if len(sys.argv) > 1 else INPUT
received = queue.Queue()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        received.put((dict(self.headers), body.decode()))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()


def set_webhooks(setting):
    url = str(client.base_url).replace("/v1/", "/_mock/v1/webhooks")
    headers = {"Authorization": f"Bearer {client.api_key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(setting).encode(), headers, method="PUT")
    urllib.request.urlopen(request).close()


def run_a_batch():
    """Runs a batch, and gives it with what came when it had ended."""
    input_file = client.files.create(file=path, purpose="batch")
    batch = client.batches.create(
        input_file_id=input_file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    headers, body = received.get(timeout=60)
    return batch, headers, body


set_webhooks({"endpoints": [{"url": f"http://127.0.0.1:{server.server_port}/hook", "secret": SECRET}]})
batch, headers, body = run_a_batch()
event = client.webhooks.unwrap(body, headers)
assert event.type == "batch.completed", event
assert event.data.id == batch.id, event
batch = client.batches.retrieve(batch.id)
assert (batch.status, batch.completed_at) == ("completed", event.created_at), batch
print(f"{event.id}: {event.data.id} has completed")

for signature in ["wrong", "stale"]:
    set_webhooks({"plan": {"signature": signature}})
    _, headers, body = run_a_batch()
    try:
        client.webhooks.unwrap(body, headers)
    except InvalidWebhookSignatureError as refusal:
        print(f"{signature}: {refusal}")
    else:
        raise AssertionError(f"a {signature} signature was accepted")
