// Translates three Japanese sentences in one batch and prints the answers in
// the order of the sentences, whatever the order in which they come back.

import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { toFile } from "openai";

const sentences = [
  "今日はいい天気ですね。",
  "駅までの道を教えてください。",
  "この本はとても面白かったです。",
];

const requests = sentences.map((sentence, index) => ({
  custom_id: `request-${index + 1}`,
  method: "POST",
  url: "/v1/chat/completions",
  body: {
    model: "gpt-3.5-turbo",
    messages: [
      { role: "system", content: "Translate the user's Japanese into English." },
      { role: "user", content: sentence },
    ],
  },
}));

interface OutputLine {
  custom_id: string;
  response: { status_code: number; body: OpenAI.Chat.ChatCompletion };
}

const openai = new OpenAI();

const jsonl = requests.map((request) => JSON.stringify(request) + "\n").join("");
const input = await openai.files.create({
  file: await toFile(Buffer.from(jsonl), "translate.jsonl"),
  // The service takes "batch"; the types of openai 4.36.0 do not know it yet.
  purpose: "batch" as string as OpenAI.FileCreateParams["purpose"],
});

let batch = await openai.batches.create({
  input_file_id: input.id,
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
});
console.log(`${batch.id}: ${batch.status}`);

while (batch.status !== "completed") {
  if (["failed", "cancelled", "expired"].includes(batch.status)) {
    throw new Error(`${batch.id} ended as ${batch.status}`);
  }
  await sleep(1_000);
  batch = await openai.batches.retrieve(batch.id);
  console.log(`${batch.id}: ${batch.status}`);
}

if (!batch.output_file_id) {
  throw new Error(`${batch.id} has no output: every request failed`);
}
const output = await (await openai.files.content(batch.output_file_id)).text();
const lines = output
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as OutputLine);
const answers = new Map(
  lines.map((line) => [line.custom_id, line.response.body.choices[0]?.message.content]),
);

console.log(`output order: ${lines.map((line) => line.custom_id).join(", ")}`);
for (const [index, request] of requests.entries()) {
  const answer = answers.get(request.custom_id);
  if (!answer) {
    throw new Error(`${request.custom_id} has no answer`);
  }
  console.log(`${request.custom_id}: ${sentences[index]} -> ${answer}`);
}
if (lines.length !== requests.length || answers.size !== requests.length) {
  throw new Error(`${requests.length} requests, but ${lines.length} output lines`);
}
