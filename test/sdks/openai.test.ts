import { NewWithToken } from "@vault-proxy/client";
import OpenAI, { AuthenticationError, RateLimitError, type APIError } from "openai";
import { afterEach, describe, expect, test, vi } from "vitest";
import { headerValues } from "../live/tls-upstream.js";
import { event, json, lockstep, queryOf, useSdkVault } from "./sdk-vault.js";

const KEY = "sk-proj-0123456789abcdefghijklmnop";
const OTHER_KEY = "ghp_9876543210zyxwvutsrqponmlkjihgfedcba";

const completion = json({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-x",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hello, world" },
      finish_reason: "stop",
      logprobs: null,
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
});

const chunkOf = (content: string): string =>
  event({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-x",
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  });

const fileOf = (id: string): object => ({
  id,
  object: "file",
  bytes: 1,
  created_at: 1,
  filename: `${id}.jsonl`,
  purpose: "batch",
});

const failure = (message: string, type: string, code: string | null): object => ({
  error: { message, type, param: null, code },
});

const vault = useSdkVault({
  credential: { header: "authorization", values: [`Bearer ${KEY}`] },
  auth: { type: "bearer", token: KEY },
  wrongAuth: { type: "bearer", token: "sk-proj-of-somebody-else" },
  refuse: json(failure("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"), 401),
  routes: {
    "POST /v1/chat/completions": completion,
    "GET /v1/models": json({
      object: "list",
      data: [{ id: "gpt-x", object: "model", created: 1, owned_by: "openai" }],
    }),
    "GET /v1/files": (request, response, body) => {
      const after = queryOf(request.url ?? "").get("after");
      const page = after === null ? ["file-1", "file-2"] : ["file-3"];
      return json({ object: "list", data: page.map(fileOf), has_more: after === null })(
        request,
        response,
        body,
      );
    },
    "POST /v1/files": (request, response, body) => {
      const form = body.toString();
      const [, filename, content] =
        /name="file"; filename="(.+?)"\r\n(?:.+\r\n)*\r\n([^]*?)\r\n--/.exec(form) ?? [];
      const purpose = /name="purpose"\r\n\r\n(.+?)\r\n--/.exec(form)?.[1];
      const file = { ...fileOf("file-4"), filename, bytes: content?.length, purpose };
      return json(file)(request, response, body);
    },
  },
});

const client = (options: object = {}): OpenAI =>
  new OpenAI({ baseURL: vault.url("/v1"), apiKey: vault.token, ...options });

const ask = { model: "gpt-x", messages: [{ role: "user", content: "hi" }] } as const;
const question = { ...ask, messages: [...ask.messages] };

afterEach(() => vi.unstubAllEnvs());

