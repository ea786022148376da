/** What the search for other services' secrets costs, in processor time and memory. */
import { randomBytes } from "node:crypto";

const lib = new URL("../../packages/server/lib/", import.meta.url);
const { Secret } = await import(new URL("redaction/secret.js", lib).href);
const { createOutboundSecrets } = await import(new URL("scrubbing/outbound-secrets.js", lib).href);
const { OutboundScan } = await import(new URL("scrubbing/outbound-scan.js", lib).href);

/** Processor time in milliseconds, so that what else the machine does matters less. */
function clock() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const MEGABYTE = 1_000_000;
const CHUNK_BYTES = 64 * 1024;
const isQuick = process.argv.includes("--quick");
const UPDATES = 2000;
const BODY_BYTES = (isQuick ? 10 : 100) * MEGABYTE;
const lines = [];

const kinds = {
  "base64url tokens (1 form each)": () => randomBytes(40).toString("base64url"),
  "base64 keys (up to 10 forms each)": () => randomBytes(48).toString("base64"),
};

function threeSecrets(make) {
  return [1, 2, 3].map(() => ({ value: new Secret(make()) }));
}

function megabytesUsed() {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}

function jsonText(bytes) {
  const rows = [];
  for (let size = 0; size < bytes; size += rows.at(-1).length) {
    const id = randomBytes(8).toString("hex");
    rows.push(
      `{"id":"${id}","name":"Some name","url":"https://api.example.com/v1/items/${id}","total":12345},\n`,
    );
  }
  return Buffer.from(rows.join("")).subarray(0, bytes);
}

const bodies = {
  "JSON text": jsonText(BODY_BYTES),
  "random bytes": randomBytes(BODY_BYTES),
};

function throughput(secrets, body, chunkBytes) {
  let best = 0;
  for (let round = 0; round < 5; round += 1) {
    const scan = new OutboundScan(secrets, "called");
    const started = clock();
    for (let at = 0; at < body.length; at += chunkBytes) {
      if (scan.push(body.subarray(at, at + chunkBytes)) !== undefined) throw new Error("a hit by chance");
    }
    best = Math.max(best, body.length / MEGABYTE / ((clock() - started) / 1000));
  }
  return Math.round(best);
}

for (const services of [1, 100, 10_000]) {
  for (const [kind, make] of Object.entries(kinds)) {
    const definitions = Array.from({ length: services + UPDATES }, () => threeSecrets(make));
    const before = megabytesUsed();
    const secrets = createOutboundSecrets(randomBytes);
    let started = clock();
    for (let i = 0; i < services; i += 1) secrets.update(`service-${i}`, definitions[i]);
    const built = clock() - started;
    const memory = megabytesUsed() - before;
    started = clock();
    for (let i = 0; i < UPDATES; i += 1) secrets.update(`service-${i % services}`, definitions[services + i]);
    const update = ((clock() - started) / UPDATES) * 1000;
    lines.push({
      "": `${services} services with 3 ${kind}`,
      "built in ms": built,
      MB: memory,
      "µs an update": update,
      ...Object.fromEntries(
        Object.entries(bodies).map(([name, body]) => [
          `${name}, MB a second`,
          throughput(secrets, body, CHUNK_BYTES),
        ]),
      ),
      "in pieces of 256 bytes": throughput(secrets, bodies["JSON text"].subarray(0, 10 * MEGABYTE), 256),
    });
  }
}

{
  const secrets = createOutboundSecrets(randomBytes);
  const end = "-an-end-that-all-of-them-share";
  for (let i = 0; i < 10_000; i += 1) {
    const value = new Secret(`${randomBytes(20 + (i % 30)).toString("hex")}${end}`);
    secrets.update(`service-${i}`, [{ value }]);
  }
  const body = Buffer.alloc(10 * MEGABYTE, end);
  lines.push({
    "": "10,000 secrets of 30 lengths with one known end, sent over and over",
    "JSON text, MB a second": throughput(secrets, body, CHUNK_BYTES),
  });
}

{
  const secrets = createOutboundSecrets(randomBytes);
  secrets.update("other", threeSecrets(kinds["base64 keys (up to 10 forms each)"]));
  const headers = Array.from({ length: 15 }, (_, i) => [
    `X-Header-${i}`,
    `a value of some length, number ${i}`,
  ]).flat();
  const rounds = 200_000;
  const started = clock();
  for (let i = 0; i < rounds; i += 1) new OutboundScan(secrets, "called").scanHeaders(headers);
  lines.push({ "": "15 headers", "µs a request": ((clock() - started) / rounds) * 1000 });
}
process.stdout.write(JSON.stringify(lines));
