import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cli,
  startServer,
  temporaryDirectory,
  type CliResult,
  type RunningServer,
} from "../live/processes.js";
import { addService, call, unlock } from "../live/vault-calls.js";
import { startDovecot, type RunningDovecot } from "../real-servers/dovecot.js";
import { freePorts } from "../real-servers/loopback-ports.js";
import { MAIL_PASSWORDS, OAUTH_USER } from "../real-servers/mail-users.js";
import { startPostfix, type RunningPostfix } from "../real-servers/postfix.js";
import { POSTGRES_USERS, startPostgres, type RunningPostgres } from "../real-servers/postgresql.js";
import { REDIS_USERS, startRedis, type RunningRedis } from "../real-servers/redis.js";

/*
 * `vault-cli service add|list|show|test` of mail servers and databases, with the built programs and the real servers.
 */

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let dovecot: RunningDovecot;
let postfix: RunningPostfix;
let postgres: RunningPostgres;
let redis: RunningRedis;
let admin: string;

const USER = "quotes@mail.test";

beforeAll(async () => {
  directory = await temporaryDirectory();
  [dovecot, postfix, postgres, redis, server] = await Promise.all([
    startDovecot(),
    startPostfix(),
    startPostgres(),
    startRedis(),
    startServer({ dataDir: join(directory.path, "data") }),
  ]);
  admin = await unlock(server);
});
afterAll(async () => {
  await server.stop();
  await Promise.all([dovecot.stop(), postfix.stop(), postgres.stop(), redis.stop()]);
  await directory.remove();
});

function run(args: readonly string[], stdin = ""): Promise<CliResult> {
  return cli(args, { stdin, env: { HOME: directory.path, VAULT_ADDR: server.address, VAULT_TOKEN: admin } });
}

async function succeed(args: readonly string[], stdin = ""): Promise<CliResult> {
  const result = await run(args, stdin);
  expect(result, `${args.join(" ")}: ${result.stderr}`).toMatchObject({ code: 0 });
  return result;
}

interface Kind {
  readonly flags: () => string[];
  readonly password: string;
  readonly port: () => number;
}

const REDIS: Kind = {
  flags: () => ["--user", "app_user", "--tls-ca", redis.caPath, "--tls", "on", "--database", "3"],
  password: REDIS_USERS.app_user.password,
  port: () => redis.tlsPort,
};

const KINDS: Readonly<Record<string, Kind>> = {
  imap: {
    flags: () => ["--user", USER, "--tls-ca", dovecot.caPath],
    password: MAIL_PASSWORDS[USER],
    port: () => dovecot.tlsPort,
  },
  smtp: {
    flags: () => ["--user", USER, "--tls-ca", postfix.caPath, "--tls", "implicit", "--auth", "login"],
    password: MAIL_PASSWORDS[USER],
    port: () => postfix.tlsPort,
  },
  redis: REDIS,
  postgres: {
    flags: () => ["--user", "scram_user", "--tls-ca", postgres.caPath(), "--database", "app"],
    password: POSTGRES_USERS.scram_user.password,
    port: () => postgres.port,
  },
};

async function openSessions(): Promise<unknown> {
  return (await call(server.address, "GET", "/sessions", { token: admin })).json;
}

function add(
  name: string,
  type: string,
  { port, flags, password }: Kind,
  more: readonly string[] = [],
): Promise<CliResult> {
  const place = ["--host", `127.0.0.1:${port()}`, "--allow-private"];
  const args = [
    "service",
    "add",
    name,
    "--type",
    type,
    ...place,
    ...flags(),
    ...more,
    "--replace",
    "--secret-stdin",
  ];
  return succeed(args, `${password}\n`);
}

describe.each(Object.entries(KINDS))("a service of type %s", (type, kind) => {
  test("is stored by flags, listed with its server, and logged in to by service test", async () => {
    await add(type, type, kind);
    const address = `127.0.0.1:${kind.port()}`;
    const [listed, shown, tested] = await Promise.all([
      succeed(["service", "list"]),
      succeed(["service", "show", type]),
      succeed(["service", "test", type]),
    ]);
    expect(listed.stdout).toContain(`  ${type.padEnd(20)} ${address} (${type})\n`);
    expect(shown.stdout).toMatch(new RegExp(`^${type}_port: +${kind.port()}$`, "m"));
    expect(shown.stdout).not.toContain(kind.password);
    expect(tested.stdout).toBe(`${type}: ok (logged in to ${address})\n`);
    expect(await openSessions()).toEqual([]);
  });

  test("is logged in to with the session's own password where the service wants one", async () => {
    await add(`${type}-careful`, type, kind, ["--require-password", "--max-connections", "5"]);
    expect(JSON.parse((await succeed(["service", "test", `${type}-careful`, "--json"])).stdout)).toEqual({
      ok: true,
    });
  });

  test("fails its test in the words of the session when the password is wrong, or nobody listens", async () => {
    const [nobody = 0] = await freePorts(1);
    await Promise.all([
      add("wrong", type, { ...kind, password: "not-the-password" }),
      add("gone", type, { ...kind, port: () => nobody }, ["--require-password"]),
    ]);
    const [wrong, gone] = await Promise.all([
      run(["service", "test", "wrong"]),
      run(["service", "test", "gone", "--json"]),
    ]);
    expect(wrong).toEqual({
      ...{ code: 1, stdout: "" },
      stderr: "error: wrong: the server refused the stored credential\n",
    });
    expect([gone.code, JSON.parse(gone.stdout)]).toEqual([
      1,
      { ok: false, error: "the upstream refused the connection" },
    ]);
    expect(await openSessions()).toEqual([]);
  });
});

