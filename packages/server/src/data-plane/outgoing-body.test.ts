import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { OutgoingBody, type OutgoingBodyOptions } from "./outgoing-body.js";
import { bodyFraming } from "./request-body.js";
import { incoming } from "./testing/incoming-request.js";

const SIZED = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
const IN_CHUNKS = "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n";

function outgoing(request: IncomingMessage, options: Partial<OutgoingBodyOptions> = {}): OutgoingBody {
  return new OutgoingBody(request, bodyFraming(request), {
    ...{ limit: 1_000_000, idleMs: 10_000, mayRepeat: true, countBytes: () => undefined },
    ...options,
  });
}

async function textOf(payload: Readable | Buffer | null): Promise<string> {
  if (!(payload instanceof Readable)) return String(payload);
  return Buffer.concat((await payload.toArray()) as Buffer[]).toString();
}

test("a body that has come whole is one Buffer, counted and looked at, also a second time", async () => {
  await incoming(`${SIZED}0123456789`, async (request) => {
    await nextTurn();
    const seen: unknown[] = [];
    const body = outgoing(request, {
      countBytes: (bytes) => seen.push(bytes),
      inspect: (chunk) => void seen.push(chunk.toString()),
    });
    expect(body.payload).toBeNull();
    body.open();
    expect([body.payload, body.isKept, seen]).toEqual([Buffer.from("0123456789"), true, [10, "0123456789"]]);
    body.repeat();
    expect(body.payload).toEqual(Buffer.from("0123456789"));
    await new Promise((resolve) => request.once("end", resolve));
  });
});

test.each([
  ["in chunks", CHUNKED, IN_CHUNKS],
  ["in pieces", `${SIZED}012`, "3456789"],
  ["behind its head", SIZED, "0123456789"],
])("a body that comes %s is passed on as it comes, and kept", async (_, head, rest) => {
  await incoming(head, async (request, caller) => {
    await nextTurn();
    const body = outgoing(request);
    body.open();
    expect([body.payload instanceof Readable, body.isKept]).toEqual([true, false]);
    caller.write(rest);
    expect(await textOf(body.payload)).toBe("0123456789");
    expect(body.isKept).toBe(true);
    body.repeat();
    expect([body.payload, body.isKept]).toEqual([Buffer.from("0123456789"), true]);
  });
});

test("what comes in chunks is a stream though it has come whole, and is not kept where nothing repeats it", async () => {
  await incoming(CHUNKED + IN_CHUNKS, async (request) => {
    await nextTurn();
    const body = outgoing(request, { mayRepeat: false });
    body.open();
    expect(await textOf(body.payload)).toBe("0123456789");
    expect(body.isKept).toBe(false);
  });
});

test.each([
  [64 * 1024, true],
  [64 * 1024 + 1, false],
])("%i bytes that have come at once are kept: %s", async (length, isKept) => {
  const text = "x".repeat(length);
  await incoming(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${String(length)}\r\n\r\n`,
    async (request) => {
      await nextTurn();
      // As much as that comes at once from a connection that reads more at a time.
      request.push(text);
      const body = outgoing(request);
      body.open();
      expect([Buffer.isBuffer(body.payload), body.isKept]).toEqual([isKept, isKept]);
      body.drop();
    },
  );
});

test("a length of nothing, however it is written, is a body of nothing", async () => {
  await incoming("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 00\r\n\r\n", async (request) => {
    await nextTurn();
    const body = outgoing(request);
    body.open();
    expect(await textOf(body.payload)).toBe("");
  });
});

test("a refused piece of a stream is its error", async () => {
  const refusal = new VaultProxyError("secret_in_request", "the request holds a secret of another service");
  await incoming(SIZED, async (request, caller) => {
    const body = outgoing(request, { inspect: () => refusal });
    body.open();
    caller.write("0123456789");
    await expect(textOf(body.payload)).rejects.toBe(refusal);
  });
});

test.each([
  ["before it was opened", false],
  ["when it is a stream", true],
])("a body that nobody wants %s is read away", async (_, isOpened) => {
  await incoming(SIZED, async (request, caller) => {
    const body = outgoing(request);
    if (isOpened) body.open();
    body.drop();
    caller.write("0123456789");
    await new Promise((resolve) => request.once("end", resolve));
    expect(request.socket.destroyed).toBe(false);
  });
});

test("there is none without a body", async () => {
  await incoming("GET / HTTP/1.1\r\nHost: x\r\n\r\n", async (request) => {
    const body = outgoing(request);
    body.open();
    body.drop();
    expect([body.payload, body.isKept]).toEqual([null, true]);
    await nextTurn();
  });
});
