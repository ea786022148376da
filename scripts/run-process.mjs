/** Running one child process to its end, shown to the person or kept for later. */
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the workspace, where every command runs unless told otherwise. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] Where to run; the root of the workspace by default.
 * @property {Record<string, string>} [env] Added to this process's environment.
 * @property {number} [timeoutMs] After this the process gets SIGTERM, and SIGKILL 5 s later; none by default.
 * @property {boolean} [inBackground] Give way to others where the processors have no time left.
 * @property {boolean} [show] Let the output through to the person instead of keeping it.
 *
 * @typedef {object} Finished
 * @property {boolean} ok Whether the process ended by itself with status 0.
 * @property {string} output What it printed, both streams in the order of arrival; empty when shown.
 * @property {string} reason Why it is not ok, for a person; empty when it is.
 */

const KILL_AFTER_MS = 5_000;
// A third of what others get where there is no time left over, so that it does not end long after them.
const BACKGROUND_PRIORITY = 5;

/**
 * Runs a command without standard input. Never rejects: a command that cannot be started is a result too.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Finished>}
 */
export function run(
  command,
  args,
  { cwd = ROOT, env = {}, timeoutMs, inBackground = false, show = false } = {},
) {
  return new Promise((resolve) => {
    const name = path.basename(command);
    const output = show ? "inherit" : "pipe";
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", output, output],
    });
    if (inBackground && child.pid !== undefined) setPriority(child.pid, BACKGROUND_PRIORITY);
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));

    let timedOut = false;
    /** @type {NodeJS.Timeout[]} */
    const timers = [];
    if (timeoutMs !== undefined) {
      timers.push(
        setTimeout(() => {
          timedOut = true;
          child.kill("SIGTERM");
          timers.push(setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS));
        }, timeoutMs),
      );
    }

    /** @param {string} reason */
    const finish = (reason) => {
      timers.forEach(clearTimeout);
      resolve({ ok: reason === "", output: Buffer.concat(chunks).toString("utf8"), reason });
    };
    child.on("error", (error) => {
      const missing = /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
      finish(missing ? `${name} is not installed` : `${name} could not be started: ${error.message}`);
    });
    child.on("close", (status, signal) => {
      if (timedOut) finish(`${name} took longer than ${String(timeoutMs)} ms`);
      else if (signal !== null) finish(`${name} was ended by ${signal}`);
      else finish(status === 0 ? "" : `${name} exited with status ${String(status)}`);
    });
  });
}

/** A failure that a script explains in one sentence, without a stack. */
export class ScriptError extends Error {}

/**
 * Runs the script's main function: what it returns is the exit status, and a `ScriptError` is printed and exits 1.
 *
 * @param {() => Promise<number | void>} main
 */
export async function runScript(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = 1;
  }
}
