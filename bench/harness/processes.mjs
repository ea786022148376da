/** The processes that a bench starts: each stopped by its pid, and all of them at the end, however that comes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const READY_MS = 20_000;
const STOP_MS = 5_000;
const PROBE = fileURLToPath(new URL("runtime-probe.mjs", import.meta.url));

/**
 * @typedef {object} StartOptions
 * @property {Readonly<Record<string, string>>} [env] Beside PATH and LANG: nothing of the developer's own configuration.
 * @property {{ uid?: number, gid?: number }} [as]
 * @property {string} [cwd]
 * @property {RegExp} [ready] What it prints when it is; its first group is `Running.said`.
 * @property {boolean} [isNode] It has the probe, and a channel to it.
 *
 * @typedef {object} Running
 * @property {number} pid
 * @property {string} said The first group of `ready`, or all of the match.
 * @property {() => string} output All that it has printed so far.
 * @property {(question: object) => Promise<unknown>} ask Of the probe, or of a program that answers.
 * @property {(signal?: NodeJS.Signals) => Promise<void>} stop SIGKILL follows after five seconds.
 *
 * @typedef {ReturnType<typeof createProcesses>} Processes
 */

export function createProcesses() {
  /** @type {Running[]} In the order of their start. */
  const all = [];

  /**
   * @param {string} command
   * @param {readonly string[]} args
   * @param {StartOptions} [options]
   * @returns {Promise<Running>}
   */
  async function start(command, args, { env = {}, as = {}, cwd, ready, isNode = false } = {}) {
    const { PATH, LANG } = process.env;
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      ...as,
      env: { PATH: `${PATH ?? ""}:/usr/sbin:/sbin`, LANG, ...env },
      stdio: ["ignore", "pipe", "pipe", ...(isNode ? [/** @type {const} */ ("ipc")] : [])],
      // A group of its own, which ends as a whole: a command of somebody else may have children.
      detached: true,
    });
    let text = "";
    let ended = "";
    const changed = () => child.emit("bench:changed");
    child.stdout?.on("data", (chunk) => ((text += chunk), changed()));
    child.stderr?.on("data", (chunk) => ((text += chunk), changed()));
    child.on("error", (error) => ((ended = error.message), changed()));
    child.on("exit", (code, signal) => ((ended = `it ended with ${String(code ?? signal)}`), changed()));

    /** @type {Running} */
    const running = {
      pid: child.pid ?? 0,
      said: "",
      output: () => text,
      async ask(question) {
        if (ended !== "") throw new Error(`${command}: ${ended}\n${text}`);
        const answer = once(child, "message");
        child.send(question);
        return (await answer)[0];
      },
      async stop(signal = "SIGTERM") {
        if (ended !== "" || child.pid === undefined) return;
        const exit = once(child, "exit");
        process.kill(-child.pid, signal);
        const patience = setTimeout(() => process.kill(-running.pid, "SIGKILL"), STOP_MS);
        await exit;
        clearTimeout(patience);
      },
    };
    all.push(running);
    const deadline = performance.now() + READY_MS;
    while (ready !== undefined) {
      const found = ready.exec(text);
      if (found !== null) running.said = found[1] ?? found[0];
      if (found !== null) break;
      const left = deadline - performance.now();
      if (ended !== "" || left <= 0) throw new Error(`${command}: ${ended || "not ready in time"}\n${text}`);
      const timer = setTimeout(changed, left);
      await once(child, "bench:changed");
      clearTimeout(timer);
    }
    if (child.pid === undefined) await once(child, "bench:changed");
    if (child.pid === undefined) throw new Error(`${command}: ${ended}`);
    return running;
  }

  /**
   * Starts a program of Node with the probe loaded ahead of it.
   *
   * @param {readonly string[]} args Flags of Node, the file, and its arguments.
   * @param {StartOptions} [options]
   */
  function startNode(args, options = {}) {
    return start(process.execPath, ["--import", PROBE, ...args], { ...options, isNode: true });
  }

  return {
    start,
    startNode,
    /** Stops all, the last first. */
    async stopAll() {
      for (const running of all.splice(0).reverse()) await running.stop();
    },
    /** At the end of this process, when nothing can be waited for. */
    killAll() {
      for (const { pid } of all.splice(0)) {
        try {
          if (pid > 0) process.kill(-pid, "SIGKILL");
        } catch {
          // It is gone already.
        }
      }
    },
  };
}
