// The official package, used well: right on every ending, and nothing made or paid twice.
//
// What the package leaves to its user is here: to make things once though answers get lost (`once`), to wait through
// whatever passes (`wait`), to read both files on any ending (`read`), and to account for every item (`account`).

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { APIConnectionError, APIError, InvalidWebhookSignatureError, NotFoundError, toFile } from "openai";
import { VERSION } from "openai/version";

export const about = { name: "openai (used well)", version: VERSION };
export const verbs = ["run-batch", "run-then-cancel", "collect", "files-roundtrip", "webhook-consume"];

const ENDINGS = ["completed", "failed", "expired", "cancelled"];
const NOT_RUN = { batch_expired: "expired", batch_cancelled: "cancelled" };
const MAX_LINES = 50_000;
const MAX_BYTES = 200_000_000;
const ATTEMPTS = 5;

// Whether a failure can be another one the next time.
function mayPass(error) {
  if (error instanceof APIConnectionError) return true;
  if (!(error instanceof APIError)) return false;
  // A file that was sent just now is not there for a moment.
  if (error.status === 400) return error.message.includes("Cannot find file");
  return ([408, 409, 429].includes(error.status) && error.code !== "insufficient_quota") || error.status >= 500;
}

// Whether a request that was not answered can be, in another batch.
function isWorthAnotherTry({ outcome, status, code }) {
  if (outcome !== "error") return outcome === "missing" || outcome === "expired";
  return status === undefined || status === 408 || status >= 500 || (status === 429 && code !== "insufficient_quota");
}

// How long to wait before another attempt: what the service asks for, or longer and longer.
function pauseAfter(error, attempt) {
  const header = (name) => error.headers?.get(name) ?? undefined;
  const text = header("retry-after");
  let asked = Number(header("retry-after-ms") ?? NaN);
  if (!Number.isFinite(asked)) asked = Number(text ?? NaN) * 1000;
  if (!Number.isFinite(asked)) asked = Date.parse(text) - Date.now();
  return asked > 0 && asked <= 120_000 ? asked : Math.min(500 * 2 ** attempt, 8_000);
}

async function first(list, fits) {
  for await (const one of list) if (fits(one)) return one;
}

// Who waited has no more time. The batches go on, and can be collected later.
class OutOfTime extends Error {
  constructor(batchIds) {
    super(`gave up on ${batchIds.join(", ")}, which goes on without this program`);
    this.batchIds = batchIds;
  }
}

