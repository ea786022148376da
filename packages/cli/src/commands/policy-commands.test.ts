import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { runProgram } from "../program.js";
import { ADMIN_TOKEN, startFakeVault, type FakeVault } from "../testing/fake-vault.js";

let vault: FakeVault;
let directory: string;
let file: string;
beforeAll(async () => {
  vault = await startFakeVault();
  directory = await mkdtemp(join(tmpdir(), "vault-cli-policy-"));
  file = join(directory, "p.yaml");
  await writeFile(file, "name: p\nrules:\n  - service: github\n    methods: [GET]\n    paths: ['/user']\n");
});
afterAll(async () => {
  await vault.stop();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  vault.answers.clear();
  vault.requests.length = 0;
});

const RULES = [{ service: "github", methods: ["GET"], paths: ["/user"] }];
const STORED = { name: "p", rules: RULES, version: 2, updated_at: "2030-01-01T00:00:00Z" };

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(words: readonly string[], input = ""): Promise<Run> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", vault.addr, ...words],
    env: { VAULT_TOKEN: ADMIN_TOKEN, NO_COLOR: "1" },
    stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    stdout,
    stderr,
  });
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) };
}
const lastBody = (): unknown => JSON.parse(vault.requests.at(-1)?.body ?? "") as unknown;

describe("policy", () => {
  test("add sends the file's text as it is, or standard input's", async () => {
    vault.answers.set("POST /policies", STORED);
    for (const [words, input] of [
      [["policy", "add", file], ""],
      [["policy", "add", "-"], "name: p\nrules: []\n"],
    ] as const) {
      const { code, stdout } = await run(words, input);
      expect([code, stdout]).toEqual([0, 'Policy "p" stored, version 2.\n']);
      expect(vault.requests.at(-1)?.headers["content-type"]).toBe("application/yaml");
    }
    expect(vault.requests.map(({ body }) => body.split("\n")[1])).toEqual(["rules:", "rules: []"]);
  });

  test("show prints what add takes", async () => {
    vault.answers.set("GET /policies/p", STORED);
    const { stdout, stderr } = await run(["policy", "show", "p"]);
    expect(stdout).toMatch(/^name: p\nrules:\n {2}- service: github\n/);
    expect(stdout).not.toContain("version");
    expect(stderr).toContain("version 2");
    expect(JSON.parse((await run(["policy", "show", "p", "--json"])).stdout)).toEqual(STORED);
  });

  test("list and remove", async () => {
    vault.answers.set("GET /policies", [STORED]);
    vault.answers.set("DELETE /policies/p?force=true", { status: "deleted" });
    expect(JSON.parse((await run(["policy", "list"])).stdout)).toEqual([STORED]);
    expect(await run(["policy", "remove", "p", "--yes", "--force"])).toMatchObject({
      ...{ code: 0, stdout: "Policy removed.\n" },
    });
  });

  test.each([
    [["p", "get", "github", "/user"], { policy: "p", service: "github", method: "GET", path: "/user" }],
    [
      ["p", "prod", "--action", "exec", "--command", "docker ps"],
      { policy: "p", service: "prod", action: "exec", command: "docker ps" },
    ],
    [["p", "db", "--action", "session"], { policy: "p", service: "db", action: "session" }],
  ])("test asks for %j, and exits by the verdict", async (words, question) => {
    vault.answers.set("POST /policies/test", { allowed: true, rule: "p/1" });
    expect(await run(["policy", "test", ...words])).toMatchObject({ code: 0, stdout: "allowed by p/1\n" });
    expect(lastBody()).toEqual(question);
    vault.answers.set("POST /policies/test", { allowed: false, reason: "no" });
    expect(await run(["policy", "test", ...words])).toMatchObject({ code: 1, stdout: "denied: no\n" });
  });

  test("test takes a file, and says what is wrong with it", async () => {
    vault.answers.set("POST /policies/test", { allowed: true, rule: "rules/1" });
    await run(["policy", "test", file, "GET", "github", "/user"]);
    expect(lastBody()).toMatchObject({ policy: { rules: RULES } });
    const bad = await run(
      ["policy", "test", "-", "GET", "a", "/"],
      "rules:\n  - service: a\n    paths: [x]\n",
    );
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/rules: 0: paths: 0: /);
    expect((await run(["policy", "test", file, "GET", "github"])).code).toBe(2);
  });
});

