import { Readable, Writable } from "node:stream";
import { runProgram } from "../../packages/cli/src/program.js";
import { noteSecretsOfBody } from "../audit-secrets/used-secrets.js";
import { cleanEnvironment, type CliResult } from "../live/processes.js";

/**
 * Runs a command line of vault-cli in this process, which starts nothing: what a process of its own adds are its start
 * and its end. Not for commands that give their own input and output to another program. One at a time, since this
 * process's own environment is the command's meanwhile.
 */
export async function cliInProcess(
  args: readonly string[],
  { env, stdin }: { readonly env: Readonly<Record<string, string>>; readonly stdin: string },
): Promise<CliResult> {
  noteSecretsOfBody(stdin);
  const environment = cleanEnvironment(env);
  const out = collected();
  const err = collected();
  const before = replaceEnvironment(environment);
  try {
    const code = await runProgram({
      argv: [process.execPath, "vault-cli", ...args],
      env: environment,
      stdin: Readable.from(stdin === "" ? [] : [Buffer.from(stdin)], { objectMode: false }),
      stdout: out.stream,
      stderr: err.stream,
    });
    return { code, stdout: out.text(), stderr: err.text() };
  } finally {
    replaceEnvironment(before);
  }
}

/** @returns what it was */
function replaceEnvironment(wanted: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const before = { ...process.env };
  for (const name of Object.keys(before)) Reflect.deleteProperty(process.env, name);
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) process.env[name] = value;
  return before;
}

function collected(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer | string, encoding, done) {
      chunks.push(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
