import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

import { CliError } from "../failures.js";
import type { Environment } from "../output.js";

/** How vault-server is started: the first word and those before its flags. */
export interface ServerProgram {
  readonly program: string;
  readonly args: readonly string[];
}

/**
 * vault-server as it was installed with this program, else the one of PATH.
 * @throws CliError where there is none
 */
export function findServerProgram(env: Environment): ServerProgram {
  const installed = installedEntry();
  if (installed !== undefined) return { program: process.execPath, args: [installed] };
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    const program = join(folder, "vault-server");
    if (folder !== "" && existsSync(program)) return { program, args: [] };
  }
  throw new CliError(
    "vault-server is not installed",
    "install vault-server of the same version beside vault-cli, or put it on PATH",
  );
}

function installedEntry(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("@vault-proxy/server/package.json");
    const entry = join(dirname(manifest), "dist", "main.js");
    return existsSync(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}
