import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { VaultClient } from "@vault-proxy/client";
import { expect, onTestFinished, test } from "vitest";

import { probeImap } from "./imap-probe.js";
import { probePostgres } from "./postgres-probe.js";
import { connectProbe, type ProbeLogin, type SessionProbe } from "./probe-connection.js";
import { probeRedis } from "./redis-probe.js";
import { probeSession } from "./session-probe.js";
import { probeSmtp } from "./smtp-probe.js";

const LOGIN = { username: "vault", password: "pw" };

/** Runs a probe against a far end that says `greeting`, and each of `answers` after something came, byte by byte. */
async function probe(
  run: SessionProbe,
  greeting: string,
  answers: readonly string[],
  login?: ProbeLogin,
  deadlineMs?: number,
): Promise<string> {
  let heard = "";
  const say = (socket: Socket, text: string): void => {
    const bytes = Buffer.from(text, "latin1");
    const step = bytes.length < 1000 ? 1 : bytes.length;
    for (let at = 0; at < bytes.length; at += step) socket.write(bytes.subarray(at, at + step));
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const left = [...answers];
    say(
      socket.on("error", () => undefined),
      greeting,
    );
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      const answer = left.shift();
      if (answer === "close") socket.destroy();
      else if (answer !== undefined) say(socket, answer);
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await connectProbe(`127.0.0.1:${port}`, (connection) => run(connection, login), deadlineMs);
  return heard;
}

function message(type: string, body: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return `${type}${length.toString("latin1")}${body}`;
}
const OK = message("R", "\0\0\0\0");
const READY = message("S", "a\0b\0") + message("Z", "I");

test.each<[string, SessionProbe, string, string[], ProbeLogin | undefined, RegExp]>([
  [
    "imap",
    probeImap,
    "* OK [X] hi\r\n",
    ["* CAPABILITY X\r\np0 OK in\r\n"],
    undefined,
    /^p0 LOGIN any any\r\n/,
  ],
  ["imap", probeImap, "* OK hi\r\n", ["p0 OK in\r\n"], LOGIN, /^p0 LOGIN vault pw\r\n/],
  ["smtp", probeSmtp, "220 here\r\n", ["221 bye\r\n"], undefined, /^QUIT\r\n$/],
  ["redis", probeRedis, "", ["+PONG\r\n"], undefined, /^\*1\r\n\$4\r\nPING\r\n$/],
  [
    "redis",
    probeRedis,
    "",
    ["+OK\r\n", "+PONG\r\n"],
    LOGIN,
    /^\*3\r\n\$4\r\nAUTH\r\n\$5\r\nvault\r\n\$2\r\npw\r\n/,
  ],
  ["redis", probeRedis, "", ["-NOPERM no\r\n"], undefined, /PING/],
  ["postgres", probePostgres, "", [OK + READY], undefined, /user\0any\0\0/],
])("%s: who is let in says so, and nothing more", async (_, run, greeting, answers, login, heard) => {
  expect(await probe(run, greeting, answers, login)).toMatch(heard);
});

test.each<[string, SessionProbe, string, string[]]>([
  ["imap", probeImap, "* BYE it is closed\r\n", []],
  ["imap", probeImap, "* OK hi\r\n", ["p0 NO [UNAVAILABLE] it is closed\r\n"]],
  ["imap", probeImap, "* OK hi\r\n", ["* BYE it is closed\r\n"]],
  ["smtp", probeSmtp, "421 4.3.0 it is closed\r\n", []],
  ["redis", probeRedis, "", ["-ERR it is closed\r\n"]],
  ["postgres", probePostgres, "", [message("E", "SFATAL\0C08001\0Mit is closed\0\0")]],
])("%s: a refusal is told in its words", async (_, run, greeting, answers) => {
  await expect(probe(run, greeting, answers)).rejects.toThrow(/^it is closed$/);
});

test.each<[string, SessionProbe, string, string[]]>([
  ["imap", probeImap, "* OK hi\r\n", ["close"]],
  ["smtp", probeSmtp, "220 here\r\n", ["close"]],
  ["redis", probeRedis, "", ["close"]],
  ["postgres", probePostgres, "", ["close"]],
])("%s: who is cut off is told so", async (_, run, greeting, answers) => {
  await expect(probe(run, greeting, answers)).rejects.toThrow("closed without an answer");
});

test.each<[string, SessionProbe, string]>([
  ["imap", probeImap, ""],
  ["smtp", probeSmtp, ""],
  ["redis", probeRedis, ""],
  ["postgres", probePostgres, "N\x7f\xff\xff\xff"],
])("%s: what has no end is not read to the end", async (_, run, begin) => {
  await expect(probe(run, begin + "x".repeat(70_000), [])).rejects.toThrow("more came than an answer");
});

test("whoever says nothing is not waited for beyond the deadline", async () => {
  await expect(probe(probeSmtp, "", [], undefined, 50)).rejects.toThrow("no answer came in time");
});

test("a message that is shorter than its own length is not PostgreSQL's", async () => {
  await expect(probe(probePostgres, "N\0\0\0\x03", [])).rejects.toThrow("not PostgreSQL's");
  await expect(probe(probePostgres, "R\0\0\0\x05x", [])).rejects.toThrow("not PostgreSQL's");
});

test("a password that was not told cannot be given", async () => {
  const sasl = message("R", "\0\0\0\x0aSCRAM-SHA-256\0\0");
  await expect(probe(probePostgres, "", [sasl])).rejects.toThrow("a password that it has not told");
});

test("where nobody listens, it is said whose port it is", async () => {
  await expect(
    connectProbe("127.0.0.1:1", (connection) => probeRedis(connection, undefined)),
  ).rejects.toMatchObject({
    message: "cannot connect to 127.0.0.1:1",
    hint: "sessions listen on the machine that the vault runs on",
  });
});

test("a session whose port cannot be reached is closed all the same", async () => {
  const calls: string[] = [];
  const answering = (url: string, init?: RequestInit): Promise<Response> => {
    calls.push(`${init?.method ?? ""} ${new URL(url).pathname}`);
    const opened = { id: "ses_1", addr: "127.0.0.1:1", expires_at: "2030-01-01T00:00:00Z", url: "redis://x" };
    return Promise.resolve(Response.json(opened));
  };
  const client = new VaultClient({ addr: "https://vault.example", fetch: answering as typeof fetch });
  await expect(probeSession(client, "redis", "cache")).rejects.toThrow("cannot connect");
  expect(calls).toEqual(["POST /redis/cache/session", "DELETE /sessions/ses_1"]);
});
