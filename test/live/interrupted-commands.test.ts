import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { PASSWORD, cleanEnvironment, startServer, temporaryDirectory } from "./processes.js";
import { unlock } from "./vault-calls.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
const POLL_MS = 1;

/** Sends one signal as soon as it is time, and resolves with how vault-cli ended. */
async function interrupt(
  args: readonly string[],
  signal: NodeJS.Signals,
  isTime: () => boolean,
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [CLI, ...args], { env: cleanEnvironment(), stdio: "pipe" });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(`${PASSWORD}\n`);
  const watching = setInterval(() => {
    if (!isTime()) return;
    clearInterval(watching);
    child.kill(signal);
  }, POLL_MS);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(watching);
  return { code, stderr };
}

test(
  "a restore or backup that is interrupted leaves no lock, no copy and the vault as it was",
  { timeout: 120_000 },
  async () => {
    const directory = await temporaryDirectory();
    const dataDir = join(directory.path, "data");
    const vault = join(dataDir, "vault.enc");
    const backup = join(directory.path, "backup");
    try {
      const server = await startServer({ dataDir, derivation: "real" });
      await unlock(server);
      expect(await server.stop()).toBe(0);
      const begun = [
        () => existsSync(join(dataDir, "vault.lock")),
        () => readdirSync(directory.path).some((name) => name.startsWith(".vault-copy-")),
      ];
      const done = await interrupt(
        ["vault", "backup", backup, "--data-dir", dataDir],
        "SIGTERM",
        () => false,
      );
      expect(done.code).toBe(0);
      const state = () => [readFileSync(vault), readdirSync(dataDir), readdirSync(directory.path)];
      const before = state();
      for (const [signal, code] of [
        ["SIGINT", 130],
        ["SIGTERM", 143],
      ] as const) {
        for (const [at, args] of [
          ["vault", "restore", backup],
          ["vault", "backup", join(directory.path, "other")],
        ].entries()) {
          const ended = await interrupt([...args, "--data-dir", dataDir], signal, begun[at]!);
          expect(ended).toEqual({ code, stderr: "error: interrupted: the vault is as it was\n" });
          expect(state()).toEqual(before);
        }
      }
    } finally {
      await directory.remove();
    }
  },
);

test("SIGUSR1 does not open Node's inspector", async () => {
  let isAsked = false;
  const stub = createServer((_, response) => {
    isAsked = true;
    // The inspector takes a moment to listen.
    setTimeout(() => response.end('{"status":"locked","initialized":true,"version":"0.1.0"}'), 300);
  }).listen(0, "127.0.0.1");
  await once(stub, "listening");
  try {
    const addr = `http://127.0.0.1:${(stub.address() as AddressInfo).port}`;
    const ended = await interrupt(["health", "--addr", addr], "SIGUSR1", () => isAsked);
    expect(ended).toEqual({ code: 0, stderr: "" });
  } finally {
    stub.close();
  }
});
