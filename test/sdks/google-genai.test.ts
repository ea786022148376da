import { NewWithToken } from "@vault-proxy/client";
import { ApiError, GoogleGenAI } from "@google/genai";
import { afterEach, describe, expect, test, vi } from "vitest";
import { event, json, lockstep, queryOf, useSdkVault } from "./sdk-vault.js";

const KEY = "AIzaSy0123456789abcdefghijklmnopqrstuv";

const contentOf = (text: string): object => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason: "STOP", index: 0 }],
  usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
  modelVersion: "gemini-x",
});

const failure = (code: number, status: string, message: string, details: object[] = []): object => ({
  error: { code, message, status, details },
});

const vault = useSdkVault({
  credential: { header: "x-goog-api-key", values: [KEY] },
  auth: { type: "header", header_name: "x-goog-api-key", header_value: KEY },
  wrongAuth: { type: "header", header_name: "x-goog-api-key", header_value: "AIzaSy-of-somebody-else" },
  // This API says 400, not 401, to a key that it does not know.
  refuse: json(
    failure(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "API_KEY_INVALID",
        domain: "googleapis.com",
      },
    ]),
    400,
  ),
  routes: {
    "POST /v1beta/models/gemini-x:generateContent": json(contentOf("Hello, world")),
    "GET /v1beta/models": (request, response, body) => {
      const isFirst = queryOf(request.url ?? "").get("pageToken") === null;
      const models = (isFirst ? ["gemini-x", "gemini-y"] : ["gemini-z"]).map((name) => ({
        name: `models/${name}`,
      }));
      return json({ models, ...(isFirst ? { nextPageToken: "two" } : {}) })(request, response, body);
    },
  },
});

const client = (options: { apiKey?: string; httpOptions?: object } = {}): GoogleGenAI =>
  new GoogleGenAI({
    apiKey: options.apiKey ?? vault.token,
    httpOptions: { baseUrl: vault.url(), ...options.httpOptions },
  });

const question = { model: "gemini-x", contents: "hi" };

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

afterEach(() => vi.unstubAllEnvs());

describe("@google/genai", () => {
  test("the TypeScript client gives the options, and Vertex AI of the environment is left alone", async () => {
    vi.stubEnv("GOOGLE_GENAI_USE_VERTEXAI", "true");
    const options = await NewWithToken(vault.address, vault.token).googleGenAIOptions("api");
    const answer = await new GoogleGenAI(options).models.generateContent(question);
    expect(answer.text).not.toBe("");
    expect(vault.received()).toHaveLength(1);
  });

  test("generateContent, with base URL and key from the constructor", async () => {
    expect((await client().models.generateContent(question)).text).toBe("Hello, world");
    expect(vault.received()[0]!.target).toBe("/v1beta/models/gemini-x:generateContent");
  });

  test.each(["GEMINI_API_KEY", "GOOGLE_API_KEY"])(
    "generateContent, with GOOGLE_GEMINI_BASE_URL and %s from the environment",
    async (variable) => {
      vi.stubEnv("GEMINI_API_KEY", undefined);
      vi.stubEnv("GOOGLE_API_KEY", undefined);
      vi.stubEnv("GOOGLE_GEMINI_BASE_URL", vault.url());
      vi.stubEnv(variable, vault.token);
      expect((await new GoogleGenAI({}).models.generateContent(question)).text).toBe("Hello, world");
    },
  );

  test("a file that is sent inline", async () => {
    const image = {
      inlineData: { mimeType: "image/png", data: Buffer.alloc(200_000, 7).toString("base64") },
    };
    await client().models.generateContent({ model: "gemini-x", contents: [image, { text: "what is it?" }] });
    expect(vault.received()[0]!.body.toString()).toContain(image.inlineData.data);
  });

  test("a stream's chunks arrive one by one", async () => {
    const words = ["Hello", ", ", "world"];
    const steps = lockstep(words.map((word) => event(contentOf(word))));
    vault.answerOnce(steps.answer);
    const got: (string | undefined)[] = [];
    for await (const chunk of await client().models.generateContentStream(question)) {
      got.push(chunk.text);
      steps.took();
    }
    expect(got).toEqual(words);
    expect(vault.received()[0]!.target).toBe("/v1beta/models/gemini-x:streamGenerateContent?alt=sse");
  });

  test("pages of models are fetched on", async () => {
    const names: (string | undefined)[] = [];
    for await (const model of await client().models.list({ config: { queryBase: true } }))
      names.push(model.name);
    expect(names).toEqual(["models/gemini-x", "models/gemini-y", "models/gemini-z"]);
  });

  test("a 500 is tried again where retries are asked for", async () => {
    vault.answerOnce(json(failure(500, "INTERNAL", "Internal error"), 500));
    const retrying = client({ httpOptions: { retryOptions: { attempts: 2, initialDelay: 0.01 } } });
    expect((await retrying.models.generateContent(question)).text).toBe("Hello, world");
    expect(vault.received()).toHaveLength(2);
  });

  test("a 429 is an ApiError with its status", async () => {
    vault.answerOnce(json(failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded"), 429, { "Retry-After": "7" }));
    const error = await failureOf(client().models.generateContent(question));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 429,
      message: expect.stringContaining("RESOURCE_EXHAUSTED") as string,
    });
  });

  test("a key that the API refuses is an ApiError of the API", async () => {
    const error = await failureOf(
      client({ httpOptions: { baseUrl: vault.url("", "wrong") } }).models.generateContent(question),
    );
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 400,
      message: expect.stringContaining("API_KEY_INVALID") as string,
    });
  });

  test("a revoked vault token is an ApiError of the vault", async () => {
    const error = await failureOf(
      client({ apiKey: await vault.revokedToken() }).models.generateContent(question),
    );
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 401,
      message: expect.stringContaining('"unauthorized"') as string,
    });
    expect(vault.received()).toEqual([]);
  });

  test("a file upload fails: the SDK puts the vault's host into X-Goog-Upload-URL, but not its path", async () => {
    vault.answerOnce((_request, response) => {
      const url = `${vault.live.upstream.origin}/upload/v1beta/files?upload_id=1&upload_protocol=resumable`;
      response.writeHead(200, { "X-Goog-Upload-URL": url, "X-Goog-Upload-Status": "active" }).end("{}");
    });
    const error = await failureOf(
      client().files.upload({ file: new Blob(["hello"]), config: { mimeType: "text/plain" } }),
    );
    expect(error).toMatchObject({ status: 404, message: expect.stringContaining("no such path") as string });
    expect(vault.received().map((call) => call.target)).toEqual(["/upload/v1beta/files"]);
  });
});
