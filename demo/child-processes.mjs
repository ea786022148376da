/** The processes of the demo: started with a clean environment, ended by their process id, never left behind. */
import { spawn } from "node:child_process";
import { once } from "node:events";

const STOP_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 60_000;

/**
 * @typedef {object} Ended
 * @property {number | null} status
 * @property {string} stdout
 * @property {string} stderr
 * @property {number[]} outputAt When each piece of standard output came, in ms of `performance.now()`.
 */

/** Keeps the processes that run, so that each is ended whatever happens. */
export function createChildProcesses() {
  /** @type {Set<import("node:child_process").ChildProcess>} */
  const running = new Set();

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {Record<string, string>} env
   */
  function start(command, args, env) {
    const child = spawn(command, args, {
      env: { ...cleanEnvironment(), ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(child);
    child.once("close", () => running.delete(child));
    // A child that ends without reading its input must not end the demo.
    child.stdin.on("error", () => {});
    return child;
  }

  /**
   * Runs a command to its end.
   *
   * @param {string} command
   * @param {string[]} args
   * @param {{ env?: Record<string, string>, input?: string, onOutput?: (text: string) => void }} [options]
   * @returns {Promise<Ended>}
   */
  async function runToEnd(command, args, { env = {}, input = "", onOutput } = {}) {
    const child = start(command, args, env);
    /** @type {Ended} */
    const ended = { status: null, stdout: "", stderr: "", outputAt: [] };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      ended.stdout += text;
      ended.outputAt.push(performance.now());
      onOutput?.(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (ended.stderr += text));
    child.stdin.end(input);
    const deadline = setTimeout(() => child.kill("SIGKILL"), CALL_TIMEOUT_MS);
    [ended.status] = await once(child, "close").finally(() => clearTimeout(deadline));
    return ended;
  }

  /**
   * Ends a process with SIGTERM, or SIGKILL when it takes too long.
   *
   * @param {import("node:child_process").ChildProcess} child
   * @returns {Promise<number | null>} Its exit status; null if a signal ended it.
   */
  async function stop(child) {
    if (running.has(child)) {
      const closed = once(child, "close");
      child.kill("SIGTERM");
      const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await closed.finally(() => clearTimeout(deadline));
    }
    return child.exitCode;
  }

  return {
    start,
    runToEnd,
    stop,
    async stopAll() {
      await Promise.all([...running].map(stop));
    },
    /** For the end of this very process: nothing can be waited for. */
    killAll() {
      for (const child of running) child.kill("SIGKILL");
    },
  };
}

/** This process's environment without what would lead a child to another vault, or an SDK to another API. */
function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VAULT_|OPENAI_)|_proxy$/i.test(name)),
  );
}
