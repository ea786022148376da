import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

import { finish, startCli, type CliRun } from "./built-cli.js";
import { ADMIN_TOKEN, startFakeVault, type FakeVault } from "./fake-vault.js";

export interface RunOptions {
  readonly input?: string;
  readonly env?: Record<string, string>;
}

/** A vault and a home directory for one test. */
export interface CliFixture {
  readonly vault: FakeVault;
  readonly home: string;
  readonly sessionPath: string;
  /** With an admin token. */
  readonly env: Record<string, string>;
  /** In that environment, and what `options` add to it. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<CliRun>;
  readonly saveSession: () => Promise<void>;
  readonly lastBody: () => unknown;
}

export async function cliFixture(): Promise<CliFixture> {
  const vault = await startFakeVault();
  const home = await mkdtemp(join(tmpdir(), "vault-cli-"));
  onTestFinished(async () => {
    await vault.stop();
    await rm(home, { recursive: true });
  });
  const sessionPath = join(home, ".vault-proxy", "session");
  const environment = { HOME: home, VAULT_ADDR: vault.addr, VAULT_TOKEN: ADMIN_TOKEN };
  return {
    vault,
    home,
    sessionPath,
    env: environment,
    run: (args, { input, env } = {}) => finish(startCli(args, { ...environment, ...env }), input),
    saveSession: async () => {
      await mkdir(join(home, ".vault-proxy"), { recursive: true });
      await writeFile(sessionPath, `${ADMIN_TOKEN}\n${vault.addr}\n`, { mode: 0o600 });
    },
    lastBody: () => JSON.parse(vault.requests.at(-1)?.body ?? "") as unknown,
  };
}
