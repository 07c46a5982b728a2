// Waits for webhooks instead of polling, and refuses those that are not to be trusted.
//
// Endpoints are set in the dashboard of the service; the mock takes them by its control API, so this program is
// for the mock alone. Packages of 2024 know no webhooks.

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI, { toFile } from "openai";

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const openai = new OpenAI({ webhookSecret: secret });

const waiting: ((received: Received) => void)[] = [];
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  response.end();
  waiting.shift()?.({ headers: request.headers, body: Buffer.concat(chunks).toString() });
});
await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
const { port } = server.address() as AddressInfo;

async function setWebhooks(setting: object): Promise<void> {
  const answer = await fetch(openai.baseURL.replace(/\/v1$/, "/_mock/v1/webhooks"), {
    method: "PUT",
    headers: { authorization: `Bearer ${openai.apiKey}` },
    body: JSON.stringify(setting),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function runABatch(): Promise<{ id: string } & Received> {
  const next = new Promise<Received>((resolve) => waiting.push(resolve));
  const line = {
    custom_id: "request-1",
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello?" }] },
  };
  const file = await toFile(Buffer.from(JSON.stringify(line)), "hello.jsonl");
  const input = await openai.files.create({ file, purpose: "batch" });
  const batch = await openai.batches.create({
    input_file_id: input.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  return { id: batch.id, ...(await next) };
}

await setWebhooks({ endpoints: [{ url: `http://127.0.0.1:${port}/hook`, secret }] });
const { id, headers, body } = await runABatch();
const event = await openai.webhooks.unwrap(body, headers as Record<string, string>);
if (event.type !== "batch.completed" || event.data.id !== id) throw new Error(body);
console.log(`${event.id}: ${event.data.id} has completed`);

for (const signature of ["wrong", "stale"]) {
  await setWebhooks({ plan: { signature } });
  const { headers, body } = await runABatch();
  try {
    await openai.webhooks.unwrap(body, headers as Record<string, string>);
  } catch (error) {
    if (!(error instanceof OpenAI.InvalidWebhookSignatureError)) throw error;
    console.log(`${signature}: ${error.message}`);
    continue;
  }
  throw new Error(`a ${signature} signature was accepted`);
}
server.close();