// One piece of work, known by a tag that nothing else has, also to a process that takes it up again.
class Run {
  files = [];
  batches = [];
  errors = [];
  oddities = {};
  usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };

  constructor(task, { baseURL, apiKey, state, deadline, pollHint }) {
    this.task = task;
    // Reads are repeated by the package; what makes something is repeated here, after a look.
    this.openai = new OpenAI({ baseURL, apiKey, maxRetries: 4 });
    this.makes = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    this.pause = pollHint || 5_000;
    this.deadline = performance.now() + (deadline * 0.9 || 30 * 3_600_000);
    const kept = join(state, "tag");
    this.isTakenUp = existsSync(kept);
    if (!this.isTakenUp) writeFileSync(kept, `job-${randomUUID()}`);
    this.tag = readFileSync(kept, "utf8");
    const keys = task.keys ?? (task.items ?? []).map(({ key }) => key);
    this.outcomes = new Map(keys.map((key) => [key, { key, outcome: "missing" }]));
  }

  async sleep(pause) {
    if (performance.now() + pause > this.deadline) {
      throw new OutOfTime(this.batches.map(({ id }) => id));
    }
    await sleep(pause);
  }

  notice(what, count = 1) {
    this.oddities[what] = (this.oddities[what] ?? 0) + count;
  }

  // Makes something once: where it may be there already, it is looked for before it is made again.
  async once(make, find) {
    let found = this.isTakenUp ? await find() : undefined;
    for (let attempt = 0; !found; attempt += 1) {
      try {
        return await make();
      } catch (error) {
        if (!mayPass(error) || attempt + 1 === ATTEMPTS) throw error;
        await this.sleep(pauseAfter(error, attempt));
        found = await find();
      }
    }
    return found;
  }

  async upload(name, data) {
    const file = await this.once(
      async () => this.makes.files.create({ file: await toFile(data, name), purpose: "batch" }),
      () => first(this.openai.files.list({ purpose: "batch" }), (file) => file.filename === name),
    );
    this.files.push(file.id);
    return file;
  }

  async create(tag, lines) {
    const file = await this.upload(`${tag}.jsonl`, Buffer.concat(lines));
    const { endpoint, completion_window } = this.task;
    return this.once(
      () => this.makes.batches.create({ input_file_id: file.id, endpoint, completion_window, metadata: { tag } }),
      () => first(this.openai.batches.list(), (batch) => batch.metadata?.tag === tag),
    );
  }

  line({ key, prompt }) {
    const { endpoint: url, model } = this.task;
    const said = url === "/v1/chat/completions" ? { messages: [{ role: "user", content: prompt }] }
      : url === "/v1/completions" ? { prompt } : { input: prompt };
    return Buffer.from(JSON.stringify({ custom_id: key, method: "POST", url, body: { model, ...said } }) + "\n");
  }

  // Waits for one of the four endings, through statuses that nobody knows and failures that pass.
  async wait(batch, cancel = false) {
    let pause = this.pause;
    let lost = 0;
    while (!ENDINGS.includes(batch.status)) {
      await this.sleep(pause);
      if (this.pause >= 5_000) pause = Math.min(pause * 1.2, 60_000);
      try {
        batch = await this.openai.batches.retrieve(batch.id);
        lost = 0;
        if (cancel && !["validating", "cancelling", ...ENDINGS].includes(batch.status)) {
          batch = await this.openai.batches.cancel(batch.id);
          cancel = false;
        }
      } catch (error) {
        lost += 1;
        // A 404 was seen of a batch that was there before and after, so once is not enough.
        if (lost === 3 || !(mayPass(error) || error instanceof NotFoundError)) throw error;
        if (mayPass(error)) await this.sleep(pauseAfter(error, lost));
      }
    }
    return batch;
  }

  // The text of a file. The package repeats what fails before the body begins, and leaves a body that breaks off.
  async text(fileId) {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.openai.files.content(fileId);
      try {
        return await response.text();
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  // The lines of a result file. One that is cut is fetched again: its last line is no JSON.
  async read(fileId) {
    let parsed;
    let broken;
    for (let attempt = 0; attempt < 2 && broken !== 0; attempt += 1) {
      [parsed, broken] = [[], 0];
      const text = await this.text(fileId);
      for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
        try {
          parsed.push(JSON.parse(line));
        } catch {
          broken += 1;
        }
      }
    }
    this.notice("unreadable", broken);
    return parsed;
  }

  // What became of one request: it succeeded if its status says so and there is no error, in either file.
  judge({ custom_id: key, response, error }) {
    const status = response?.status_code || undefined;
    const body = response?.body ?? {};
    if (status >= 200 && status < 300 && !error) return { key, status, outcome: "ok", text: textOf(body) };
    const told = error ?? body.error ?? {};
    const code = told.code ?? told.type ?? undefined;
    return { key, status, outcome: NOT_RUN[code] ?? "error", code };
  }

  // Takes what both files of a batch tell, whatever its ending. Each item is told of once.
  async account(batch) {
    const told = new Set();
    // A file that is not there is null, or the empty text.
    for (const fileId of [batch.output_file_id, batch.error_file_id].filter(Boolean)) {
      this.files.push(fileId);
      for (const line of await this.read(fileId)) {
        const key = line.custom_id;
        if (!this.outcomes.has(key)) this.notice("unknown");
        else if (told.has(key)) this.notice("duplicate");
        else {
          const outcome = this.judge(line);
          const usage = (outcome.outcome === "ok" && line.response.body.usage) || {};
          this.usage.input_tokens += usage.prompt_tokens ?? usage.input_tokens ?? 0;
          this.usage.output_tokens += usage.completion_tokens ?? usage.output_tokens ?? 0;
          this.usage.total_tokens += usage.total_tokens ?? 0;
          this.outcomes.set(key, outcome);
          told.add(key);
        }
      }
    }
    this.errors.push(...(batch.errors?.data ?? []).map(({ code, line, message }) => ({ code, line, message })));
  }

  // Runs items in as many batches as the limits ask for.
  async run(items, round = 1) {
    const chunks = [[]];
    let size = 0;
    for (const line of items.map((item) => this.line(item))) {
      if (chunks.at(-1).length === MAX_LINES || size + line.length > MAX_BYTES) {
        chunks.push([]);
        size = 0;
      }
      chunks.at(-1).push(line);
      size += line.length;
    }
    const before = this.batches.length;
    for (const [n, lines] of chunks.entries()) this.batches.push(await this.create(`${this.tag}-${round}-${n}`, lines));
    for (let at = before; at < this.batches.length; at += 1) {
      this.batches[at] = await this.wait(this.batches[at], this.task.verb === "run-then-cancel");
      await this.account(this.batches[at]);
    }
  }

  result() {
    const { errors, usage } = this;
    const oddities = Object.fromEntries(Object.entries(this.oddities).filter(([, count]) => count));
    const summary = { batch_ids: this.batches.map(({ id }) => id), status: this.batches.at(-1).status, errors, usage, oddities };
    return { complete: errors.length === 0, lines: [...this.outcomes.values()], summary };
  }
}

