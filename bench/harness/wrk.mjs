/** Load by wrk(1): how many requests a few connections that are kept open can get answered. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SCRIPT = fileURLToPath(new URL("wrk.lua", import.meta.url));

/**
 * @typedef {object} Load
 * @property {number} connections
 * @property {number} seconds Whole ones: wrk knows no others.
 * @property {Readonly<Record<string, string>>} [headers]
 * @property {number} [bodyBytes] Posts a JSON body of this length; a GET without.
 *
 * @typedef {object} Loaded
 * @property {number} requests
 * @property {number} perSecond
 * @property {number} p50Ms
 * @property {number} p99Ms
 */

/**
 * @param {string} url
 * @param {Load} load
 * @returns {Promise<Loaded>}
 * @throws {Error} If any request failed, or got another answer than 2xx or 3xx.
 */
export async function wrk(url, { connections, seconds, headers = {}, bodyBytes }) {
  const { stdout } = await promisify(execFile)(
    "wrk",
    [
      ...["-t1", `-c${String(connections)}`, `-d${String(seconds)}s`, "--timeout", "10s", "-s", SCRIPT],
      ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
      url,
    ],
    {
      env: { ...process.env, ...(bodyBytes === undefined ? {} : { BENCH_BODY_BYTES: String(bodyBytes) }) },
    },
  );
  const [requests = 0, microseconds = 0, p50 = 0, p99 = 0, failed = 0] =
    /^bench ([\d. ]+)$/m.exec(stdout)?.[1]?.split(" ").map(Number) ?? [];
  if (requests === 0 || failed > 0) throw new Error(`${url}: ${String(failed)} requests failed\n${stdout}`);
  return { requests, perSecond: requests / (microseconds / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000 };
}
