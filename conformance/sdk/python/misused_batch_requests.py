"""Sends a list of requests as one chat completion, which no endpoint offers:
the service refuses the unknown argument, and a batch is the right way.
"""

import sys

import openai

client = openai.OpenAI()

requests = [
    {"messages": [{"role": "user", "content": "What is the capital of Japan?"}]},
    {"messages": [{"role": "user", "content": "What is the capital of Korea?"}]},
]

try:
    client.post(
        "/chat/completions",
        cast_to=object,
        body={"model": "gpt-3.5-turbo", "batch_requests": requests},
    )
except openai.BadRequestError as error:
    refusal = error
else:
    sys.exit("the request was accepted")

print(refusal)

assert refusal.status_code == 400, refusal.status_code
assert refusal.type == "invalid_request_error", refusal.type
assert refusal.param is None, refusal.param
assert refusal.code is None, refusal.code
message = refusal.body["message"]
assert message == "Unrecognized request argument supplied: batch_requests", message
