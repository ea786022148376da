import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { savedFingerprint } from "../auth-strategies/ssh-host-key.js";
import { Secret } from "../redaction/secret.js";
import { createServiceConnector } from "./connect-service.js";
import type { SshConnection } from "./ssh-connection.js";
import {
  PASSWORD,
  startScriptedServer,
  takesPassword,
  type ScriptedServer,
} from "./testing/scripted-server.js";

const OTHER_KEY = "SHA256:uNiVztksCsDhcc0u9e8BrdGqZGmvK5mRyAjCk0FhPDE";

let server: ScriptedServer;
let stored: Map<string, ServiceRecord>;
let connection: SshConnection | undefined;
let firstUses: (readonly [service: string, fingerprint: string])[];

const service = (auth: object = {}): ServiceRecord => ({
  ...{ name: "box", base_url: "", tls_skip_verify: false, session_cookies: false, allow_private: true },
  forward_cookies: false,
  auth: {
    ...{ type: "ssh_key", ssh_host: "127.0.0.1", ssh_port: server.port, ssh_user: "u" },
    ssh_password: new Secret(PASSWORD),
    ...auth,
  },
});

beforeEach(async () => {
  connection = undefined;
  firstUses = [];
  server = await startScriptedServer(takesPassword);
  stored = new Map([["box", service()]]);
});

afterEach(async () => {
  connection?.destroy();
  await server.close();
});

/** Connects for `record`, while an admin makes the stored one what `change` says before the host key is saved. */
async function connectWhile(record: ServiceRecord, change: () => void): Promise<SshConnection> {
  const connect = createServiceConnector({
    keys: { read: () => Promise.reject(new Error("no key")), clear: () => undefined },
    change(mutate) {
      change();
      return Promise.resolve(mutate(stored));
    },
    onFirstUse(...use) {
      firstUses.push(use);
      return Promise.resolve();
    },
  });
  connection = await connect(record, new AbortController().signal, () => undefined);
  return connection;
}

describe("the host key of a first connection", () => {
  test("is kept with the service as it is by then", async () => {
    await connectWhile(service(), () => stored.set("box", { ...service(), description: "changed" }));
    expect(stored.get("box")).toMatchObject({
      description: "changed",
      auth: { ssh_host_key: server.hostKey },
    });
    expect(firstUses).toEqual([["box", savedFingerprint(server.hostKey)]]);
  });

  test("must be the one that was kept meanwhile", async () => {
    const pinned = service({ ssh_host_key: OTHER_KEY });
    await expect(connectWhile(service(), () => stored.set("box", pinned))).rejects.toMatchObject({
      code: "ssh_host_key_mismatch",
    });
    expect(stored.get("box")).toBe(pinned);
    expect(server.attempts).toEqual([]);
  });

  test("is taken if it is the same as the one that was kept meanwhile", async () => {
    await connectWhile(service(), () => stored.set("box", service({ ssh_host_key: server.hostKey })));
    expect(firstUses).toEqual([]);
  });

  test("is not kept for another server that the service names by then", async () => {
    const moved = service({ ssh_host: "elsewhere.example.com" });
    await expect(connectWhile(service(), () => stored.set("box", moved))).rejects.toMatchObject({
      code: "conflict",
    });
    expect(stored.get("box")).toBe(moved);
    expect(server.attempts).toEqual([]);
  });

  test("of a service that is deleted by then is not kept", async () => {
    await expect(connectWhile(service(), () => stored.clear())).rejects.toMatchObject({ code: "not_found" });
    expect(stored.size).toBe(0);
  });
});
