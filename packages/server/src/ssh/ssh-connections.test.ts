import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { Secret } from "../redaction/secret.js";
import type { SshConnection } from "./ssh-connection.js";
import { createSshConnections, type SshConnections } from "./ssh-connections.js";
import {
  connect,
  PASSWORD,
  startScriptedServer,
  takesPassword,
  targetOf,
  type ScriptedServer,
} from "./testing/scripted-server.js";

let server: ScriptedServer;
let connections: SshConnections;
let made: SshConnection[];

function service(auth: object = {}, more: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    name: "box",
    base_url: "",
    tls_skip_verify: false,
    session_cookies: false,
    allow_private: true,
    forward_cookies: false,
    auth: {
      type: "ssh_key",
      ssh_host: "127.0.0.1",
      ssh_port: server.port,
      ssh_user: "deploy",
      ssh_password: new Secret(PASSWORD),
      ...auth,
    },
    ...more,
  };
}

beforeEach(async () => {
  made = [];
  server = await startScriptedServer(takesPassword, (client) => {
    client.on("session", (accept) => {
      accept().on("exec", (begin) => begin().end());
    });
  });
  connections = createSshConnections(async (_record, signal, onHostKey) => {
    const connection = await connect(targetOf(server.port), { signal, onHostKey });
    made.push(connection);
    return connection;
  });
});

afterEach(async () => {
  connections.destroyAll(new Error("the test is over"));
  await server.close();
});

const use = (record: ServiceRecord): Promise<void> =>
  connections.withChannel(record, new AbortController().signal, {
    open: (connection) => connection.exec("x"),
    async use(channel) {
      channel.stderr.resume();
      channel.resume().close();
      await channel.ended;
    },
  });
const refresh = (record: ServiceRecord | undefined): void =>
  connections.refresh(new Map(record === undefined ? [] : [["box", record]]));
const isOpen = (): boolean[] => made.map((connection) => connection.isOpen);

describe("the connection of a service", () => {
  test("stays when its host key is saved, or anything else of the vault", async () => {
    await use(service());
    refresh(service({ ssh_host_key: server.hostKey }));
    await use(service({ ssh_host_key: server.hostKey }));
    expect(isOpen()).toEqual([true]);
  });

  test.each([
    ["another password", () => service({ ssh_password: new Secret("another") })],
    ["another user", () => service({ ssh_user: "root" })],
    ["an allow-list", () => service({ ssh_allowed_commands: ["ls"] })],
    ["another host key", () => service({ ssh_host_key: "SHA256:x" })],
    ["no private addresses any more", () => service({}, { allow_private: false })],
    ["nothing, since it is deleted", () => undefined],
  ])("closes when the service has %s", async (_, changed) => {
    await use(service());
    refresh(changed());
    await made[0]?.closed;
  });

  test("closes when its host key is cleared", async () => {
    await use(service({ ssh_host_key: server.hostKey }));
    refresh(service());
    await made[0]?.closed;
  });

  test("is not shared with a call of the changed service, even before the change is told", async () => {
    await use(service());
    await use(service({ ssh_user: "root" }));
    expect(made).toHaveLength(2);
    await made[0]?.closed;
  });

  test("that was made with a key closes when stored files change; others stay", async () => {
    await use(service());
    connections.retireKeys();
    expect(isOpen()).toEqual([true]);
    const keyed = service({ ssh_password: undefined, ssh_key_file_ref: "k" });
    await use(keyed);
    connections.retireKeys();
    await made[1]?.closed;
  });

  test("closes on a lock, and another is made afterwards", async () => {
    await use(service());
    connections.destroyAll(new Error("the vault was locked"));
    await made[0]?.closed;
    await use(service());
    expect(made).toHaveLength(2);
  });
});
