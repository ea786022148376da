#!/usr/bin/env node
import { endWhereNobodyReads } from "./output.js";
import { runProgram } from "./program.js";

for (const stream of [process.stdout, process.stderr]) {
  // What has failed already stays a failure, also where nobody reads the reason.
  endWhereNobodyReads(stream, () => process.exit(process.exitCode ?? 0));
}

process.exitCode = await runProgram(process);
// An answer may come before all of the input was read; what is left must not keep the process.
process.stdin.destroy();
