import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { connectTo, eventually, startRawUpstream, type RawUpstream } from "../live/raw-sockets.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import { parseAnswer, type RawAnswer } from "./raw-answer.js";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let upstream: RawUpstream;
let token: string;
let slowCalls: (() => void)[] = [];

beforeAll(async () => {
  directory = await temporaryDirectory();
  upstream = await startRawUpstream((socket, head) => {
    const answer = (): void => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (head.includes("/slow")) slowCalls.push(answer);
    else answer();
  });
  server = await startServer({ dataDir: directory.path });
  const admin = await unlock(server);
  token = await makeToken(server, admin);
  const auth = { type: "bearer", token: "pipelined-S3cret-0123456789" };
  await addService(server, admin, { name: "api", base_url: upstream.origin, auth, allow_private: true });
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await directory.remove();
});

/** Reads well-formed answers until there are `count`. */
function readAnswers(bytes: Buffer, count: number): RawAnswer[] | undefined {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (answers.length < count) {
    const answer = parseAnswer(rest, "GET", false);
    if (answer?.isComplete !== true) return undefined;
    answers.push(answer);
    rest = answer.rest;
  }
  expect(rest.length).toBe(0);
  return answers;
}

// What is not below /proxy is answered by another plane, which says 100 Continue by itself.
test.each([
  ["/proxy/api/quick", 200],
  ["/proxy/unknown/quick", 404],
  ["/nothing", 404],
])("100 Continue to a request behind a slow one never splits an answer (%s)", async (target, status) => {
  const common = `Host: localhost\r\nAuthorization: Bearer ${token}\r\n`;
  const socket = connectTo(server.address);
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => (received = Buffer.concat([received, chunk])));
  slowCalls = [];
  socket.write(
    `GET /proxy/api/slow HTTP/1.1\r\n${common}\r\n` +
      `PUT ${target} HTTP/1.1\r\n${common}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
  );
  await eventually(() => slowCalls.length === 1);
  // Time for the second call to be answered, which waits for its turn.
  await new Promise((resolve) => setTimeout(resolve, 200));
  slowCalls[0]?.();
  await eventually(() => readAnswers(received, 2) !== undefined);
  expect(readAnswers(received, 2)?.map((answer) => answer.status)).toEqual([200, status]);
  socket.destroy();
});