test("the session settings of a service are stored and shown", async () => {
  const settings = [
    "--require-password",
    "--max-connections",
    "5",
    "--any-local-user",
    "--idle-timeout",
    "10m",
  ];
  await add("careful", "redis", REDIS, settings);
  expect(JSON.parse((await succeed(["service", "show", "careful", "--json"])).stdout)).toMatchObject({
    ...{ require_password: true, max_connections: 5, any_local_user: true, idle_timeout: "10m" },
  });
});

test("the access token of another service logs in, and no password is asked for", async () => {
  const token = "ya29.a-token-of-the-provider";
  dovecot.tokens.set(token, OAUTH_USER);
  postfix.tokens.set(token, OAUTH_USER);
  const mail = ["--user", OAUTH_USER, "--oauth-service", "gmail", "--allow-private"];
  const imap = ["--type", "imap", "--host", `127.0.0.1:${dovecot.tlsPort}`, "--tls-ca", dovecot.caPath];
  const smtp = ["--type", "smtp", "--host", `127.0.0.1:${postfix.tlsPort}`, "--tls-ca", postfix.caPath];
  await succeed(["service", "add", "gmail-imap", ...imap, ...mail]);
  await succeed(["service", "add", "gmail-smtp", ...smtp, "--tls", "implicit", ...mail]);
  expect(await run(["service", "test", "gmail-imap"])).toMatchObject({
    code: 1,
    stderr: "error: gmail-imap: oauth_service names no service that has an access token\n",
  });

  const auth = {
    ...{
      type: "oauth2_client",
      client_id: "c",
      client_secret: "s",
      token_url: "https://id.example.com/token",
    },
    ...{ refresh_token: "r", access_token: token, expires_at: Math.ceil(Date.now() / 1000) + 3600 },
  };
  await addService(server, admin, { name: "gmail", base_url: "https://gmail.googleapis.com", auth });
  const tested = await Promise.all(
    ["gmail-imap", "gmail-smtp"].map((name) => succeed(["service", "test", name])),
  );
  expect(tested.map(({ stdout }) => stdout).join("")).toMatch(/^gmail-imap: ok .*\ngmail-smtp: ok .*\n$/);
});

test("what the vault refuses, it refuses in its own words, and what would help is said", async () => {
  const flags = ["--type", "redis", "--host", "127.0.0.1", "--secret-stdin"];
  expect(await run(["service", "add", "here", ...flags], "x\n")).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "error: --host: address not allowed: 127.0.0.1: --allow-private allows private addresses and this machine's own\n",
  });
});

test("without a terminal, what is missing is said, and a flag of another type by its name", async () => {
  const missing = await run(["service", "add", "--type", "postgres", "--secret-stdin"]);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toMatch(/^error: missing: a name, --host, --user\n/);
  const other = await run(["service", "add", "x", "--type", "redis", "--base-url", "https://x"]);
  expect(other.code).toBe(2);
  expect(other.stderr).toContain("--base-url is for services of HTTP calls, not for --type redis");
});

test("how many clients a session takes is told as the service has it", async () => {
  await add("many", "redis", REDIS, ["--max-connections", "5"]);
  const several = await succeed(["redis", "many", "--url"]);
  expect(several.stderr).toMatch(/^Good for 5 clients at a time until \d\d:\d\d:\d\d\.\n$/);
  expect((await succeed(["redis", "many", "--max-connections", "1"])).stderr).toMatch(/^Good for one client/);
});

test("service test of a database takes no path", async () => {
  await add("redis", "redis", REDIS);
  const result = await run(["service", "test", "redis", "--path", "/x"]);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("--path is for services of HTTP calls, not of redis");
});

test("what a whole service says in JSON is taken as it is", async () => {
  const file = join(directory.path, "orders.json");
  const auth = {
    type: "postgres",
    postgres_host: "db.example.com",
    postgres_user: "a",
    postgres_password: "p",
  };
  writeFileSync(file, JSON.stringify({ name: "orders", auth }));
  await succeed(["service", "add", "--from-json", file]);
  expect((await succeed(["service", "list"])).stdout).toContain(" db.example.com:5432 (postgres)\n");
});
