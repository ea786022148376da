import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { call } from "../live/vault-calls.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

const MEBIBYTE = 1024 * 1024;
const NDJSON = "application/x-ndjson";

let vault: SshVault;
let sshd: RunningSshd;
let forced: RunningSshd;

beforeAll(async () => {
  const key = await makeSshKey();
  const authorizedKeys = [key.publicLine];
  [vault, sshd, forced] = await Promise.all([
    startSshVault(),
    startSshd({ login: "key", authorizedKeys }),
    startSshd({ login: "key", authorizedKeys, forcedCommand: 'echo "asked: $SSH_ORIGINAL_COMMAND"' }),
  ]);
  await vault.addService("box", sshd, { key });
  await vault.addService("forced", forced, { key });
  const auth = { ssh_allowed_commands: ["printf '[%s]'", "ls -l", "cat"] };
  await vault.addService("bound", sshd, { key, auth });
});

afterAll(async () => {
  await vault.close();
  await Promise.all([sshd.stop(), forced.stop()]);
});

interface Streamed {
  readonly type: string;
  readonly data?: string;
  readonly data_base64?: string;
  readonly [field: string]: unknown;
}

/** Runs a command with its output as it comes: each line with the milliseconds after which it came. */
async function stream(
  command: string,
  more: object = {},
  onLine?: (line: Streamed) => void,
): Promise<{ status: number; lines: (Streamed & { at: number })[] }> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(`${vault.server.address}/ssh/box/exec`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${vault.token}`,
        "Content-Type": "application/json",
        Accept: NDJSON,
      },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const lines: (Streamed & { at: number })[] = [];
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        const whole = (rest + text).split("\n");
        rest = whole.pop() ?? "";
        for (const line of whole) {
          const parsed = JSON.parse(line) as Streamed;
          lines.push({ ...parsed, at: performance.now() - startedAt });
          onLine?.(parsed);
        }
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, lines }));
      response.on("error", reject);
    });
    sent.end(JSON.stringify({ command, ...more }));
  });
}

describe("a command", () => {
  test("runs with its output and exit code apart", async () => {
    const answer = await vault.exec("box", "echo out; echo err >&2; exit 3");
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toEqual({
      ...{ stdout: "out\n", stderr: "err\n", exit_code: 3, truncated: false },
      duration_ms: expect.any(Number) as number,
    });
    expect(answer.headers["x-vault-error"]).toBeUndefined();
  });

  test("that a signal ended says which", async () => {
    const answer = await vault.exec("box", "kill -TERM $$");
    expect(answer.json).toMatchObject({ exit_code: 143, signal: "TERM" });
  });

  test("gets what it is to read, and then the end of it", async () => {
    const text = await vault.exec("box", "wc -c", { stdin: "grüße" });
    expect(text.json).toMatchObject({ stdout: "7\n" });
    const bytes = await vault.exec("box", "od -An -tx1", { stdin_base64: "AP8K" });
    expect(bytes.json).toMatchObject({ stdout: " 00 ff 0a\n" });
    const nothing = await vault.exec("box", "wc -c");
    expect(nothing.json).toMatchObject({ stdout: "0\n" });
  });

  test("may put out bytes that are no text", async () => {
    const answer = await vault.exec("box", "printf 'a\\377b'; printf '\\000\\303' >&2");
    expect(answer.json).toMatchObject({
      ...{ stdout: "a\u{fffd}b", stdout_base64: "Yf9i" },
      ...{ stderr: "\0\u{fffd}", stderr_base64: "AMM=" },
    });
  });

  test("is cut off at 10 MB of each stream, says so, and still ends by itself", async () => {
    const answer = await vault.exec(
      "box",
      "head -c 10485760 /dev/zero; head -c 10485761 /dev/zero >&2; exit 7",
    );
    const json = answer.json as { stdout: string; stderr: string };
    expect([json.stdout.length, json.stderr.length]).toEqual([10 * MEBIBYTE, 10 * MEBIBYTE]);
    expect(answer.json).toMatchObject({ truncated: true, exit_code: 7 });
    const whole = await vault.exec("box", "head -c 10485760 /dev/zero");
    expect(whole.json).toMatchObject({ truncated: false });
  });

  test("that is still running at its time-out is ended, with what it started", async () => {
    const answer = await vault.exec("box", "trap '' TERM; sleep 600 & sleep 600", { timeout: 0.3 });
    expect(answer.status).toBe(504);
    expect(answer.json).toMatchObject({ code: "upstream_timeout" });
    expect(answer.headers["x-vault-error"]).toBe("upstream_timeout");
    await expect.poll(() => sshd.commands()).toEqual([]);
  });

  test("that ends when it is asked to is not waited for", async () => {
    const startedAt = performance.now();
    expect((await vault.exec("box", "sleep 600", { timeout: 0.2 })).status).toBe(504);
    expect(performance.now() - startedAt).toBeLessThan(1500);
  });

  test("is ended when its caller goes away", async () => {
    const gone = new AbortController();
    const sent = fetch(`${vault.server.address}/ssh/box/exec`, {
      method: "POST",
      headers: { Authorization: `Bearer ${vault.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ command: "sleep 600" }),
      signal: gone.signal,
    });
    await expect.poll(() => sshd.commands().length).toBeGreaterThan(0);
    gone.abort();
    await expect(sent).rejects.toThrow();
    await expect.poll(() => sshd.commands()).toEqual([]);
  });

  test("runs beside 19 others on as few connections as the server takes", async () => {
    const before = sshd.connectionCount();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => vault.exec("box", `sleep 0.2; echo ${index}`)),
    );
    expect(answers.map(({ json }) => json)).toMatchObject(
      answers.map((_, index) => ({ stdout: `${index}\n`, exit_code: 0 })),
    );
    // OpenSSH takes ten sessions a connection by default, and one connection was there before.
    expect(sshd.connectionCount() - before).toBeLessThanOrEqual(1);
  });

  test("takes what a service forces in its place", async () => {
    const answer = await vault.exec("forced", "rm -rf /; 'x'");
    expect(answer.json).toMatchObject({ stdout: "asked: rm -rf /; 'x'\n" });
  });

  test.each([
    ["no command", {}, "command"],
    ["an empty one", { command: "" }, "command"],
    ["a NUL, which no server takes", { command: "id\0" }, "command"],
    ["half a character", { command: "\ud800" }, "command"],
    ["one that is too long", { command: "x".repeat(128 * 1024 + 1) }, "command"],
    ["no time at all", { command: "id", timeout: 0 }, "timeout"],
    ["more time than there is", { command: "id", timeout: 301 }, "timeout"],
    ["a time in words", { command: "id", timeout: "30s" }, "timeout"],
    ["two inputs", { command: "id", stdin: "", stdin_base64: "" }, "stdin"],
    ["an input that is not base64", { command: "id", stdin_base64: "*" }, "stdin_base64"],
    ["an unknown field", { command: "id", cmd: "id" }, "cmd"],
  ])("is refused with %s", async (_, body, field) => {
    const answer = await vault.post("/ssh/box/exec", body);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      code: "invalid_request",
      error: expect.stringContaining(field) as string,
    });
  });

  test("for a service that is none, or of another type, is refused", async () => {
    expect((await vault.exec("nowhere", "id")).status).toBe(404);
    const web = {
      name: "web",
      base_url: "https://api.example.com",
      auth: { type: "bearer", token: "t-123456789" },
    };
    expect((await vault.post("/services", web, { token: vault.admin })).status).toBe(201);
    const answer = await vault.exec("web", "id");
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: "service web is of type bearer, not ssh_key" });
    const proxied = await call(vault.server.address, "GET", "/proxy/box/x", { token: vault.token });
    expect(proxied.status).toBe(400);
  });

  test("wants a token before anything else", async () => {
    const answer = await call(vault.server.address, "POST", "/ssh/nowhere/exec", { body: "{" });
    expect(answer.status).toBe(401);
    expect(answer.headers["x-vault-error"]).toBe("unauthorized");
  });
});

