import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CONNECTIONS, warmContestant } from "../harness/load-row.mjs";
import { residentMb } from "../harness/process-costs.mjs";
import { wrk } from "../harness/wrk.mjs";

const COUNT = 1000;
/** That many are opened at a time. */
const LANES = 20;
const KB_PER_MB = 1000;

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "idle-connections",
  title: "1,000 callers' connections that are kept open, each after one small JSON GET",
  packages: ["nginx", "openssl", "wrk"],
  async measure(bench) {
    /** @type {import("../harness/row.mjs").Line[]} */
    const lines = [];
    const restMs = bench.isQuick ? 200 : 500;
    for (const contestant of await bench.contestants()) {
      const { name, pid, headers } = contestant;
      const url = contestant.urlOf("plain", "/v1/models", "idle-connections");
      if (pid === undefined || url === undefined) continue;
      await warmContestant(bench, contestant, () =>
        wrk(url, { connections: CONNECTIONS, seconds: 1, headers }),
      );
      await delay(restMs);
      const before = residentMb(pid);
      const sockets = await openAll(url, headers);
      await delay(restMs);
      lines.push({ "": name, "KB a connection": ((residentMb(pid) - before) * KB_PER_MB) / COUNT });
      for (const socket of sockets) socket.destroy();
    }
    return {
      settings: `resident memory with them and without, after ${String(CONNECTIONS)} connections under load; those to the upstream are shared`,
      lines,
      targets: [],
    };
  },
};

/**
 * @param {string} url
 * @param {Readonly<Record<string, string>>} headers
 */
async function openAll(url, headers) {
  const { host, hostname, port, pathname } = new URL(url);
  const fields = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${pathname} HTTP/1.1\r\n${fields.join("")}\r\n`;
  /** @type {import("node:net").Socket[]} */
  const sockets = [];
  const openSome = async () => {
    while (sockets.length < COUNT) {
      const socket = connect(Number(port), hostname);
      sockets.push(socket);
      socket.write(request);
      const [answer] = /** @type {[Buffer]} */ (await once(socket, "data"));
      if (!answer.toString("latin1").startsWith("HTTP/1.1 200")) throw new Error(`${url}: ${String(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: LANES }, openSome));
  return sockets;
}
