import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cleanEnvironment, temporaryDirectory } from "../live/processes.js";

const run = promisify(execFile);
const WAIT_MS = 10_000;
const POLL_MS = 20;

/** A shell in a terminal whose screen can be looked at. */
export interface Tmux {
  /** Presses keys: text as it is, or with `names` what tmux(1) calls them, such as `C-c`. */
  type(text: string): Promise<void>;
  press(...names: string[]): Promise<void>;
  /** Empties the screen, so that `see` finds nothing of what was there. */
  clear(): Promise<void>;
  /** Changes the size of the window. */
  resize(cols: number, rows: number): Promise<void>;
  /** What is on the screen. With `colours`, as the escape sequences that would draw it. */
  screen(options?: { readonly colours?: boolean }): Promise<string>;
  /** Resolves with the match as soon as `pattern` is on the screen. */
  see(pattern: RegExp): Promise<RegExpExecArray>;
  /** Process ids of what the shell has started and waits for. */
  programs(): Promise<number[]>;
  close(): Promise<void>;
}

/** Starts a tmux server of its own with one window of 100 by 30, where `/bin/sh` runs. */
export async function startTmux(env: Readonly<Record<string, string>>): Promise<Tmux> {
  const directory = await temporaryDirectory();
  const socket = join(directory.path, "tmux");
  const tmux = async (...args: string[]): Promise<string> => {
    const options = { env: { ...cleanEnvironment(env), LANG: "C.UTF-8", TERM: "xterm-256color" } };
    return (await run("tmux", ["-u", "-S", socket, "-f", "/dev/null", ...args], options)).stdout;
  };
  await tmux("new-session", "-d", "-x", "100", "-y", "30", "env PS1='local$ ' /bin/sh");
  const screen: Tmux["screen"] = ({ colours = false } = {}) =>
    tmux("capture-pane", "-p", "-J", ...(colours ? ["-e"] : []));
  const started: Tmux = {
    screen,
    async type(text) {
      await tmux("send-keys", "-l", "--", text);
    },
    async press(...names) {
      await tmux("send-keys", ...names);
    },
    async clear() {
      await tmux("send-keys", "-R");
    },
    async resize(cols, rows) {
      await tmux("resize-window", "-x", String(cols), "-y", String(rows));
    },
    async see(pattern) {
      const deadline = Date.now() + WAIT_MS;
      for (;;) {
        const shown = await screen();
        const found = pattern.exec(shown);
        if (found !== null) return found;
        if (Date.now() > deadline) throw new Error(`not seen: ${String(pattern)}\n${shown}`);
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    },
    async programs() {
      const shell = (await tmux("list-panes", "-F", "#{pane_pid}")).trim();
      const children = await readFile(`/proc/${shell}/task/${shell}/children`, "utf8");
      return children.trim().split(" ").filter(Boolean).map(Number);
    },
    async close() {
      await tmux("kill-server").catch(() => undefined);
      await directory.remove();
    },
  };
  await started.see(/^local\$/);
  return started;
}