describe("a command's output as it comes", () => {
  test("arrives line by line, while the command runs", async () => {
    const { lines } = await stream("for i in 1 2 3; do echo $i; sleep 0.3; done; echo bad >&2; exit 4");
    expect(lines.map(({ type, data }) => [type, data])).toEqual([
      ["stdout", "1\n"],
      ["stdout", "2\n"],
      ["stdout", "3\n"],
      ["stderr", "bad\n"],
      ["exit", undefined],
    ]);
    const [first, , third] = lines;
    expect((third?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(450);
    expect(lines.at(-1)).toMatchObject({ exit_code: 4, truncated: false });
  });

  test("keeps characters whole, and gives bytes that are no text as they are", async () => {
    const { lines } = await stream("printf '\\303'; sleep 0.2; printf '\\274x'; sleep 0.2; printf '\\377'");
    expect(lines.slice(0, -1).map(({ data, data_base64 }) => data ?? data_base64)).toEqual(["üx", "/w=="]);
  });

  test("is whole on both streams, also when the process ends long before all of it is read", async () => {
    for (let turn = 0; turn < 5; turn += 1) {
      const { lines } = await stream("head -c 3000000 /dev/zero | tr '\\0' e >&2; printf x");
      const count = (type: string): number =>
        lines.filter((line) => line.type === type).reduce((sum, { data = "" }) => sum + data.length, 0);
      expect([count("stdout"), count("stderr")]).toEqual([1, 3_000_000]);
      expect(lines.at(-1)).toMatchObject({ type: "exit", exit_code: 0, truncated: false });
    }
  });

  test("does not begin before the command does", async () => {
    const answer = await call(vault.server.address, "POST", "/ssh/bound/exec", {
      token: vault.token,
      headers: { "Content-Type": "application/json", Accept: NDJSON },
      body: JSON.stringify({ command: "id" }),
    });
    expect(answer.status).toBe(403);
  });

  test("ends with the error if the command took too long", async () => {
    const { status, lines } = await stream("echo begun; sleep 600", { timeout: 0.3 });
    expect(status).toBe(200);
    expect(lines).toMatchObject([
      { type: "stdout", data: "begun\n" },
      { type: "error", code: "upstream_timeout" },
    ]);
  });
});

describe("an allow-list", () => {
  test.each([
    ["the entry itself", "ls -l", 0],
    ["further words", "printf '[%s]' a b", "[a][b]"],
    ["words in other quotes", `printf "[%s]" 'a b'`, "[a b]"],
    ["what a shell would expand, as it is", "printf '[%s]' * ~ {a,b} #", "[*][~][{a,b}][#]"],
    [
      "specials in single quotes",
      `printf '[%s]' '; & | < > ( ) $(id) \\ \`id\`'`,
      "[; & | < > ( ) $(id) \\ `id`]",
    ],
  ])("admits %s", async (_, command, expected) => {
    const answer = await vault.exec("bound", command);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toMatchObject({
      exit_code: 0,
      ...(expected === 0 ? {} : { stdout: expected }),
    });
  });

  const tricks: [string, string, string?][] = [
    ["another command", "id"],
    ["less than an entry", "ls"],
    ["a word that goes on", "ls -la"],
    ["a program's path", "/bin/ls -l"],
    [";", "ls -l; id", "id"],
    ["; without a blank", "ls -l;id", "id"],
    ["&&", "ls -l && id", "id"],
    ["||", "ls -l || id"],
    ["&", "ls -l & id", "id"],
    ["|", "ls -l | id", "id"],
    ["backticks", "ls -l `id -u`0"],
    ["$()", "ls -l $(id -u)0"],
    ["a variable", "printf '[%s]' $HOME"],
    ["a newline", "ls -l\nid", "id"],
    ["a carriage return", "ls -l\rid"],
    [">", "printf '[%s]' x > out"],
    ["<", "cat < /etc/hostname"],
    ["a substitution in double quotes", 'printf "$(id)"'],
    ["a variable in double quotes", 'printf "[%s]" "$HOME"'],
    ["; in double quotes", 'printf "[%s]" "a;b"'],
    ["an assignment before it", "A=1 ls -l"],
    ["a subshell", "(ls -l)"],
    ["an escaped letter", "l\\s -l"],
    ["an open quote", "ls -l 'a"],
    ["a fullwidth semicolon", "ls -l \uff1b id"],
    ["a Greek question mark", "ls -l \u037e id"],
    ["a no-break space", "ls\u00a0-l"],
    ["a zero-width space", "ls\u200b -l"],
    ["curly quotes", "printf \u2018[%s]\u2019 a"],
    ["a right-to-left override", "ls -l \u202e di"],
  ];

  test.each(tricks)("refuses %s", async (_, command) => {
    const answer = await vault.exec("bound", command);
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({ code: "forbidden" });
  });

  test.each(tricks)("not set passes %s on as it is", async (_, command) => {
    const answer = await vault.exec("forced", command);
    // The shell of the forced command echoes what it was asked; it reads a carriage return as any other character.
    expect(answer.json).toMatchObject({ stdout: `asked: ${command}\n` });
  });

  test.each([
    [["ls; id"], "ssh_allowed_commands"],
    [[""], "ssh_allowed_commands"],
    [["A=1 ls"], "ssh_allowed_commands"],
    [[], "ssh_allowed_commands"],
  ])("cannot hold %j", async (entries, field) => {
    const answer = await vault.define("never", sshd, { auth: { ssh_allowed_commands: entries } });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: expect.stringContaining(field) as string });
  });
});
