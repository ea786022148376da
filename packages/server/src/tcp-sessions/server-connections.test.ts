import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { ConnectionTools } from "../protocols/session-driver.js";
import { createConnectionTools, type SessionTarget } from "./server-connections.js";

const LOCKED = new VaultProxyError("vault_locked", "the vault was locked");

function tools(signal: AbortSignal, target: Partial<SessionTarget> = {}): ConnectionTools {
  return createConnectionTools(
    {
      server: { host: "127.0.0.1", port: 1, allowPrivate: false },
      trust() {
        throw new Error("no TLS here");
      },
      accessToken: () => Promise.resolve("token"),
      runHeavy: (work) => work(),
      ...target,
    },
    signal,
    { takePlace: () => undefined, onLoggedIn: () => undefined },
  );
}

describe("what a driver gets for a client", () => {
  test("heavy work is not begun for a connection that ended while it waited for its turn", async () => {
    const limit = pLimit(1);
    const control = new AbortController();
    const { runHeavy } = tools(control.signal, { runHeavy: (work) => limit(work) });
    let finishFirst = (): void => undefined;
    const begun: string[] = [];
    const first = runHeavy(() => {
      begun.push("first");
      return new Promise<void>((resolve) => (finishFirst = resolve));
    });
    const second = runHeavy(() => Promise.resolve(begun.push("second")));
    await new Promise((resolve) => setTimeout(resolve, 10));
    control.abort(LOCKED);
    finishFirst();
    await first;
    await expect(second).rejects.toBe(LOCKED);
    expect(begun).toEqual(["first"]);
  });

  test("a token that does not come is not waited for once the connection is over", async () => {
    const control = new AbortController();
    const client = tools(control.signal, { accessToken: () => new Promise(() => undefined) });
    const waiting = client.accessToken("mail");
    control.abort(LOCKED);
    await expect(waiting).rejects.toBe(LOCKED);
    await expect(client.accessToken("mail")).rejects.toBe(LOCKED);
  });

  test("a service that is not there is told apart from the session's own", async () => {
    const missing = new VaultProxyError("not_found", "no such service");
    const client = tools(new AbortController().signal, {
      accessToken: () => Promise.reject(missing),
    });
    await expect(client.accessToken("mail")).rejects.toMatchObject({
      code: "invalid_request",
      message: "oauth_service names no service that has an access token",
    });
  });

  test("a forbidden destination is not connected to", async () => {
    const client = tools(new AbortController().signal);
    await expect(client.connectServer(() => Promise.resolve("in"))).rejects.toMatchObject({
      code: "destination_blocked",
      message: "address not allowed: 127.0.0.1",
    });
  });
});
