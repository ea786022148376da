import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { VaultProxyError } from "./errors/vault-proxy-error.js";
import { createRefreshReports } from "./refresh-reports.js";

const FAILURE = new VaultProxyError("oauth2_refresh_failed", "the provider gave no token in time");
const NO_AUDIT = { record: () => undefined };

let directory: string;
let lines: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vault-refresh-"));
  lines = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

const log = {
  debug: () => undefined,
  info: (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message })),
  warn: (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message })),
  error: (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message })),
};

/** A command that notes how it was called. */
async function command(body: string): Promise<string> {
  const path = join(directory, "command");
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o700);
  return path;
}

test("a refresh that failed ahead of time is told to the command, and nothing else of the server is", async () => {
  vi.stubEnv("VAULT_PASSWORD_FILE", "/secret/place");
  const said = join(directory, "said");
  const reports = createRefreshReports(
    log,
    await command(`echo "$#:$1:$2" > ${said}; env >> ${said}`),
    NO_AUDIT,
  );
  reports.refreshFailed("api", FAILURE, "for a call");
  reports.refreshFailed("calendar; touch x", FAILURE, "ahead of time");
  const text = await vi.waitFor(async () => {
    const found = await readFile(said, "utf8");
    expect(found).toContain("PATH=");
    return found;
  });
  expect(text).toMatch(/^2:calendar; touch x:oauth2_refresh_failed\n/);
  expect(text).not.toContain("VAULT_");
});

test("a command that fails, or is not there, is logged, and the next one runs", async () => {
  const missing = createRefreshReports(log, join(directory, "nothing"), NO_AUDIT);
  missing.refreshFailed("api", FAILURE, "ahead of time");
  await vi.waitFor(() => expect(lines.join()).toContain("command failed"));
  const failing = createRefreshReports(log, await command("exit 3"), NO_AUDIT);
  for (let turn = 1; turn <= 9; turn += 1) {
    failing.refreshFailed("api", FAILURE, "ahead of time");
    await vi.waitFor(() =>
      expect(lines.filter((line) => line.includes("command failed"))).toHaveLength(turn + 1),
    );
  }
});

test("of many failures at once, a few run the command, and the rest are logged", async () => {
  const reports = createRefreshReports(log, await command("sleep 0.3"), NO_AUDIT);
  for (let turn = 0; turn < 9; turn += 1) reports.refreshFailed(`api-${turn}`, FAILURE, "ahead of time");
  expect(lines.filter((line) => line.includes("still runs for others"))).toHaveLength(5);
  await new Promise((resolve) => setTimeout(resolve, 500));
});

test("what cannot be saved is said loudly, without what it is", () => {
  const reports = createRefreshReports(log, undefined, NO_AUDIT);
  reports.unsaved("api", new Error("ENOSPC secret-token"));
  expect(lines.join()).toContain("COULD NOT BE SAVED");
  expect(lines.join()).not.toContain("secret-token");
});
