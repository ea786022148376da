import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from "@slack/web-api";
import { describe, expect, test } from "vitest";
import { headerValues, startUpstream } from "../live/tls-upstream.js";
import { json, useSdkVault } from "./sdk-vault.js";

const KEY = "xoxb-0123456789-abcdefghijklmnop";

const vault = useSdkVault({
  credential: { header: "authorization", values: [`Bearer ${KEY}`] },
  auth: { type: "bearer", token: KEY },
  wrongAuth: { type: "bearer", token: "xoxb-of-somebody-else" },
  // This API answers nearly every failure with 200.
  refuse: json({ ok: false, error: "invalid_auth" }),
  routes: {
    "POST /api/chat.postMessage": (_request, response, body) => {
      const form = new URLSearchParams(body.toString());
      const message = { text: form.get("text"), blocks: JSON.parse(form.get("blocks") ?? "[]") as unknown };
      response.writeHead(200, {
        "Content-Type": "application/json; charset=utf-8",
        "X-OAuth-Scopes": "chat:write",
      });
      response.end(JSON.stringify({ ok: true, channel: form.get("channel"), ts: "1.2", message }));
    },
    "POST /api/conversations.list": (_request, response, body) => {
      const isFirst = new URLSearchParams(body.toString()).get("cursor") === null;
      const channels = (isFirst ? ["C1", "C2"] : ["C3"]).map((id) => ({ id }));
      const next = { next_cursor: isFirst ? "dGVhbQ==" : "" };
      response.writeHead(200, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ ok: true, channels, response_metadata: next }));
    },
    "POST /api/files.completeUploadExternal": json({ ok: true, files: [{ id: "F1" }] }),
  },
});

/** The retries are shortened for tests; by default the SDK takes half an hour over ten. */
const client = (
  options: { token?: string; service?: string; rejectRateLimitedCalls?: boolean } = {},
): WebClient =>
  new WebClient(options.token ?? vault.token, {
    slackApiUrl: vault.url("/api/", options.service),
    retryConfig: { retries: 1, minTimeout: 10 },
    rejectRateLimitedCalls: options.rejectRateLimitedCalls ?? false,
    logLevel: LogLevel.ERROR,
  });

describe("@slack/web-api", () => {
  test("a form is posted, with slackApiUrl and token from the constructor", async () => {
    const slack = new WebClient(vault.token, { slackApiUrl: vault.url("/api/") });
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*ü* & =" } }];
    const sent = await slack.chat.postMessage({ channel: "C1", text: "ü & =", blocks });
    expect(sent).toMatchObject({ ok: true, channel: "C1", message: { text: "ü & =", blocks } });
    expect(sent.response_metadata?.scopes).toEqual(["chat:write"]);
  });

  test("pages of conversations are fetched on", async () => {
    const ids: (string | undefined)[] = [];
    for await (const page of client().paginate("conversations.list", { limit: 2 })) {
      for (const channel of (page as { channels?: { id?: string }[] }).channels ?? []) ids.push(channel.id);
    }
    expect(ids).toEqual(["C1", "C2", "C3"]);
  });

  test("a 429 is waited for and tried again, or is a WebAPIRateLimitedError", async () => {
    const limited = json({ ok: false, error: "ratelimited" }, 429, { "Retry-After": "1" });
    vault.answerOnce(limited, limited);
    await expect(
      client({ rejectRateLimitedCalls: true }).chat.postMessage({ channel: "C1", text: "a" }),
    ).rejects.toSatisfy((error) => error instanceof WebAPIRateLimitedError && error.retryAfter === 1);

    const started = performance.now();
    expect((await client().chat.postMessage({ channel: "C1", text: "a" })).ok).toBe(true);
    expect(performance.now() - started).toBeGreaterThan(990);
    expect(vault.received()).toHaveLength(3);
  });

  test("a 500 is tried again", async () => {
    vault.answerOnce(json({ ok: false, error: "internal_error" }, 500));
    expect((await client().chat.postMessage({ channel: "C1", text: "a" })).ok).toBe(true);
    expect(vault.received()).toHaveLength(2);
  });

  test("a token that the API refuses is a WebAPIPlatformError of the API", async () => {
    await expect(client({ service: "wrong" }).auth.test()).rejects.toSatisfy(
      (error) => error instanceof WebAPIPlatformError && error.data.error === "invalid_auth",
    );
  });

  test("a revoked vault token is a WebAPIHTTPError of the vault, after all of the SDK's retries", async () => {
    const error: unknown = await client({ token: await vault.revokedToken() })
      .auth.test()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WebAPIHTTPError);
    expect(error).toMatchObject({ statusCode: 401, headers: { "x-vault-error": "unauthorized" } });
    expect(vault.received()).toEqual([]);
  });

  test("the bytes of a file upload go where upload_url says, past the vault and with its token", async () => {
    const elsewhere = await startUpstream(undefined, (_request, response) => {
      response.end("OK - 5");
    });
    try {
      vault.answerOnce(json({ ok: true, upload_url: `${elsewhere.origin}/upload/v1/1`, file_id: "F1" }));
      const uploaded = await client().files.uploadV2({ file: Buffer.from("hello"), filename: "a.txt" });
      expect(uploaded.ok).toBe(true);
      expect(vault.received()).toHaveLength(2);
      expect(headerValues(elsewhere.requests[0]!.rawHeaders, "authorization")).toEqual([
        `Bearer ${vault.token}`,
      ]);
    } finally {
      await elsewhere.close();
    }
  });
});
