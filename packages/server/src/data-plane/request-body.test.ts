import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { discardRest, RequestBody } from "./request-body.js";
import { incoming } from "./testing/incoming-request.js";

const bodyOf = (request: IncomingMessage, limit: number, idleMs: number): RequestBody =>
  new RequestBody(request, { limit, idleMs, countBytes: () => undefined });

async function read(body: RequestBody): Promise<string> {
  let text = "";
  for await (const chunk of body) text += (chunk as Buffer).toString();
  return text;
}

const IDLE_MS = 10_000;
const SIZED = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

test("a body arrives as it was sent, also split at every byte", async () => {
  for (const [head, rest] of [
    [SIZED, "0123456789"],
    [CHUNKED, "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"],
  ] as const) {
    await incoming(head, async (request, caller) => {
      const text = read(bodyOf(request, 10, IDLE_MS));
      for (const byte of rest) {
        caller.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await text).toBe("0123456789");
    });
  }
});

test.each([SIZED, CHUNKED])("a body that is cut off is an error, never a short body", async (head) => {
  await incoming(head, async (request, caller) => {
    const text = read(bodyOf(request, 100, IDLE_MS));
    caller.write(head === SIZED ? "012" : "3\r\n012\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    caller.destroy();
    await expect(text).rejects.toMatchObject({ code: "invalid_request" });
  });
});

test("a body over the limit is an error at the first byte too many", async () => {
  await incoming(SIZED, async (request, caller) => {
    const text = read(bodyOf(request, 9, IDLE_MS));
    caller.write("0123456789");
    await expect(text).rejects.toMatchObject({ code: "body_too_large" });
  });
});

test("a body that nobody wants any more is read away, and the connection lives", async () => {
  await incoming(SIZED, async (request, caller) => {
    const body = bodyOf(request, 100, IDLE_MS);
    caller.write("012");
    body.destroy();
    caller.write("3456789");
    await new Promise((resolve) => request.once("end", resolve));
    expect(request.socket.destroyed).toBe(false);
  });
});

describe("an answer before the end of the body", () => {
  const length = 4 * 1024 * 1024;
  const head = (...fields: string[]): string =>
    ["POST / HTTP/1.1", "Host: x", `Content-Length: ${length}`, ...fields, "", ""].join("\r\n");

  /** Sends half of the body, waits for the answer, and sends the rest. Gives what came, and whether it was reset. */
  async function sendOn(fields: string[]): Promise<{ text: string; errors: Error[]; ended: boolean }> {
    const server = createServer((request, response) => {
      discardRest(request);
      discardRest(request);
      response.end("too much");
    });
    const closedHere = new Promise((resolve) =>
      server.on("connection", (socket) => socket.once("close", resolve)),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const caller = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const seen = { text: "", errors: [] as Error[], ended: false };
    const answered = new Promise<void>((resolve) =>
      caller.on("data", (chunk) => {
        seen.text += chunk.toString();
        if (seen.text.endsWith("too much")) resolve();
      }),
    );
    const ended = new Promise<void>((resolve) => caller.on("end", resolve).on("close", () => resolve()));
    caller.on("end", () => (seen.ended = true)).on("error", (error) => seen.errors.push(error));
    caller.write(head(...fields));
    caller.write(Buffer.alloc(length / 2));
    await answered;
    await new Promise((resolve) => setTimeout(resolve, 50));
    await new Promise((resolve) => caller.write(Buffer.alloc(length / 2), resolve));
    if (fields.length > 0) await ended;
    else caller.write("GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await ended;
    await closedHere;
    const closed = new Promise((resolve) => server.close(resolve));
    caller.destroy();
    await closed;
    return seen;
  }

  test("reaches a caller that sends on, and closes the connection behind the body", async () => {
    const { text, errors, ended } = await sendOn(["Connection: close"]);
    expect({ errors, ended }).toEqual({ errors: [], ended: true });
    expect(text).toMatch(/^HTTP\/1\.1 200 .*too much$/s);
  });

  test("leaves a connection usable that is kept", async () => {
    const { text, errors } = await sendOn([]);
    expect(errors).toEqual([]);
    expect(text.match(/too much/g)).toHaveLength(2);
  });
});

test("a body that stops arriving is an error, unless it is held back by its reader", async () => {
  await incoming(SIZED, async (request, caller) => {
    caller.write("012");
    await expect(read(bodyOf(request, 100, 50))).rejects.toMatchObject({ code: "invalid_request" });
  });
  const large = 1024 * 1024;
  await incoming(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${large}\r\n\r\n`,
    async (request, caller) => {
      const body = bodyOf(request, large, 50);
      caller.write("x".repeat(large));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await read(body)).toHaveLength(large);
    },
  );
});
