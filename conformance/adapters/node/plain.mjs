// The official package as its guide uses it: wait for the end, read the output, join by `custom_id`.
//
// Nothing here is made to go wrong, and nothing to go well: it tells which requirements the package meets by itself.

import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { toFile } from "openai";
import { VERSION } from "openai/version";

export const about = { name: "openai (used plainly)", version: VERSION };
export const verbs = ["run-batch", "run-then-cancel", "collect"];

export async function run(task, session) {
  const openai = new OpenAI({ baseURL: session.baseURL, apiKey: session.apiKey });
  let batch;
  if (task.batch_id) {
    batch = await openai.batches.retrieve(task.batch_id);
  } else {
    const requests = task.items.map(({ key, prompt }) => ({
      custom_id: key,
      method: "POST",
      url: task.endpoint,
      body: { model: task.model, messages: [{ role: "user", content: prompt }] },
    }));
    const jsonl = requests.map((request) => JSON.stringify(request) + "\n").join("");
    const file = await openai.files.create({ file: await toFile(Buffer.from(jsonl), "requests.jsonl"), purpose: "batch" });
    batch = await openai.batches.create({
      input_file_id: file.id, endpoint: task.endpoint, completion_window: task.completion_window,
    });
  }
  let cancel = task.verb === "run-then-cancel";
  while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
    await sleep(session.pollHint || 10_000);
    batch = await openai.batches.retrieve(batch.id);
    if (cancel && batch.status === "in_progress") {
      batch = await openai.batches.cancel(batch.id);
      cancel = false;
    }
  }

  const keys = task.keys ?? task.items.map(({ key }) => key);
  const outcomes = new Map(keys.map((key) => [key, { key, outcome: "missing" }]));
  const output = await (await openai.files.content(batch.output_file_id)).text();
  for (const line of output.split("\n").filter((line) => line !== "")) {
    const { custom_id: key, response } = JSON.parse(line);
    outcomes.set(key, { key, outcome: "ok", text: response.body.choices[0].message.content });
  }
  const summary = { batch_ids: [batch.id], status: batch.status };
  return { complete: batch.status === "completed", lines: [...outcomes.values()], summary };
}
