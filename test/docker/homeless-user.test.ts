import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/* systemd's DynamicUser, and a container that is given any number for a user: no name service knows of a home. */

const SERVER = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));
const CLI = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));
/** Of those that systemd gives to nobody for good (systemd.exec(5), DynamicUser). */
const UNKNOWN_USER = "64999";

function asNobody(...command: string[]): { code: number | null; output: string } {
  // Wherever this repository lies, its programs are to be read.
  const readAll = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"];
  const user = ["--reuid", UNKNOWN_USER, "--regid", UNKNOWN_USER, "--clear-groups", ...readAll];
  const { status, stdout, stderr } = spawnSync(
    "setpriv",
    [...user, process.execPath, "-e", "process.stdout.write(require('node:os').homedir())"],
    { env: {} },
  );
  // What this test is about: that Node knows of no home, and throws.
  expect([status, stdout.toString(), stderr.includes("uv_os_homedir")]).toEqual([1, "", true]);
  const run = spawnSync("setpriv", [...user, process.execPath, ...command], { env: {}, timeout: 20_000 });
  return { code: run.status, output: `${run.stdout.toString()}${run.stderr.toString()}` };
}

test("vault-server runs for a user without a home, who must say where the vault is", () => {
  expect(asNobody(SERVER, "--version")).toMatchObject({ code: 0 });
  expect(asNobody(SERVER)).toEqual({
    code: 2,
    output: "vault-server: --data-dir: must not be empty, and its default is for users who have a home\n",
  });
  // It goes on to the next flag.
  expect(asNobody(SERVER, "--data-dir", "/var/lib/vault-proxy", "--workers", "0")).toMatchObject({
    code: 2,
    output: expect.stringContaining("--workers") as unknown,
  });
});

test("vault-cli runs for one, too, and waits for a server that starts", () => {
  const from = performance.now();
  const { code, output } = asNobody(CLI, "health", "--wait", "700ms", "--addr", "http://127.0.0.1:1");
  expect([code, output]).toEqual([1, expect.stringContaining("cannot reach vault-server")]);
  expect(performance.now() - from).toBeGreaterThan(700);
});
