#!/usr/bin/env node
import { runProgram } from "./program.js";

// A reader that has enough (`vault-cli … | head`) is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}

process.exitCode = await runProgram(process);
// An answer may come before all of the input was read; what is left must not keep the process.
process.stdin.destroy();
