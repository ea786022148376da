import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startServer, temporaryDirectory } from "../live/processes.js";
import { checkRecord, RECORDER, recordAnswers } from "./recorded-answers.js";

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

/** A server that answers in every way that Node has, asks itself, and ends: as a program that the recorder takes for the vault. */
const ANSWERS_IN_ALL_WAYS = `
const http = require("node:http");
const { once } = require("node:events");
const OWN = ["X-Vault-Error", "not_found"];
const ways = {
  "/long": (response) => { response.write("x".repeat(200_000)); response.end("y".repeat(100_000)); },
  "/bytes": (response) => { response.setHeader("Content-Type", "image/png"); response.end("bytes"); },
  "/past": (response) => http.OutgoingMessage.prototype.end.call(response, "past"),
  "/proxy/api/theirs": (response) => response.end("theirs"),
  "/proxy/api/set": (response) => { response.setHeader(...OWN); response.end("set"); },
  "/proxy/api/named": (response) => response.writeHead(404, { [OWN[0]]: OWN[1] }).end("named"),
  "/proxy/api/flat": (response) => response.writeHead(404, "Not Found", ["A", "b", ...OWN]).end("flat"),
  "/proxy/api/pairs": (response) => response.writeHead(404, [["A", "b"], OWN]).end("pairs"),
};
const upgrades = {
  "/ssh/box/session": "",
  "/proxy/api/socket": "X-Vault-Request-Id: r\\r\\n",
  "/proxy/api/refused": "X-Vault-Request-Id: r\\r\\nX-Vault-Error: not_found\\r\\n",
};
const server = http.createServer((request, response) => ways[request.url](response));
server.on("upgrade", (request, socket) => socket.end("HTTP/1.1 404 Not Found\\r\\n" + upgrades[request.url] + "\\r\\n"));
server.listen(0, "127.0.0.1", async () => {
  const { port } = server.address();
  for (const path of Object.keys(ways)) await (await fetch("http://127.0.0.1:" + port + path)).text();
  for (const path of Object.keys(upgrades)) {
    const headers = { Connection: "Upgrade", Upgrade: "websocket" };
    const [answer] = await once(http.get({ port, path, headers, agent: false }), "response");
    answer.resume();
  }
  process.exit();
});
`;

test("answers are seen however they are given, and one that is not seen is told; those of a service are no answers", async () => {
  const directory = await temporaryDirectory();
  try {
    const record = join(directory.path, "record");
    for (const name of ["another-program", "vault-server"]) {
      const program = join(directory.path, name);
      await writeFile(program, ANSWERS_IN_ALL_WAYS);
      await promisify(execFile)(process.execPath, ["--import", RECORDER, program], {
        env: { ...process.env, RECORDED_ANSWERS: record },
      });
    }
    const [first, ...lines] = (await readFile(record, "utf8")).trim().split("\n");
    expect(first).toBe('{"recording":true}');
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ target, status, body, unseen }) => [target ?? unseen, status, body])).toEqual([
      ["/long", 200, undefined],
      ["/bytes", 200, undefined],
      ["/past", undefined, undefined],
      ["/proxy/api/set", 200, "set"],
      ["/proxy/api/named", 404, "named"],
      ["/proxy/api/flat", 404, "flat"],
      ["/proxy/api/pairs", 404, "pairs"],
      ["/proxy/api/refused", 404, ""],
    ]);
  } finally {
    await directory.remove();
  }
});

test("what was not seen fails, five of them told; the half of a line that a killed server left does not", async () => {
  const directory = await temporaryDirectory();
  const judged = async (content: string): Promise<string> => {
    const path = join(directory.path, "record");
    await writeFile(path, content);
    return checkRecord(path).then(
      () => "well",
      (error: unknown) => (error as Error).message,
    );
  };
  try {
    const recording = '{"recording":true}\n';
    const unseen = Array.from({ length: 7 }, (_, at) => `{"unseen":"/${String(at)}"}\n`).join("");
    const told = await judged(recording + unseen);
    expect(told.split("\n").slice(1)).toEqual(
      ["/0", "/1", "/2", "/3", "/4"].map((path) => `an answer to ${path} was not recorded`),
    );
    expect(await judged(`${recording}{"method":"GE`)).toBe("well");
    expect(await judged(`{"method":"GE${recording}`)).toBe("well");
    expect(await judged(`{"method":"GE\n`)).toContain("not recorded");
  } finally {
    await directory.remove();
  }
});
