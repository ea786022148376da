import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import pLimit from "p-limit";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { createTestAuthority } from "../network/testing/test-certificates.js";
import { secureContext } from "../network/tls-trust.js";
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

  test.each([
    ["whose log-in fails", false, (): Promise<never> => Promise.reject(new Error("refused")), false],
    ["whose log-in over TLS fails", true, (): Promise<never> => Promise.reject(new Error("refused")), false],
    ["that is ended behind its log-in", false, (): Promise<void> => Promise.resolve(), true],
    ["that is ended behind its log-in over TLS", true, (): Promise<void> => Promise.resolve(), true],
  ])("a connection %s is closed", async (_name, hasTls, logIn, isEnded) => {
    const authority = createTestAuthority();
    const certificate = authority.issue("IP:127.0.0.1");
    const server = hasTls ? createTlsServer(certificate) : createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // The one under TLS: a handshake that was just done is not always heard of.
    const accepted = once(server, "connection") as Promise<[Socket]>;
    server.on("secureConnection", (secured: Socket) => secured.on("error", () => undefined).resume());
    const control = new AbortController();
    const client = tools(control.signal, {
      server: { host: "127.0.0.1", port: (server.address() as AddressInfo).port, allowPrivate: true },
      trust: () => ({
        host: "127.0.0.1",
        secureContext: secureContext(authority.ca),
        rejectUnauthorized: true,
      }),
    });
    const connecting = client
      .connectServer(async (wire) => {
        if (hasTls) await client.secure(wire);
        await logIn();
      })
      .catch(() => undefined);
    const [far] = await accepted;
    far.on("error", () => undefined);
    if (!hasTls) far.resume();
    await connecting;
    if (isEnded) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(far.destroyed || far.readableEnded).toBe(false);
      control.abort(LOCKED);
    }
    if (!far.closed) await once(far, "close");
    server.close();
    authority.close();
  });

  test("a forbidden destination is not connected to", async () => {
    const client = tools(new AbortController().signal);
    await expect(client.connectServer(() => Promise.resolve("in"))).rejects.toMatchObject({
      code: "destination_blocked",
      message: "address not allowed: 127.0.0.1",
    });
  });
});
