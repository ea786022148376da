import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { VaultClient } from "@vault-proxy/client";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { runInForeground } from "../../packages/cli/src/foreground-program.js";
import { findServerProgram } from "../../packages/cli/src/local-server/server-program.js";
import { startServer } from "../../packages/cli/src/local-server/start-server.js";
import { readRecordedActions } from "../../packages/cli/src/policies/recorded-actions.js";
import { runProgram } from "../../packages/cli/src/program.js";
import { endAdminSession } from "../../packages/cli/src/run/end-session.js";
import { ADMIN_TOKEN } from "../../packages/cli/src/testing/fake-vault.js";

/* Failures whose causes no transcript can arrange. */

const holder = vi.hoisted(() => ({ pid: 0, isInstalled: true }));
vi.mock(import("@vault-proxy/server/vault-file"), async (original) => ({
  ...(await original()),
  findLockHolder: () => Promise.resolve({ pid: holder.pid, liveness: "alive" }),
}));
vi.mock(import("node:fs"), async (original) => {
  const real = await original();
  return { ...real, existsSync: (path) => holder.isInstalled && real.existsSync(path) };
});

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "vault-cli-"));
});
afterEach(() => rm(home, { recursive: true }));

/** A server that answers so. */
async function serverOf(answer: (call: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => answer(`${request.method ?? ""} ${request.url ?? ""}`, response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const json = (response: ServerResponse, body: object, status = 200): void => {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
};

interface Terminals {
  readonly stdin?: boolean;
  readonly stderr?: boolean;
}

async function run(words: readonly string[], { stdin, stderr }: Terminals = {}) {
  const screen = Object.assign(new PassThrough(), { isTTY: stderr === true, columns: 100, rows: 40 });
  const keys = Object.assign(new PassThrough(), { isTTY: stdin === true, setRawMode: () => undefined });
  if (stdin !== true) keys.end();
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", ...words],
    env: { VAULT_TOKEN: ADMIN_TOKEN, NO_COLOR: "1", HOME: home },
    stdin: keys,
    stdout: new PassThrough(),
    stderr: screen,
  });
  return { code, stderr: await text(screen.end()) };
}

describe("down", () => {
  beforeEach(() => {
    holder.pid = 4242;
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("says whose server it may not stop", async () => {
    vi.spyOn(process, "kill").mockImplementation(() => {
      throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    });
    expect(await run(["down", "--data-dir", home])).toEqual({
      code: 1,
      stderr: "error: vault-server (pid 4242) is another user's: stop it as that user, or as root\n",
    });
  });

  test("does not wait for a server that does not stop for longer than it may take", async () => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    const began = performance.now();
    const clock = vi
      .spyOn(performance, "now")
      .mockReturnValueOnce(began)
      .mockReturnValueOnce(began + 20_001);
    const outcome = await run(["down", "--data-dir", home]);
    clock.mockRestore();
    expect(outcome).toEqual({ code: 1, stderr: "error: vault-server (pid 4242) does not stop\n" });
    expect(kill).toHaveBeenCalledExactlyOnceWith(4242, "SIGTERM");
  });
});

test("a program whose interpreter cannot be run is told as such", async () => {
  const program = join(home, "program");
  await writeFile(program, "#!/\n");
  await chmod(program, 0o700);
  await expect(runInForeground({ program, args: [], env: {} })).rejects.toMatchObject({
    message: `cannot run ${program}`,
    exitCode: 126,
  });
});

test("a server is started on this machine only", async () => {
  const client = new VaultClient({ addr: "https://vault.example:8390" });
  const request = { client, dataDir: home, flags: [], env: {} };
  await expect(startServer(request)).rejects.toThrow("https://vault.example:8390 is not on this machine");
});

test("an installation without the server says what to install", () => {
  holder.isInstalled = false;
  onTestFinished(() => {
    holder.isInstalled = true;
  });
  expect(() => findServerProgram({ PATH: home })).toThrow("vault-server is not installed");
});

test("pages of an audit log that lead nowhere are not followed for ever", async () => {
  const addr = await serverOf((_call, response) => json(response, { entries: [], next: 7 }));
  const client = new VaultClient({ addr, token: ADMIN_TOKEN });
  await expect(readRecordedActions(client, { since: 0 })).rejects.toThrow(
    "the answer is no page of a vault-server's audit log",
  );
});

test("nothing is run where the admin session cannot be ended", async () => {
  const address = await serverOf((_call, response) =>
    json(response, { error: "a defect", code: "internal" }, 500),
  );
  const sessionPath = join(home, "session");
  await writeFile(sessionPath, `${ADMIN_TOKEN}\n${address}\n`, { mode: 0o600 });
  await expect(endAdminSession({ sessionPath, address })).rejects.toMatchObject({
    message: "the admin session could not be ended: a defect",
    hint: "nothing was run; --keep-session runs it all the same",
  });
});

test("a password that cannot be asked for is not waited for", async () => {
  const addr = await serverOf((_call, response) =>
    json(response, { status: "locked", initialized: true, version: "0.1.0" }),
  );
  const words = ["--addr", addr, "unlock", "--listener-uid", "any"];
  expect(await run(words, { stdin: true, stderr: false })).toEqual({
    code: 2,
    stderr: "error: nowhere to ask for the password\nhint: use --password-file\n",
  });
});

describe("service update", () => {
  const service = (auth_type: string): Promise<string> =>
    serverOf((_call, response) => json(response, { name: "api", auth_type }));

  test("leaves alone what a newer server knows and this version does not", async () => {
    const words = [
      "--addr",
      await service("entangled"),
      "service",
      "update",
      "api",
      "--base-url",
      "https://x.example",
    ];
    expect(await run(words)).toEqual({
      code: 1,
      stderr: "error: api is of type entangled, which this version cannot change\n",
    });
  });

  test("asks for no secret where the service has none of its own", async () => {
    const words = ["--addr", await service("service_account"), "service", "update", "api"];
    expect(await run(words, { stdin: true, stderr: true })).toEqual({
      code: 2,
      stderr: "error: this service has no secret of its own\nhint: name a new uploaded file, or a setting\n",
    });
  });
});

test("a command whose exit nobody tells has failed", async () => {
  const addr = await serverOf((_call, response) => {
    response.writeHead(200, { "Content-Type": "application/x-ndjson" }).end();
  });
  expect(await run(["--addr", addr, "ssh", "box", "true"])).toEqual({
    code: 1,
    stderr: "error: the answer was cut off on the way\n",
  });
});