function textOf(body) {
  if (body.choices) return body.choices[0].message?.content ?? body.choices[0].text;
  return (body.output ?? []).flatMap(({ content }) => content ?? []).map(({ text }) => text ?? "").join("");
}

async function runBatch(run) {
  const { task, openai } = run;
  if (task.batch_id) {
    run.batches = [await run.wait(await openai.batches.retrieve(task.batch_id))];
    await run.account(run.batches[0]);
  } else {
    await run.run(task.items);
  }
  if (task.finish && run.batches.at(-1).status !== "failed") {
    const again = task.items.filter(({ key }) => isWorthAnotherTry(run.outcomes.get(key)));
    if (again.length > 0) await run.run(again, 2);
  }
  if (task.cleanup) for (const fileId of run.files) await openai.files.delete(fileId);
  return run.result();
}

async function filesRoundtrip(run) {
  const lines = [];
  for (const { key, name, text } of run.task.files) {
    const { id } = await run.upload(name, Buffer.from(text));
    const back = await (await run.openai.files.content(id)).text();
    await run.openai.files.delete(id);
    lines.push({ key, outcome: back === text ? "ok" : "error", text: back });
  }
  return { complete: true, lines, summary: {} };
}

async function webhookConsume(run) {
  const { secret, deliveries } = run.task;
  const seen = new Set();
  const lines = [];
  for (const { key, headers, body } of deliveries) {
    const id = new Headers(headers).get("webhook-id");
    try {
      await run.openai.webhooks.unwrap(body, headers, secret);
      lines.push({ key, outcome: seen.has(id) ? "duplicate" : "handled" });
      seen.add(id);
    } catch (error) {
      if (!(error instanceof InvalidWebhookSignatureError)) console.error(error);
      lines.push({ key, outcome: "refused" });
    }
  }
  return { complete: true, lines, summary: {} };
}

const OTHER_VERBS = { "files-roundtrip": filesRoundtrip, "webhook-consume": webhookConsume };

export async function run(task, session) {
  return (OTHER_VERBS[task.verb] ?? runBatch)(new Run(task, session));
}
