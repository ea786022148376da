import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Action } from "../../packages/server/src/policies/action.js";
import { actionOf } from "../../packages/server/src/policies/testing/action-of.js";
import { WORKING_DAY_ABUSES } from "../../packages/server/src/policies/testing/working-day-abuses.js";
import { workingDay } from "../../packages/server/src/policies/testing/working-day.js";
import {
  cli,
  startServer,
  temporaryDirectory,
  type CliResult,
  type RunningServer,
} from "../live/processes.js";
import { startRawUpstream, type RawUpstream } from "../live/raw-sockets.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { freePorts } from "../real-servers/loopback-ports.js";
import { doAll } from "./day-of-calls.js";

const HTTP_SERVICES = ["github", "stripe", "slack", "jira", "openai", "crm", "wiki", "aws"];
const SECRET = "sk-upstream-0123456789";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let upstream: RawUpstream;
let server: RunningServer;
let admin: string;
let token: string;

beforeAll(async () => {
  [directory, home] = await Promise.all([temporaryDirectory(), temporaryDirectory()]);
  upstream = await startRawUpstream((socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
  );
  server = await startServer({ dataDir: directory.path });
  admin = await unlock(server);
  for (const name of HTTP_SERVICES) {
    await addService(server, admin, {
      ...{ name, base_url: upstream.origin, allow_private: true },
      auth: { type: "bearer", token: SECRET },
    });
  }
  // Nobody listens there: what was asked for is recorded all the same, with how it ended.
  const [port = 0] = await freePorts(1);
  for (const name of ["prod", "build"]) {
    await addService(server, admin, {
      ...{ name, allow_private: true },
      auth: { type: "ssh_key", ssh_host: "127.0.0.1", ssh_port: port, ssh_user: "u", ssh_password: SECRET },
    });
  }
  for (const name of ["app-db", "hr-db"]) {
    await addService(server, admin, {
      ...{ name, allow_private: true },
      auth: {
        ...{ type: "postgres", postgres_host: "127.0.0.1", postgres_port: port, postgres_user: "u" },
        ...{ postgres_password: SECRET, postgres_db: "d", postgres_tls: "disable" },
      },
    });
  }
  await addService(server, admin, {
    ...{ name: "mail", allow_private: true },
    auth: {
      ...{ type: "imap", imap_host: "127.0.0.1", imap_port: port, imap_user: "u", imap_tls: "none" },
      imap_password: SECRET,
    },
  });
  token = await makeToken(server, admin, { name: "agent" });
});
afterAll(async () => {
  await server.stop();
  await upstream.close();
  await Promise.all([directory.remove(), home.remove()]);
});

const run = (...words: string[]): Promise<CliResult> =>
  cli(words, { env: { HOME: home.path, VAULT_ADDR: server.address, VAULT_TOKEN: admin } });

describe("a day of 10,000 calls at the running server", () => {
  let learned: CliResult;
  let file: string;

  beforeAll(async () => {
    const day = workingDay();
    const statuses = await doAll(server.address, token, day);
    const bySsh = day.filter(({ kind }) => kind === "ssh").length;
    expect(Object.fromEntries(statuses)).toEqual({ 200: 10_000 - bySsh, 502: bySsh });
    learned = await run("policy", "learn", "--token", "agent", "--since", "24h", "--name", "agent");
    file = join(home.path, "agent.yaml");
    await writeFile(file, learned.stdout);
    // Some ten seconds, where other tests leave it a processor.
  }, 180_000);

  test("gives a policy that a person can read", async () => {
    expect(learned.code, learned.stderr).toBe(0);
    expect(learned.stderr).toBe("learned of 10000 uses\n");
    await expect(learned.stdout).toMatchFileSnapshot("./learned-day.yaml");
    expect(learned.stdout.match(/^ {2}- service: /gm)?.length).toBeLessThanOrEqual(30);
  });

  test("which, once added, would have denied none of them", async () => {
    expect(await run("policy", "add", file)).toMatchObject({ code: 0 });
    expect(await run("policy", "backtest", "agent", "--since", "7d", "--token", "agent")).toEqual({
      ...{ code: 0, stdout: "10000 uses: 10000 allowed, 0 denied\n", stderr: "" },
    });
  });

  test("and denies every one of at least 50 abuses, asked about and tried", async () => {
    const abuses = WORKING_DAY_ABUSES.map(([, text]) => actionOf(text));
    expect(abuses.length).toBeGreaterThanOrEqual(50);
    for (const [index, action] of abuses.entries()) {
      const { status, json } = await call(server.address, "POST", "/policies/test", {
        token: admin,
        body: JSON.stringify(testOf(action)),
      });
      const [name] = WORKING_DAY_ABUSES[index] ?? [];
      expect([name, status, json]).toEqual([name, 200, expect.objectContaining({ allowed: false })]);
    }
    const held = await makeToken(server, admin, { policy: "agent" });
    // A shell is a WebSocket, see withdrawal.test.ts.
    const tried = abuses.filter((action) => action.kind !== "ssh" || action.action !== "session");
    const statuses = await doAll(server.address, held, tried);
    expect(Object.fromEntries(statuses)).toEqual({ 403: tried.length });
    // The like of what it did is allowed.
    const alike = ["GET github /repos/acme/new-one/issues/7", "POST openai /v1/embeddings"].map(actionOf);
    expect(Object.fromEntries(await doAll(server.address, held, alike))).toEqual({ 200: 2 });
  });

  test("nothing secret is in the log of it", async () => {
    const log = await readFile(join(directory.path, "audit.jsonl"), "utf8");
    expect(log.split("\n").length).toBeGreaterThan(10_000);
    for (const secret of [SECRET, token, admin]) expect(log.includes(secret)).toBe(false);
  });
});

/** The body of a question to `POST /policies/test`. */
function testOf(action: Action): object {
  const { service } = action;
  switch (action.kind) {
    case "http":
      return { policy: "agent", service, method: action.method, path: action.rawPath };
    case "session":
      return { policy: "agent", service, action: "session" };
    case "ssh":
      return {
        ...{ policy: "agent", service, action: action.action },
        ...(action.command === undefined ? {} : { command: action.command }),
        ...(action.remotePath === undefined ? {} : { remote_path: action.remotePath }),
      };
  }
}
