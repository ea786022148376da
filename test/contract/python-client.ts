import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pythonCommand } from "../../scripts/python-environment.mjs";
import { cleanEnvironment } from "../live/processes.js";

const DRIVER = fileURLToPath(new URL("./python_driver.py", import.meta.url));

/** A method of the Python client. Bytes among the arguments are written `{"base64": …}`. */
export interface PythonCall {
  readonly method: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

export interface PythonOutcome {
  readonly result?: unknown;
  readonly error?: { readonly status: number; readonly code: string | null; readonly message: string };
  /** There is no such method. */
  readonly absent?: true;
  /** What the client holds afterwards. */
  readonly token: string | null;
}

/** The Python SDK in a process of its own. */
export interface PythonClient {
  call(call: PythonCall, token: string | undefined): Promise<PythonOutcome>;
  close(): Promise<void>;
}

export function startPythonClient(address: string): PythonClient {
  const child = spawn(pythonCommand("python"), [DRIVER, address], {
    env: cleanEnvironment(),
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, "close");
  return {
    async call(call, token) {
      child.stdin.write(`${JSON.stringify({ ...call, token: token ?? null })}\n`);
      const line = (await lines.next()) as IteratorResult<string, undefined>;
      if (line.done === true) throw new Error("the Python driver has ended");
      return JSON.parse(line.value) as PythonOutcome;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
