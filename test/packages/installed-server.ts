import { spawn } from "node:child_process";
import { once } from "node:events";
import { recordAnswers } from "../contract/recorded-answers.js";
import { cleanEnvironment } from "../live/processes.js";

export interface InstalledServer {
  readonly address: string;
  /** Rejects if it gave an answer that its OpenAPI document does not promise. */
  stop(): Promise<void>;
}

/** Starts a `vault-server` by the command that a package manager made for it. */
export async function startInstalledServer(command: string, dataDir: string): Promise<InstalledServer> {
  const answers = recordAnswers();
  const child = spawn(command, ["--data-dir", dataDir, "--listen", "127.0.0.1:0"], {
    env: cleanEnvironment(answers.inheritedEnvironment),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const address = await new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /listening on (\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${String(code)}:\n${output}`)));
  });
  return {
    address,
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      await answers.check();
    },
  };
}
