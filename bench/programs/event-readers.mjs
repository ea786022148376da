/**
 * Reads many event streams at once, on a connection each, and tells what came: asked by its parent to open so many at a URL,
 * and later for the figures.
 */
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** One after another, so that the first byte of one does not wait for all others. */
const OPENED_EVERY_MS = 2;
/** A machine that is overloaded gets no further. */
const BEGUN_WITHIN_MS = 4_000;
/** Each event has the time at which it was sent, in nanoseconds of the machine's monotonic clock. */
const EVENT = /^data: (\d+) an event\n\n$/;
const CRLF = Buffer.from("\r\n");

/** @type {Stream[]} */
const streams = [];

process.on("message", (question) => {
  if (question.probe !== undefined) return;
  const task = question.open === undefined ? close() : open(question);
  task.then(
    (answer) => process.send(answer),
    (thrown) => process.send({ failure: String(thrown) }),
  );
});
// The probe lets go of it; here it is what there is to wait for.
process.channel.ref();
process.stdout.write("ready\n");

async function open({ open: count, url, headers, seconds }) {
  for (let index = 0; index < count; index += 1) {
    streams.push(startStream(new URL(url), headers));
    await delay(OPENED_EVERY_MS);
  }
  const deadline = performance.now() + BEGUN_WITHIN_MS;
  while (streams.some(({ firstMs }) => firstMs === undefined) && performance.now() < deadline)
    await delay(20);
  const firstMs = streams.map((stream) => stream.firstMs);
  for (const stream of streams) Object.assign(stream, { events: 0, chunks: 0, delaysMs: [] });
  const began = performance.now();
  await delay(seconds * 1000);
  const took = (performance.now() - began) / 1000;
  const broken = streams.find(({ failure }) => failure !== undefined);
  if (broken !== undefined) throw new Error(broken.failure);
  const delaysMs = streams.flatMap((stream) => stream.delaysMs).sort((one, other) => one - other);
  const events = streams.reduce((sum, stream) => sum + stream.events, 0);
  return {
    // Those that have not begun count as what they have waited at least.
    firstMs: firstMs.map((ms) => ms ?? BEGUN_WITHIN_MS),
    begun: firstMs.filter((ms) => ms !== undefined).length,
    events,
    chunks: streams.reduce((sum, stream) => sum + stream.chunks, 0),
    allEvents: streams.reduce((sum, stream) => sum + stream.allEvents, 0),
    perStream: events / count / took,
    delayP50Ms: delaysMs[Math.floor(delaysMs.length * 0.5)],
    delayP99Ms: delaysMs[Math.floor(delaysMs.length * 0.99)],
  };
}

async function close() {
  for (const { socket } of streams.splice(0)) socket.destroy();
  return {};
}

/** @typedef {ReturnType<typeof startStream>} Stream */
function startStream({ hostname, port, pathname, host }, headers) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const stream = {
    socket,
    firstMs: undefined,
    allEvents: 0,
    events: 0,
    chunks: 0,
    delaysMs: [],
    failure: undefined,
  };
  let began = 0;
  let rest = Buffer.alloc(0);
  let isHead = true;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on("connect", () => {
    began = performance.now();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n${lines.join("")}\r\n`);
  });
  socket.on("data", (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (isHead) {
      const end = rest.indexOf("\r\n\r\n");
      if (end === -1) return;
      const status = rest.subarray(0, 12).toString("latin1");
      if (status !== "HTTP/1.1 200") stream.failure = status;
      rest = rest.subarray(end + 4);
      isHead = false;
    }
    for (;;) {
      const line = rest.indexOf(CRLF);
      if (line === -1) return;
      const length = Number.parseInt(rest.toString("latin1", 0, line), 16);
      if (rest.length < line + length + 4) return;
      take(rest.toString("latin1", line + 2, line + 2 + length));
      rest = rest.subarray(line + length + 4);
    }
  });
  socket.on("error", (error) => (stream.failure ??= error.message));
  socket.on("close", () => (stream.failure ??= "the connection was closed"));
  return stream;

  function take(chunk) {
    stream.firstMs ??= performance.now() - began;
    stream.chunks += 1;
    const sent = EVENT.exec(chunk)?.[1];
    const events = sent === undefined ? chunk.split("\n\n").length - 1 : 1;
    stream.events += events;
    stream.allEvents += events;
    if (sent !== undefined) stream.delaysMs.push(Number(process.hrtime.bigint() - BigInt(sent)) / 1e6);
  }
}
