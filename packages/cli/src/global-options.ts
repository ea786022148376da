import type { Command } from "commander";

/** Global options that take the next word as their value. */
export const GLOBAL_VALUE_OPTIONS: ReadonlySet<string> = new Set(["--addr"]);

export function addGlobalOptions(command: Command): void {
  command
    .option("--json", "results and errors as JSON")
    .option("--quiet", "no confirmations and notes: only results, warnings and errors")
    .option("--addr <address>", "address of vault-server")
    .option("--allow-insecure", "send credentials over plain http to hosts other than loopback");
}