describe("the audit log", () => {
  const LATER_PAGE = "GET /audit?limit=1000&before=6&decision=allow";
  const now = Date.now();
  const entry = (seq: number, fields: object): object => ({
    ...{ seq, time: new Date(now - 60_000).toISOString(), action: "proxy", service: "github", method: "GET" },
    ...{ token: "tok_AbCdEfGh", token_name: "bot", decision: "allow", ...fields },
  });
  beforeEach(() => {
    const start = "GET /audit?limit=1000&decision=allow";
    vault.answers.set(start, {
      entries: [
        entry(9, { path: "/repos/acme/app/issues/12?page=***" }),
        entry(8, { path: "/repos/acme/app/issues/***" }),
        entry(7, { action: "unlock" }),
        entry(6, { path: "/elsewhere", token_name: "other" }),
      ],
      next: 6,
    });
    vault.answers.set(LATER_PAGE, {
      entries: [
        entry(5, { path: "/repos/acme/app/issues/13" }),
        entry(4, { action: "ssh.exec", service: "prod", details: { command: "docker ps" } }),
        entry(3, { path: "/old", time: new Date(now - 90_000_000).toISOString() }),
      ],
      next: 3,
    });
  });

  test("is what a policy is learned from: by pages, of one token, as far back as was asked", async () => {
    const { code, stdout, stderr } = await run(["policy", "learn", "--token", "bot", "--name", "triage"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name: triage\n/);
    expect(stdout).toContain("/repos/acme/app/issues/*");
    expect(stdout).toContain("docker ps");
    expect(stdout).not.toMatch(/elsewhere|old/);
    expect(stderr).toContain("learned of 3 uses");
    expect(stderr).toContain("of 1 use the audit log does not tell all");
  });

  test("is asked for one token by no more than what it has of that", async () => {
    const whole = `tok_AbCdEfGh${"x".repeat(35)}`;
    vault.answers.set("GET /audit?limit=1000&token=tok_AbCdEfGh&decision=allow", { entries: [] });
    const { code, stderr } = await run(["policy", "learn", "--token", whole]);
    expect(code).toBe(1);
    expect(stderr).toContain("nothing that this token did");
    expect(JSON.stringify(vault.requests.map(({ url }) => url))).not.toContain("x");
  });

  test("that cannot be read is told with what helps", async () => {
    vault.answers.clear();
    vault.locked = true;
    try {
      const { code, stderr } = await run(["policy", "learn", "--token", "bot"]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^error: vault is locked: run `.*unlock`\n$/),
      ]);
    } finally {
      vault.locked = false;
    }
  });

  test("counts for nothing where it has no MAC of the vault", async () => {
    const page = vault.answers.get(LATER_PAGE) as { entries: object[] };
    vault.answers.set(LATER_PAGE, {
      ...page,
      entries: page.entries.map((each) => ({ ...each, unverified: true })),
    });
    const learned = await run(["policy", "learn", "--token", "bot"]);
    expect(learned.stdout).not.toContain("docker ps");
    expect(learned.stderr).toContain("2 uses have no MAC of this vault");
    const tested = await run(["policy", "backtest", file, "--token", "bot", "--since", "24h"]);
    expect(tested.stdout).toContain("1 use: 0 allowed, 1 denied");
    expect(tested.stderr).toContain("2 uses have no MAC of this vault");
  });

  test("is not read for a policy whose name is none", async () => {
    const { code, stderr } = await run(["policy", "learn", "--token", "bot", "--name", "a/b"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('"a/b" is no name')]);
    expect(vault.requests).toEqual([]);
  });

  test("is what a policy is tested against", async () => {
    const answer = await run(["policy", "backtest", file, "--token", "bot", "--since", "24h"]);
    expect([answer.code, answer.stderr]).toEqual([1, expect.stringContaining("of 1 use")]);
    expect(answer.stdout.split("\n")).toEqual([
      "3 uses: 0 allowed, 3 denied",
      "1x prod exec docker ps",
      "1x GET github /repos/acme/app/issues/13",
      "1x GET github /repos/acme/app/issues/12",
      "",
    ]);
    vault.answers.set("GET /policies/all", { ...STORED, name: "all", rules: [{ service: "*" }] });
    expect(await run(["policy", "backtest", "all", "--since", "24h"])).toMatchObject({
      ...{ code: 0, stdout: "4 uses: 4 allowed, 0 denied\n" },
    });
  });
});

