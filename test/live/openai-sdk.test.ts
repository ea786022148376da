import OpenAI, { AuthenticationError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLiveVault, type LiveVault } from "./live-vault.js";
import type { Answer } from "./tls-upstream.js";

const KEY = "sk-test-0123456789abcdefghij";

let live: LiveVault;
let client: OpenAI;

/** One chunk of a chat completion in the shape that the API streams. */
const chunkOf = (content: string): string =>
  `data: ${JSON.stringify({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  })}\n\n`;

const answer: Answer = (request, response, body) => {
  if (request.headers.authorization !== `Bearer ${KEY}`) {
    response.writeHead(401, { "Content-Type": "application/json" });
    response.end(
      JSON.stringify({
        error: { message: "wrong key", type: "invalid_request_error", code: "invalid_api_key" },
      }),
    );
  } else if (request.url === "/v1/models") {
    response.setHeader("Content-Type", "application/json");
    response.end(
      JSON.stringify({ object: "list", data: [{ id: "m", object: "model", created: 1, owned_by: "x" }] }),
    );
  } else if (request.url === "/v1/files") {
    response.setHeader("Content-Type", "application/json");
    response.end(
      JSON.stringify({
        id: "f1",
        object: "file",
        bytes: body.length,
        filename: "a.jsonl",
        purpose: "batch",
      }),
    );
  } else {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const word of ["Hello", ", ", "world"]) response.write(chunkOf(word));
    response.end("data: [DONE]\n\n");
  }
};

beforeAll(async () => {
  live = await startLiveVault({ answer });
  await live.addService("openai", { type: "bearer", token: KEY });
  await live.addService("wrong", { type: "bearer", token: "sk-wrong" });
  client = new OpenAI({
    baseURL: `${live.server.address}/proxy/openai/v1`,
    apiKey: live.token,
    maxRetries: 0,
  });
});

afterAll(() => live.close());

test("the official SDK streams a chat completion with only base URL and key changed", async () => {
  const stream = await client.chat.completions.create({
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
  });
  const words: (string | null | undefined)[] = [];
  for await (const part of stream) words.push(part.choices[0]?.delta.content);
  expect(words).toEqual(["Hello", ", ", "world"]);
});

test("it lists models and uploads a file", async () => {
  expect((await client.models.list()).data.map((model) => model.id)).toEqual(["m"]);
  const file = await client.files.create({
    file: new File(["x".repeat(100_000)], "a.jsonl"),
    purpose: "batch",
  });
  expect(file.bytes).toBeGreaterThan(100_000);
});

test("an error of the API is the SDK's own error class, and an error of the vault too", async () => {
  const wrongKey = client.withOptions({ baseURL: `${live.server.address}/proxy/wrong/v1` });
  await expect(wrongKey.models.list()).rejects.toMatchObject({ status: 401, code: "invalid_api_key" });
  const wrongToken = client.withOptions({ apiKey: `tok_${"A".repeat(43)}` });
  await expect(wrongToken.models.list()).rejects.toBeInstanceOf(AuthenticationError);
});
