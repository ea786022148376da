import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createBoundedSender } from "../../network/bounded-request.js";
import { createTokenRequester } from "./token-endpoint.js";

const JSON_TEXT = JSON.stringify({ access_token: "at-1", refresh_token: "rt-1", expires_in: 60 });

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** The token, or what it fails with, of an endpoint that answers so. */
async function request(answer: (response: ServerResponse) => void): Promise<unknown> {
  server = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const requestToken = createTokenRequester(createBoundedSender(undefined, { totalTimeoutMs: 300 }), () => 0);
  return requestToken(
    {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
      destination: { allowPrivate: true, rejectUnauthorized: true },
      client: undefined,
      grantType: "refresh_token",
      parameters: { refresh_token: "rt-0" },
      bodyFormat: "form",
    },
    new AbortController().signal,
  ).catch((error: unknown) => error);
}

/** Writes a body that is announced as longer than it is. */
function cut(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "Content-Length": 5000 }).write(body, () => response.destroy());
}

test.each<[string, (response: ServerResponse) => void]>([
  ["breaks off", (response) => cut(response, 200, JSON_TEXT)],
  ["never ends", (response) => void response.writeHead(200).write(JSON_TEXT)],
])("an answer that %s after its JSON was complete gives the token", async (_, answer) => {
  const token = (await request(answer)) as { refreshToken: { reveal(): string } };
  expect(token.refreshToken.reveal()).toBe("rt-1");
});

test.each<[string, boolean, (response: ServerResponse) => void]>([
  ["of success that breaks off", false, (response) => cut(response, 200, JSON_TEXT.slice(0, -1))],
  ["of success that is too long", false, (response) => void response.end(" ".repeat(1_100_000))],
  ["of failure that breaks off", true, (response) => cut(response, 503, JSON_TEXT)],
])("an answer %s: whether it may be asked for again is %s", async (_, isTemporary, answer) => {
  expect(await request(answer)).toMatchObject({ code: "oauth2_refresh_failed", isTemporary });
});
