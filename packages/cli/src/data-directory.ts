import { join } from "node:path";
import type { Command } from "commander";

import { homeDirectory } from "./home-directory.js";
import type { Environment } from "./output.js";

export interface DataDirectoryOptions {
  readonly dataDir?: string;
}

/** For commands that work on the vault file itself, and so must run where the server does. */
export function addDataDirectoryOption(command: Command): Command {
  return command.option(
    "--data-dir <directory>",
    "vault-server's data directory (default: $VAULT_DATA_DIR, then ~/.vault-proxy)",
  );
}

/** Where vault-server keeps its vault file, unless it was told otherwise by a flag. */
export function dataDirectory({ dataDir }: DataDirectoryOptions, env: Environment): string {
  if (dataDir !== undefined) return dataDir;
  const fromEnvironment = env.VAULT_DATA_DIR ?? "";
  return fromEnvironment === "" ? join(homeDirectory(), ".vault-proxy") : fromEnvironment;
}

export function vaultFileIn(directory: string): string {
  return join(directory, "vault.enc");
}
