import { describe, expect, test } from "vitest";

import { NewWithSocket, NewWithToken } from "./index.js";
import { TOKEN, clientOf, serve } from "./testing/client-fixture.js";
import { json, type RecordingServer } from "./testing/recording-server.js";

/** A vault in which every service is stored with this URL. */
function serveStored(base_url: string | undefined): Promise<RecordingServer> {
  const auth_type = base_url === undefined ? "redis" : "bearer";
  return serve((_, response) => json(response, 200, { name: "api", auth_type, base_url }));
}

describe("openaiOptions", () => {
  test.each([
    ["https://api.openai.com", "/v1"],
    ["https://api.openai.com/", "/v1"],
    ["https://openrouter.ai/api", "/v1"],
    ["https://v2.example.com", "/v1"],
    ["https://api.openai.com/v1", ""],
    ["https://api.openai.com/v1/", ""],
    ["https://example.com/v1beta/openai", ""],
  ])("of a service at %s end in “%s”", async (stored, path) => {
    const server = await serveStored(stored);
    expect(await clientOf(server).openaiOptions("my api")).toEqual({
      baseURL: `${server.addr}/proxy/my%20api${path}`,
      apiKey: TOKEN,
    });
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /services/my%20api"]);
  });

  test("of a database are refused", async () => {
    const client = clientOf(await serveStored(undefined));
    await expect(client.openaiOptions("db")).rejects.toThrow("db is of type redis, which no SDK");
  });
});

test("an SDK that writes the version itself is told of a stored URL that has it", async () => {
  const client = clientOf(await serveStored("https://api.anthropic.com/v1"));
  for (const options of [client.anthropicOptions(), client.googleGenAIOptions(), client.stripeOptions()]) {
    await expect(options).rejects.toThrow(/store the base_url of \w+ without \/v1/);
  }
});

test("stripeOptions take host and port apart", async () => {
  const server = await serveStored("https://api.stripe.com");
  expect(await clientOf(server).stripeOptions()).toEqual({
    apiKey: TOKEN,
    config: { host: "127.0.0.1/proxy/stripe", port: new URL(server.addr).port, protocol: "http" },
  });
});

describe("sdkOptions", () => {
  test("need no call", () => {
    const client = NewWithToken("https://vault.example/base/", TOKEN);
    const baseURL = "https://vault.example/base/proxy/groq/openai/v1";
    expect(client.sdkOptions("groq", "/openai/v1")).toEqual({ baseURL, apiKey: TOKEN });
  });

  test("are refused where no SDK could use them, or the token would be read on the way", () => {
    expect(() => NewWithSocket("/run/vault.sock", TOKEN).sdkOptions("x")).toThrow("unix sockets");
    expect(() => NewWithToken("http://vault.example", TOKEN).sdkOptions("x")).toThrow("over plain http");
    expect(() => NewWithToken("", "").sdkOptions("x")).toThrow("no token");
  });
});
