import { dirname } from "node:path";

import { CliError } from "./failures.js";
import { shellWord } from "./shell-word.js";

/** What shows of a vault file without any password: undefined, or why it is none. */
export async function vaultFileProblem(path: string): Promise<string | undefined> {
  const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
  return describeVaultFile(path).then(
    () => undefined,
    (reason: unknown) => (reason instanceof Error ? reason.message : "the file cannot be read"),
  );
}

/**
 * What no password opens is told before one is asked for: whether it is a vault file, anyone can see.
 *
 * @throws CliError
 */
export async function assertVaultFile(path: string, bin: string): Promise<void> {
  const problem = await vaultFileProblem(path);
  if (problem?.endsWith("not a vault file") !== true) return;
  throw new CliError(`${path} is not a vault file`, await mendOf(path, bin), "storage_failed");
}

/**
 * What is told of a vault file that did not open. The one answer for a wrong password and for damage stays; whoever has
 * the file is told in the hint what shows of it without any password, and what mends it.
 *
 * @param path of the file
 * @returns the error itself where it is another
 */
export async function toFileRefusal(error: unknown, path: string, bin: string): Promise<unknown> {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "unauthorized") return error;
  const problem = (await vaultFileProblem(path)) ?? "if the password is right, the file is damaged";
  return new CliError(error.message, `${problem}: ${await mendOf(path, bin)}`, "unauthorized");
}

async function mendOf(path: string, bin: string): Promise<string> {
  const restore = await restoreCommand(path, bin);
  return restore === undefined ? "take another backup" : `\`${restore}\``;
}

/** What puts the version before in the place of a vault file, if a whole one stands beside it. */
export async function restoreCommand(path: string, bin: string): Promise<string | undefined> {
  const backup = await wholeBackup(path);
  if (backup === undefined) return undefined;
  return `${bin} vault restore ${shellWord(backup)} --data-dir ${shellWord(dirname(path))}`;
}

/** As far as it shows without the password that it is one. */
async function wholeBackup(path: string): Promise<string | undefined> {
  const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
  const backup = `${path}.bak`;
  return describeVaultFile(backup).then(
    ({ file }) => (file.format === "go" ? undefined : backup),
    () => undefined,
  );
}
