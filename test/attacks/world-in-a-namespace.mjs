/**
 * An internet of one machine: in a network namespace whose only interface is loopback, every address there is leads
 * back to this process. It listens on the given ports, notes the address that each connection was made to, and answers
 * DNS. To be started by isolated-network.ts, in namespaces of its own, with an IPC channel.
 *
 *     node world-in-a-namespace.mjs <directory> <TLS port> <plain port> [<other port> …]
 */
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer as createTcpServer, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

const [directory = "", tlsPort = "", plainPort = "", ...otherPorts] = process.argv.slice(2);
const RESOLVER = "127.0.0.53";
/** The world's own connections come from here, and are not noted. */
const FENCE = "127.255.255.254";

/** @typedef {{ address: string, port: number }} Connection */
/** @typedef {{ cname?: string, addresses?: readonly string[] }} DnsAnswer */

const strangers = Object.keys(networkInterfaces()).filter((name) => name !== "lo");
if (strangers.length > 0) throw new Error(`this namespace has a way out: ${strangers.join(", ")}`);
const ip = (/** @type {string} */ args) => execFileSync("ip", args.split(" "), { stdio: "pipe" });
ip("link set lo up");
ip("route add local 0.0.0.0/0 dev lo");
ip("-6 route add local ::/0 dev lo");

/** @type {[string, string][]} */
const files = [
  ["/etc/resolv.conf", `nameserver ${RESOLVER}\noptions timeout:2 attempts:2\n`],
  ["/etc/nsswitch.conf", "hosts: files dns\n"],
  ["/etc/hosts", "127.0.0.1 localhost in-the-hosts-file.test\n::1 localhost ip6-localhost ip6-loopback\n"],
];
for (const [target, text] of files) {
  const source = join(directory, target.replaceAll("/", "-"));
  writeFileSync(source, text);
  execFileSync("mount", ["--bind", source, target], { stdio: "pipe" });
}

/** @type {Connection[]} */
let connections = [];
/** @type {Set<() => void>} */
const fences = new Set();

/**
 * @param {import("node:net").Server} server
 * @param {number} port
 * @returns {Promise<void>}
 */
function listen(server, port) {
  server.on("connection", (/** @type {import("node:net").Socket} */ socket) => {
    socket.on("error", () => undefined);
    if (socket.remoteAddress?.endsWith(FENCE) === true) {
      for (const fence of fences) fence();
      socket.destroy();
    } else {
      const address = socket.localAddress ?? "";
      connections.push({ address: address.startsWith("::ffff:") ? address.slice(7) : address, port });
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen({ port, host: "::", backlog: 511 }, resolve);
  });
}

/** A server accepts in order: once it has accepted this connection, it has noted all earlier ones. */
const pass = (/** @type {number} */ port) =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: FENCE }).on("error", reject);
    const fence = () => {
      fences.delete(fence);
      socket.destroy();
      resolve(undefined);
    };
    fences.add(fence);
  });

/** @type {WeakSet<import("node:net").Socket>} */
const used = new WeakSet();

/** @type {import("node:http").RequestListener} */
const answer = (request, response) => {
  const url = new URL(request.url ?? "/", "http://world.test");
  const status = Number(url.searchParams.get("status") ?? 200);
  // Cuts a kept-alive connection under a second call, which then may be tried once more.
  if (url.searchParams.has("cut") && used.has(request.socket)) {
    request.socket.destroy();
    return;
  }
  used.add(request.socket);
  for (const header of url.searchParams.getAll("header")) {
    const colon = header.indexOf(":");
    response.appendHeader(header.slice(0, colon), header.slice(colon + 1).trim());
  }
  if (!url.searchParams.has("keep")) response.setHeader("Connection", "close");
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ host: request.headers.host, target: request.url }));
};

