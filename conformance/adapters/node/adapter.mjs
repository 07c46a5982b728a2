// Drives a client as `batchmock-conformance certify` asks for it, once (exec) or for many tasks (stdio).
//
// usage: node adapter.mjs MODULE      a module beside this file that exports `about`, `verbs` and `run(task, session)`

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const client = await import(new URL(`${process.argv[2]}.mjs`, import.meta.url));
const { env } = process;

// What a client is told: where to, and how long. A hint of 0 means that there is none.
const session = (baseURL, apiKey, state, deadline, pollHint) => ({
  baseURL, apiKey, state, deadline: Number(deadline ?? 0), pollHint: Number(pollHint ?? 0),
});

async function once() {
  const task = JSON.parse(readFileSync(env.CERT_TASK, "utf8"));
  if (!client.verbs.includes(task.verb)) return 127;
  const told = [env.OPENAI_BASE_URL, env.OPENAI_API_KEY, env.CERT_STATE, env.CERT_DEADLINE_MS, env.CERT_POLL_HINT_MS];
  const { complete, lines, summary } = await client.run(task, session(...told)).catch(failure);
  writeFileSync(env.CERT_RESULT, [...lines, { summary }].map((line) => JSON.stringify(line) + "\n").join(""));
  return complete ? 0 : 1;
}

// What a program is told whose call throws.
function failure(error) {
  console.error(error);
  return { complete: false, lines: [], summary: { message: String(error), batch_ids: error.batchIds ?? [] } };
}

async function answer({ seq, task, ...of }) {
  if (!client.verbs.includes(task.verb)) return { skipped: { seq, message: `${task.verb} is not offered` } };
  const told = session(of.base_url, of.api_key, of.state_dir, of.deadline_ms, of.poll_hint_ms);
  return { result: { seq, ...(await client.run(task, told).catch(failure)) } };
}

const say = (message) => console.log(JSON.stringify(message));

if (env.CERT_TASK) {
  process.exit(await once());
}
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.hello) say({ hello: { ...client.about, language: "JavaScript", verbs: client.verbs, poll_hint: true } });
  if (message.run) answer(message.run).then(say);
  if (message.stop) break;
}
