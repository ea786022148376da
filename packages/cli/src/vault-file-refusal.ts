import { CliError } from "./failures.js";

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
  const backup = await wholeBackup(path);
  const mend = backup === undefined ? "take another backup" : `\`${bin} vault restore ${backup}\``;
  return new CliError(error.message, `${found}: ${mend}`, "unauthorized");
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