const certificate = {
  cert: readFileSync(join(directory, "cert.pem")),
  key: readFileSync(join(directory, "key.pem")),
};
const plain = createHttpServer(answer);
const secure = createHttpsServer(certificate, answer);
for (const server of [plain, secure]) {
  server.keepAliveTimeout = 60_000;
  server.on("upgrade", (/** @type {unknown} */ _request, /** @type {import("node:net").Socket} */ socket) => {
    socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
}
const ports = [tlsPort, plainPort, ...otherPorts].map(Number);
await listen(secure, Number(tlsPort));
await listen(plain, Number(plainPort));
for (const port of otherPorts)
  await listen(
    createTcpServer((socket) => socket.end()),
    Number(port),
  );

/**
 * What each name answers, lookup after lookup; the last answer stays.
 *
 * @type {Map<string, { answers: readonly DnsAnswer[], lookups: number }>}
 */
const zone = new Map();
const TYPE = { A: 1, CNAME: 5, AAAA: 28 };

/** @param {string} name */
function encodeName(name) {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.of(0),
  ]);
}

/** @param {string} address */
function encodeAddress(address) {
  if (!isIPv6(address)) return Buffer.from(address.split(".").map(Number));
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail = ""] = text.split("::");
  const groups = (/** @type {string} */ part) =>
    part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const [before, behind] = [groups(head), groups(tail)];
  const all = [...before, ...Array(8 - before.length - behind.length).fill(0), ...behind];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

/**
 * RFC 1035 §4.1.3, time to live 0.
 *
 * @param {string} owner
 * @param {number} type
 * @param {Buffer} data
 */
function resourceRecord(owner, type, data) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(owner), fixed, data]);
}

/**
 * @param {string} name
 * @param {number} type
 * @returns {Buffer[] | undefined} undefined for a name that does not exist
 */
function resolve(name, type) {
  const entry = zone.get(name);
  if (entry === undefined) return undefined;
  // getaddrinfo(3) asks for A first and for AAAA right behind: both are one lookup.
  if (type === TYPE.A) entry.lookups += 1;
  const { cname, addresses = [] } =
    entry.answers[Math.min(Math.max(entry.lookups, 1), entry.answers.length) - 1] ?? {};
  if (cname !== undefined) {
    return [resourceRecord(name, TYPE.CNAME, encodeName(cname)), ...(resolve(cname, type) ?? [])];
  }
  return addresses
    .filter((address) => type === (isIPv6(address) ? TYPE.AAAA : TYPE.A))
    .map((address) => resourceRecord(name, type, encodeAddress(address)));
}

const resolver = createSocket("udp4");
resolver.on("message", (query, { address, port }) => {
  /** @type {string[]} */
  const labels = [];
  let offset = 12;
  for (let length = query[offset] ?? 0; length > 0; length = query[offset] ?? 0) {
    labels.push(query.toString("latin1", offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  const question = query.subarray(12, offset + 5);
  const records = resolve(labels.join(".").toLowerCase(), query.readUInt16BE(offset + 1));
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(records === undefined ? 0x8583 : 0x8580, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records?.length ?? 0, 6);
  resolver.send(Buffer.concat([header, question, ...(records ?? [])]), port, address);
});
await new Promise((done) => resolver.bind(53, RESOLVER, () => done(undefined)));

/**
 * @typedef {{ id: number } & (
 *   | { do: "resolve", name: string, answers: readonly DnsAnswer[] }
 *   | { do: "lookups", name: string }
 *   | { do: "connections" }
 * )} Order
 */

/** @param {Order} order */
async function carryOut(order) {
  switch (order.do) {
    case "resolve":
      zone.set(order.name, { answers: order.answers, lookups: 0 });
      return undefined;
    case "lookups":
      return zone.get(order.name)?.lookups ?? 0;
    case "connections": {
      for (const port of ports) await pass(port);
      const made = connections;
      connections = [];
      return made;
    }
  }
}

process.on("message", (message) => {
  const order = /** @type {Order} */ (message);
  void carryOut(order).then((result) => process.send?.({ id: order.id, result }));
});
process.on("disconnect", () => process.exit());
process.send?.({ id: 0 });
