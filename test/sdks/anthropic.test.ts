import Anthropic, { AuthenticationError, RateLimitError } from "@anthropic-ai/sdk";
import { NewWithToken } from "@vault-proxy/client";
import { afterEach, describe, expect, test, vi } from "vitest";
import { headerValues } from "../live/tls-upstream.js";
import { event, json, lockstep, queryOf, useSdkVault } from "./sdk-vault.js";

const KEY = "sk-ant-api03-0123456789abcdefghijklmnop";
const OTHER_KEY = "ghp_9876543210zyxwvutsrqponmlkjihgfedcba";

const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-x",
  content: [{ type: "text", text: "Hello, world" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 2 },
};

const failure = (type: string, text: string): object => ({
  type: "error",
  error: { type, message: text },
  request_id: "req_1",
});

/** The events of a streamed message, in the API's order. */
const events = [
  { type: "message_start", message: { ...message, content: [], stop_reason: null } },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: ", world" } },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 2 },
  },
  { type: "message_stop" },
];
const pieces = events.map((data) => event(data, data.type));

const vault = useSdkVault({
  credential: { header: "x-api-key", values: [KEY] },
  auth: { type: "header", header_name: "x-api-key", header_value: KEY },
  wrongAuth: { type: "header", header_name: "x-api-key", header_value: "sk-ant-of-somebody-else" },
  refuse: json(failure("authentication_error", "invalid x-api-key"), 401),
  routes: {
    "POST /v1/messages": json(message),
    "GET /v1/models": (request, response, body) => {
      const isFirst = queryOf(request.url ?? "").get("after_id") === null;
      const ids = isFirst ? ["claude-x", "claude-y"] : ["claude-z"];
      const data = ids.map((id) => ({
        type: "model",
        id,
        display_name: id,
        created_at: "2026-01-01T00:00:00Z",
      }));
      return json({ data, has_more: isFirst, first_id: ids[0], last_id: ids.at(-1) })(
        request,
        response,
        body,
      );
    },
  },
});

const client = (options: object = {}): Anthropic =>
  new Anthropic({ baseURL: vault.url(), apiKey: vault.token, ...options });

const question: Anthropic.MessageCreateParamsNonStreaming = {
  model: "claude-x",
  max_tokens: 16,
  messages: [{ role: "user", content: "hi" }],
};

afterEach(() => vi.unstubAllEnvs());

describe("@anthropic-ai/sdk", () => {
  test("the TypeScript client gives the options, and no key of the environment goes along", async () => {
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "tok_of_the_environment");
    const options = await NewWithToken(vault.address, vault.token).anthropicOptions("api");
    const answer = await new Anthropic(options).messages.create(question);
    expect(answer.content).toMatchObject([{ type: "text" }]);
  });

  test("a message, with base URL and key from the constructor", async () => {
    expect((await client().messages.create(question)).content).toMatchObject([{ text: "Hello, world" }]);
    expect(headerValues(vault.received()[0]!.rawHeaders, "anthropic-version")).toHaveLength(1);
  });

  test.each(["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])(
    "a message, with ANTHROPIC_BASE_URL and %s from the environment",
    async (variable) => {
      vi.stubEnv("ANTHROPIC_API_KEY", undefined);
      vi.stubEnv("ANTHROPIC_AUTH_TOKEN", undefined);
      vi.stubEnv("ANTHROPIC_BASE_URL", vault.url());
      vi.stubEnv(variable, vault.token);
      expect((await new Anthropic().messages.create(question)).stop_reason).toBe("end_turn");
    },
  );

  test("a stream's events arrive one by one", async () => {
    const steps = lockstep(pieces);
    vault.answerOnce(steps.answer);
    const got: string[] = [];
    for await (const part of await client().messages.create({ ...question, stream: true })) {
      got.push(part.type);
      steps.took();
    }
    expect(got).toEqual(events.map(({ type }) => type));
  });

  test("the helper for streams puts the message together", async () => {
    vault.answerOnce((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" }).end(pieces.join(""));
    });
    expect(await client().messages.stream(question).finalText()).toBe("Hello, world");
  });

  test("an error in the middle of a stream is the SDK's error", async () => {
    vault.answerOnce((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.end(pieces.slice(0, 3).join("") + event(failure("overloaded_error", "Overloaded"), "error"));
    });
    await expect(client().messages.stream(question).finalText()).rejects.toThrow("Overloaded");
  });

  test("pages of models are fetched on", async () => {
    const models: string[] = [];
    for await (const model of client().models.list({ limit: 2 })) models.push(model.id);
    expect(models).toEqual(["claude-x", "claude-y", "claude-z"]);
  });

  test("a 500 and a 529 are tried again", async () => {
    vault.answerOnce(
      json(failure("api_error", "Internal server error"), 500),
      json(failure("overloaded_error", "Overloaded"), 529),
    );
    expect((await client().messages.create(question)).id).toBe("msg_1");
    expect(vault.received()).toHaveLength(3);
  });

  test("a 429 is a RateLimitError with the API's Retry-After", async () => {
    vault.answerOnce(json(failure("rate_limit_error", "Slow down"), 429, { "Retry-After": "7" }));
    const error: unknown = await client({ maxRetries: 0 })
      .messages.create(question)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RateLimitError);
    expect((error as RateLimitError).headers.get("retry-after")).toBe("7");
  });

  test("a key that the API refuses is an AuthenticationError of the API", async () => {
    await expect(client({ baseURL: vault.url("", "wrong") }).messages.create(question)).rejects.toSatisfy(
      (error) => error instanceof AuthenticationError && error.message.includes("invalid x-api-key"),
    );
  });

  test("a revoked vault token is an AuthenticationError of the vault", async () => {
    const error: unknown = await client({ apiKey: await vault.revokedToken() })
      .messages.create(question)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AuthenticationError);
    expect((error as AuthenticationError).headers.get("x-vault-error")).toBe("unauthorized");
    expect(vault.received()).toEqual([]);
  });

  test("a request that holds another service's secret is not tried again, which would suspend the token", async () => {
    await vault.live.addService("other", { type: "bearer", token: OTHER_KEY });
    const leaking = { ...question, system: `my key is ${OTHER_KEY}` };
    await expect(client().messages.create(leaking)).rejects.toMatchObject({ status: 409 });
    expect((await client().messages.create(question)).id).toBe("msg_1");
  });
});
