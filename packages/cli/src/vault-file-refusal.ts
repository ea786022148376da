import { dirname } from "node:path";

import { CliError } from "./failures.js";
import { shellWord } from "./shell-word.js";

/**
 * What no password opens is told before one is asked for: whether it is a vault file, anyone can see.
 *
 * @throws CliError
 */
export async function assertVaultFile(path: string, bin: string): Promise<void> {
  const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
  try {
    await describeVaultFile(path);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.endsWith("not a vault file")) return;
    throw new CliError(`${path} is not a vault file`, await mendOf(path, bin), "storage_failed");
  }
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
  const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
  const found = await describeVaultFile(path).then(
    () => "if the password is right, the file is damaged",
    (reason: unknown) => (reason instanceof Error ? reason.message : "the file cannot be read"),
  );
  return new CliError(error.message, `${found}: ${await mendOf(path, bin)}`, "unauthorized");
}

async function mendOf(path: string, bin: string): Promise<string> {
  const backup = await wholeBackup(path);
  if (backup === undefined) return "take another backup";
  return `\`${bin} vault restore ${shellWord(backup)} --data-dir ${shellWord(dirname(path))}\``;
}

/** The version before, which stands beside a vault file, as far as it shows without the password that it is one. */
export async function wholeBackup(path: string): Promise<string | undefined> {
  const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
  const backup = `${path}.bak`;
  return describeVaultFile(backup).then(
    ({ file }) => (file.format === "go" ? undefined : backup),
    () => undefined,
  );
}
