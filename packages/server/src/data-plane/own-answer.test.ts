import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { answerError } from "./own-answer.js";

test("an error has its own status line and headers, also where an upstream's were begun", async () => {
  const server = createServer((request, response) => {
    response.statusMessage = "Made It";
    answerError(request, response, new VaultProxyError("locked_out", "wait", { retryAfterSeconds: 30 }), {
      requestId: "the-id",
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect([answer.status, answer.statusText]).toEqual([429, "Too Many Requests"]);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "retry-after": "30",
    "x-vault-error": "locked_out",
    "x-vault-request-id": "the-id",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "no-referrer",
  });
  expect(await answer.json()).toEqual({ error: "wait", code: "locked_out" });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