describe("openai", () => {
  test("a chat completion, with base URL and key from the constructor", async () => {
    const answer = await client().chat.completions.create(question);
    expect(answer.choices[0]?.message.content).toBe("Hello, world");
    expect(JSON.parse(vault.received()[0]!.body.toString())).toEqual(question);
  });

  test("a chat completion, with base URL and key from the environment", async () => {
    vi.stubEnv("OPENAI_BASE_URL", vault.url("/v1"));
    vi.stubEnv("OPENAI_API_KEY", vault.token);
    const answer = await new OpenAI().chat.completions.create(question);
    expect(answer.choices[0]?.message.content).toBe("Hello, world");
  });

  test("the TypeScript client gives the options, whether or not the stored URL ends in /v1", async () => {
    vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:9/elsewhere");
    await vault.live.addService(
      "versioned",
      { type: "bearer", token: KEY },
      {
        base_url: `${vault.live.upstream.origin}/v1`,
      },
    );
    const vaultClient = NewWithToken(vault.address, vault.token);
    for (const service of ["api", "versioned"]) {
      const answer = await new OpenAI(await vaultClient.openaiOptions(service)).chat.completions.create(
        question,
      );
      expect(answer.choices[0]?.message.content).toBe("Hello, world");
    }
    expect(vault.received().map(({ target }) => target)).toEqual(Array(2).fill("/v1/chat/completions"));
  });

  test("a stream's chunks arrive one by one", async () => {
    const words = ["Hello", ", ", "world"];
    // The SDK reads on to the end after [DONE], so this comes with the last word.
    const steps = lockstep([chunkOf("Hello"), chunkOf(", "), `${chunkOf("world")}data: [DONE]\n\n`]);
    vault.answerOnce(steps.answer);
    const got: (string | null | undefined)[] = [];
    for await (const chunk of await client().chat.completions.create({ ...question, stream: true })) {
      got.push(chunk.choices[0]?.delta.content);
      steps.took();
    }
    expect(got).toEqual(words);
  });

  test("a stream that the caller leaves is left at the API too", async () => {
    let left = (): void => undefined;
    const gone = new Promise<void>((resolve) => (left = resolve));
    vault.answerOnce((_request, response) => {
      response.on("close", () => left());
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write(chunkOf("Hello"));
    });
    for await (const _chunk of await client().chat.completions.create({ ...question, stream: true })) break;
    await gone;
  });

  test("a file is uploaded as multipart form data", async () => {
    const content = "x".repeat(300_000);
    const file = await client().files.create({
      file: new File([content], "batch.jsonl", { type: "application/jsonl" }),
      purpose: "batch",
    });
    expect(file).toMatchObject({ bytes: content.length, filename: "batch.jsonl", purpose: "batch" });
  });

  test("models are listed, and pages of files are fetched on", async () => {
    const models: string[] = [];
    for await (const model of client().models.list()) models.push(model.id);
    expect(models).toEqual(["gpt-x"]);

    const files: string[] = [];
    for await (const file of client().files.list({ limit: 2 })) files.push(file.id);
    expect(files).toEqual(["file-1", "file-2", "file-3"]);
    expect(queryOf(vault.received().at(-1)!.target).get("after")).toBe("file-2");
  });

  test("a 500 is tried again, with the SDK's count of retries in its header", async () => {
    vault.answerOnce(json(failure("The server had an error.", "server_error", null), 500));
    const answer = await client().chat.completions.create(question);
    expect(answer.choices[0]?.message.content).toBe("Hello, world");
    expect(vault.received().map((call) => headerValues(call.rawHeaders, "x-stainless-retry-count"))).toEqual([
      ["0"],
      ["1"],
    ]);
  });

  test("a 429 is a RateLimitError with the API's Retry-After, which the SDK waits for", async () => {
    const limited = json(failure("Rate limit reached.", "requests", "rate_limit_exceeded"), 429, {
      "Retry-After": "1",
    });
    vault.answerOnce(limited, limited);
    const error: unknown = await client({ maxRetries: 0 })
      .chat.completions.create(question)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect((error as RateLimitError).headers.get("retry-after")).toBe("1");

    const started = performance.now();
    await client().chat.completions.create(question);
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  test("a key that the API refuses is an AuthenticationError of the API", async () => {
    await expect(client({ baseURL: vault.url("/v1", "wrong") }).models.list()).rejects.toSatisfy(
      (error) => error instanceof AuthenticationError && error.code === "invalid_api_key",
    );
  });

  test("a revoked vault token is an AuthenticationError of the vault", async () => {
    const error: unknown = await client({ apiKey: await vault.revokedToken() })
      .models.list()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AuthenticationError);
    expect((error as AuthenticationError).headers.get("x-vault-error")).toBe("unauthorized");
    expect(vault.received()).toEqual([]);
  });

  test("a request that holds another service's secret is not tried again, which would suspend the token", async () => {
    await vault.live.addService("other", { type: "bearer", token: OTHER_KEY });
    const leaking = { ...question, messages: [{ role: "user" as const, content: `my key is ${OTHER_KEY}` }] };
    const error: unknown = await client()
      .chat.completions.create(leaking)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 409 });
    expect((error as APIError).headers?.get("x-vault-error")).toBe("secret_in_request");
    const answer = await client().chat.completions.create(question);
    expect(answer.choices[0]?.message.content).toBe("Hello, world");
  });

  test("a file over the service's max_request_bytes is refused with 413", async () => {
    const file = new File(["x".repeat(10 * 1024 * 1024)], "big.jsonl");
    const error: unknown = await client()
      .files.create({ file, purpose: "batch" })
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 413 });
    expect((error as APIError).headers?.get("x-vault-error")).toBe("body_too_large");
    expect(vault.received()).toEqual([]);
  });
});
