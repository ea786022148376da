#!/usr/bin/env node
import { describeFailure } from "./failures.js";
import { createOutput, endWhereNobodyReads } from "./output.js";
import { runProgram } from "./program.js";

// Node would open its inspector, on a port where any user of the machine may run code in this process.
process.on("SIGUSR1", () => undefined);

// What has failed already stays a failure, also where nobody reads the reason.
endWhereNobodyReads(process.stderr, () => process.exit(process.exitCode ?? 0));
endWhereNobodyReads(process.stdout, (failure) => {
  if (failure === undefined) process.exit(process.exitCode ?? 0);
  const { stdout, stderr, env } = process;
  const output = createOutput({ stdout, stderr, env, json: process.argv.includes("--json") });
  output.failure(describeFailure(failure, { bin: "vault-cli", tokenFromEnvironment: false }));
  process.exit(1);
});

process.exitCode = await runProgram(process);
// An answer may come before all of the input was read; what is left must not keep the process.
process.stdin.destroy();
