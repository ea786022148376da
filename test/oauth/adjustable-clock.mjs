/**
 * Loaded into a server by `--import`, it lets a test move the server's time forward: `Date`, and every timer of a second
 * or more, go by a clock that is ahead by as many milliseconds as the file named in VAULT_TEST_CLOCK says. SIGUSR2 makes
 * it look there; when all that fell due has been called, it writes the same number to `<file>.seen`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const SHORTEST_MS = 1000;

const file = process.env.VAULT_TEST_CLOCK ?? "";
const RealDate = Date;
const realNow = Date.now;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
// A server that is started again goes on where the one before was.
let ahead = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
const now = () => realNow() + ahead;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
});
RealDate.now = now;

/** The long timers that have not run, and when they fall due. @type {Map<NodeJS.Timeout, { due: number, call: () => void }>} */
const waiting = new Map();

/** @param {NodeJS.Timeout} timer */
function run(timer) {
  const entry = waiting.get(timer);
  waiting.delete(timer);
  realClearTimeout(timer);
  entry?.call();
}

globalThis.setTimeout = Object.assign(
  /**
   * @param {(...args: unknown[]) => void} callback
   * @param {number} [ms]
   * @param {unknown[]} args
   */
  (callback, ms = 0, ...args) => {
    if (ms < SHORTEST_MS) return realSetTimeout(callback, ms, ...args);
    const timer = realSetTimeout(() => run(timer), ms);
    waiting.set(timer, { due: now() + ms, call: () => callback(...args) });
    return timer;
  },
  realSetTimeout,
);
globalThis.clearTimeout = (timer) => {
  if (typeof timer === "object") waiting.delete(timer);
  realClearTimeout(timer);
};

AbortSignal.timeout = (ms) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("time is up", "TimeoutError")), ms).unref();
  return controller.signal;
};

process.on("SIGUSR2", () => {
  ahead = Number(readFileSync(file, "utf8"));
  for (const [timer, { due }] of [...waiting]) if (due <= now()) run(timer);
  writeFileSync(`${file}.seen`, String(ahead));
});