describe("token create and token child", () => {
  const FLAGS = ["--service", "github", "--method", "GET", "--path", "/repos/**", "--rate", "60/min"];
  const POLICY = {
    rules: [{ service: "github", methods: ["GET"], paths: ["/repos/**"] }],
    limits: { requests_per_minute: 60 },
  };
  const issued = { id: `tok_${"N".repeat(43)}`, scope: "proxy", created_at: "2030-01-01T00:00:00Z" };

  test.each([
    [[...FLAGS], POLICY],
    [["--policy", "triage-bot"], "triage-bot"],
    [
      ["--max-uses", "10", "--bytes-per-day", "1GB"],
      { rules: [{ service: "*" }], limits: { max_uses: 10, bytes_per_day: "1GB" } },
    ],
    [
      ["--service", "a", "--service", "b", "--action", "exec", "--command", "ls", "--cooldown", "30s"],
      { rules: [{ service: ["a", "b"], actions: ["exec"], commands: ["ls"], cooldown: "30s" }] },
    ],
    [
      [
        "--max-concurrent",
        "2",
        "--valid-from",
        "2030-01-01T00:00:00Z",
        "--valid-until",
        "2031-01-01T00:00:00Z",
      ],
      {
        rules: [{ service: "*" }],
        limits: { max_concurrent: 2 },
        valid: { from: "2030-01-01T00:00:00Z", until: "2031-01-01T00:00:00Z" },
      },
    ],
  ])("%j is a policy", async (flags, policy) => {
    const { code, stdout } = await run(["token", "create", "--name", "bot", ...flags]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^tok_\w{43}\n$/);
    expect(lastBody()).toEqual({ scope: "proxy", name: "bot", policy });
  });

  test("child hands on a part, from options or a file", async () => {
    vault.answers.set("POST /tokens/self/children", { ...issued, policy: POLICY });
    const { stdout, stderr } = await run(["token", "child", "--ttl", "5m", ...FLAGS]);
    expect(stdout).toBe(`${issued.id}\n`);
    expect(stderr).toContain("with rules of its own");
    expect(lastBody()).toEqual({ ttl: "5m", policy: POLICY });
    await run(["token", "child", "--policy-file", file]);
    expect(lastBody()).toEqual({ policy: { rules: RULES } });
    await run(["token", "child"]);
    expect(lastBody()).toEqual({});
  });

  test.each([
    [["--method", "GET"], "a rule needs its service"],
    [["--policy", "p", "--rate", "60/min"], "do not go together"],
    [["--policy-file", "p.yaml", "--service", "a"], "says all of the policy"],
    [["--rate", "60"], "Write it as 60/min"],
    [["--max-uses", "0"], "whole number from 1"],
    [["--action", "fly"], "exec, upload, download or session"],
  ])("%j is wrong usage, and sends nothing", async (flags, message) => {
    const { code, stderr } = await run(["token", "create", ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(vault.requests).toEqual([]);
  });
});
