import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";

import { runProgram } from "./program.js";
import { ADMIN_TOKEN } from "./testing/fake-vault.js";

const EVIL = "\u001b]0;evil\u0007\r\u007f\u009b2J\u202e";

/** The C0 controls but the line feed, DEL, C1, and what changes the direction of text. */
const MOVES_CURSOR = /[^\P{Cc}\n]|\p{Cf}/u;

/** Runs a command line in this process against whoever answers so. */
async function runAgainst(
  answer: { status?: number; body: unknown; services?: unknown },
  words: readonly string[],
  terminal = false,
) {
  const server = createServer((request, response) => {
    response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
    const isList = request.method === "GET" && request.url === "/services";
    const body = isList ? (answer.services ?? answer.body) : answer.body;
    request.resume().on("end", () => response.end(JSON.stringify(body)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const addr = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stdout = Object.assign(new PassThrough(), { isTTY: terminal });
  const stderr = new PassThrough();
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", addr, ...words],
    env: { VAULT_TOKEN: ADMIN_TOKEN, NO_COLOR: "1" },
    stdin: Readable.from([]),
    stdout,
    stderr,
  });
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) };
}

/** None that touches the session file, which here is the tester's own. */
const COMMANDS = [
  "health",
  "service list",
  "service show x",
  "service test x",
  "service remove x --yes",
  "token create",
  "token list",
  "token resume x",
  "file list",
];

const EVIL_FIELDS = {
  name: EVIL,
  base_url: EVIL,
  auth_type: EVIL,
  [EVIL]: [EVIL],
  status: EVIL,
  id: EVIL,
  id_prefix: EVIL,
  scope: EVIL,
  created_at: EVIL,
  expires_at: EVIL,
  suspended_at: EVIL,
  mime_type: EVIL,
  size: 1,
};

describe.each(COMMANDS)("%s", (line) => {
  const words = line.split(" ");

  test.each([
    ["an error", { status: 400, body: { error: EVIL, code: EVIL } }],
    ["an object", { body: EVIL_FIELDS }],
    ["a list", { body: [EVIL_FIELDS] }],
  ])("shows no control character of %s", async (_, answer) => {
    for (const args of [words, [...words, "--json"]]) {
      for (const terminal of [true, false]) {
        const { stdout, stderr } = await runAgainst(answer, args, terminal);
        expect(stdout + stderr).not.toBe("");
        expect(stdout + stderr).not.toMatch(MOVES_CURSOR);
      }
    }
  });

  test.each([
    [[{ name: 5 }, null]],
    [[null]],
    [{ name: {}, id: {}, status: {} }],
    [null],
    [
      {
        name: "x",
        auth_type: "x",
        id: ADMIN_TOKEN,
        scope: { toString: 1 },
        status: "locked",
        expires_at: 1e300,
      },
    ],
    [
      {
        name: "x",
        auth_type: "x",
        scopes: [{ toString: 1 }],
        id: ADMIN_TOKEN,
        scope: "x",
        expires_at: { toString: 1 },
      },
    ],
  ])("takes %j for no bug of its own", async (body) => {
    for (const terminal of [true, false]) {
      const { stderr } = await runAgainst({ body }, words, terminal);
      expect(stderr).not.toContain("internal error");
    }
  });
});

test("a list of odd shapes is told as no vault's", async () => {
  const { code, stderr } = await runAgainst({ body: [{ name: 5 }, null] }, ["service", "list", "--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stderr)).toMatchObject({ code: "invalid_answer" });
});

test("a warning shows no control character, and one that is none is no bug of this program", async () => {
  const file = join(await mkdtemp(join(tmpdir(), "vault-cli-")), "service.json");
  onTestFinished(() => rm(dirname(file), { recursive: true }));
  await writeFile(file, '{"name":"x","auth":{"type":"bearer"}}');
  const words = ["service", "add", "--from-json", file];
  const service = { name: "x", auth_type: "x" };
  const warned = await runAgainst({ body: { ...service, warnings: [EVIL] }, services: [] }, words, true);
  expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining("evil") as string });
  expect(warned.stderr).not.toMatch(MOVES_CURSOR);
  const odd = await runAgainst({ body: { ...service, warnings: {} }, services: [] }, words);
  expect(odd).toMatchObject({ code: 1, stdout: "" });
  expect(odd.stderr).not.toContain("internal error");
});

test("what is no token id is not printed as one", async () => {
  for (const id of ["tok_x; reboot", `${ADMIN_TOKEN}\n`, "$(reboot)"]) {
    for (const flags of [[], ["--json"]]) {
      const body = { id, scope: "proxy" };
      const { code, stdout, stderr } = await runAgainst({ body }, ["token", "create", ...flags]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain("the answer holds no token of a vault-server");
    }
  }
});
