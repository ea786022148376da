/** `npm start -- [flags]`: builds if needed and runs the real vault-server in the foreground. */
import { spawn } from "node:child_process";
import { runScript } from "./run-process.mjs";
import { ensureBuilt, SERVER_MAIN } from "./workspace.mjs";

/** What each signal becomes for the server. A terminal that goes away asks for an orderly stop, too. */
const PASSED_ON = /** @type {const} */ ({ SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGTERM" });
// One Ctrl-C arrives twice, from the terminal and from npm; the server takes a second signal as "exit at once".
const SAME_KEYPRESS_MS = 250;
const LOOK_FOR_PARENT_EVERY_MS = 500;

await runScript(async () => {
  await ensureBuilt();
  // A process group of its own: the terminal's signal reaches the server once, through this process.
  const server = spawn(process.execPath, [SERVER_MAIN, ...process.argv.slice(2)], {
    stdio: "inherit",
    detached: true,
  });
  /** @type {Map<string, number>} */
  const lastPassedOn = new Map();
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => {
    const now = performance.now();
    if (now - (lastPassedOn.get(signal) ?? -Infinity) < SAME_KEYPRESS_MS) return;
    lastPassedOn.set(signal, now);
    server.kill(signal);
  };
  for (const [received, sent] of Object.entries(PASSED_ON)) process.on(received, () => passOn(sent));
  // A SIGTERM for npm ends npm and its shell but is not passed on to here; the server must not stay behind.
  const parent = process.ppid;
  const lookForParent = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(lookForParent);
    passOn("SIGTERM");
  }, LOOK_FOR_PARENT_EVERY_MS);
  if (process.env["npm_lifecycle_event"] === undefined) clearInterval(lookForParent);
  process.on("exit", () => server.kill("SIGTERM"));

  return await new Promise((resolve, reject) => {
    server.on("error", reject);
    server.on("close", (status, signal) => {
      clearInterval(lookForParent);
      if (signal === null) return resolve(status ?? 1);
      // Ended by a signal: end by the same one, so that the caller sees what happened.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
  });
});
