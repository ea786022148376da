import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { startServer, temporaryDirectory } from "../live/processes.js";
import { checkRecord, recordAnswers } from "./recorded-answers.js";

const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const HOST = "Host: localhost\r\n";

/** What is sent past any HTTP client, and method, target and status that are to be recorded. */
const SENT: readonly (readonly [string, readonly [string, string, number]])[] = [
  ["nonsense\r\n\r\n", ["", "", 400]],
  [`GET /health HTTP/1.1\r\n${HOST}X: ${"x".repeat(100_000)}\r\n\r\n`, ["", "", 431]],
  [`CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, ["CONNECT", "example.com:443", 405]],
  [`GET /ssh/box/session HTTP/1.1\r\n${HOST}${UPGRADE}\r\n`, ["GET", "/ssh/box/session", 423]],
  [`GET /proxy/api/x HTTP/1.1\r\n${HOST}${UPGRADE}\r\n`, ["GET", "/proxy/api/x", 423]],
  [`GET /health HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, ["GET", "/health", 200]],
];

test("the record has what a server answers, also past any response of HTTP", async () => {
  const directory = await temporaryDirectory();
  const answers = recordAnswers();
  const server = await startServer({ dataDir: directory.path, answers });
  try {
    for (const [bytes] of SENT) {
      const { hostname, port } = new URL(server.address);
      const socket = connect(Number(port), hostname);
      socket.end(bytes);
      await text(socket);
    }
    const lines = (await readFile(answers.environment.RECORDED_ANSWERS!, "utf8")).trim().split("\n");
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ method, target, status }) => [method, target, status])).toEqual([
      [undefined, undefined, undefined],
      ...SENT.map(([, expected]) => expected),
    ]);
  } finally {
    await server.stop();
    await directory.remove();
  }
});

test("a server whose answers nobody recorded fails", async () => {
  await expect(checkRecord(recordAnswers().environment.RECORDED_ANSWERS!)).rejects.toThrow("not recorded");
});
