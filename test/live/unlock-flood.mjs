/**
 * Sends many unlock attempts at once, and prints how they were answered as one line of JSON. A program of its own,
 * so that it can run as another user and takes no time of the process that measures.
 *
 *     node unlock-flood.mjs <address> <attempts> <connections> <password>
 */
import { Agent, request } from "node:http";

const [address = "", attempts = "", connections = "", password = ""] = process.argv.slice(2);
const { hostname, port } = new URL(address);
const body = JSON.stringify({ password });
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
/** @type {Record<string, number>} */
const statuses = {};
/** @type {Record<string, number>} */
const errors = {};
let maxRetryAfter = 0;
let worstMs = 0;

/** @returns {Promise<void>} */
function attempt() {
  return new Promise((resolve) => {
    const began = performance.now();
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const options = { agent, host: hostname, port, method: "POST", path: "/auth/unlock", headers };
    const sent = request(options, (response) => {
      const { statusCode = 0 } = response;
      statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
      maxRetryAfter = Math.max(maxRetryAfter, Number(response.headers["retry-after"] ?? 0));
      response.resume().on("end", () => {
        worstMs = Math.max(worstMs, performance.now() - began);
        resolve();
      });
    });
    sent.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
      errors[error.code ?? error.message] = (errors[error.code ?? error.message] ?? 0) + 1;
      resolve();
    });
    sent.end(body);
  });
}

const began = performance.now();
let left = Number(attempts);
/** @returns {Promise<void>} */
async function connection() {
  while (left > 0) {
    left -= 1;
    await attempt();
  }
}
await Promise.all(Array.from({ length: Number(connections) }, connection));
agent.destroy();
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ statuses, errors, maxRetryAfter, worstMs, seconds }));
