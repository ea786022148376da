import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonCommand } from "../../scripts/python-environment.mjs";
import { cleanEnvironment } from "../live/processes.js";
import { REDIS_DATABASES, REDIS_PASSWORD, REDIS_USERS, startRedis, type RunningRedis } from "./redis.js";

const run = promisify(execFile);

let server: RunningRedis;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(async () => {
  await server.stop();
});

interface Login {
  readonly user?: string;
  readonly password?: string;
  readonly tls: boolean;
  readonly to?: RunningRedis;
}

/** ioredis (RESP2) logs in and asks who it is. */
async function logIn({ user, password, tls, to = server }: Login): Promise<unknown> {
  const client = new Redis({
    host: "127.0.0.1",
    port: tls ? to.tlsPort : to.port,
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: { ca: to.ca } } : {}),
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  const failure = new Promise<never>((_resolve, reject) => client.on("error", reject));
  try {
    await Promise.race([client.connect(), failure]);
    return await Promise.race([client.call("ACL", "WHOAMI"), failure]);
  } finally {
    client.disconnect();
  }
}

describe.each([
  { user: undefined, password: REDIS_PASSWORD },
  { user: "default", password: REDIS_PASSWORD },
  { user: "admin_user", password: REDIS_USERS.admin_user.password },
  { user: "app_user", password: REDIS_USERS.app_user.password },
])("the user $user", ({ user, password }) => {
  const login = { password, ...(user === undefined ? {} : { user }) };

  test.each([true, false])("logs in, with TLS: %s", async (tls) => {
    expect(await logIn({ ...login, tls })).toBe(user ?? "default");
  });

  test.each([true, false])("is refused with a wrong password, with TLS: %s", async (tls) => {
    await expect(logIn({ ...login, tls, password: "wrong" })).rejects.toThrow(/WRONGPASS/);
  });
});

test("nobody gets in without a password, unless the server requires none", async () => {
  await expect(logIn({ tls: false })).rejects.toThrow(/NOAUTH/);
  const open = await startRedis({ requirePassword: false });
  try {
    expect(await logIn({ tls: false, to: open })).toBe("default");
    expect(await logIn({ tls: true, to: open })).toBe("default");
  } finally {
    await open.stop();
  }
});

test("only one of the users may administrate", async () => {
  const asUser = async (user: keyof typeof REDIS_USERS, ...args: string[]): Promise<string> => {
    const login = ["--no-auth-warning", "--user", user, "--pass", REDIS_USERS[user].password];
    const { stdout, stderr } = await run("redis-cli", ["-p", String(server.port), ...login, ...args]);
    return stdout + stderr;
  };
  expect(await asUser("admin_user", "CONFIG", "GET", "databases")).toContain(String(REDIS_DATABASES));
  expect(await asUser("app_user", "CONFIG", "GET", "databases")).toContain("NOPERM");
  expect(await asUser("app_user", "ACL", "LIST")).toContain("NOPERM");
  expect(await asUser("app_user", "SET", "key", "value")).toContain("OK");
});

test("RESP3 and the last of the databases work, over TLS", async () => {
  const client = createClient({
    RESP: 3,
    username: "app_user",
    password: REDIS_USERS.app_user.password,
    database: REDIS_DATABASES - 1,
    socket: { host: "127.0.0.1", port: server.tlsPort, tls: true, ca: server.ca },
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    expect(await client.clientInfo()).toMatchObject({ db: REDIS_DATABASES - 1, user: "app_user" });
  } finally {
    client.destroy();
  }
  expect(await server.command("SELECT", String(REDIS_DATABASES))).toContain("out of range");
});

test("redis-py logs in over TLS", async () => {
  const program = `
import sys, redis
port, password, ca = sys.argv[1:]
client = redis.Redis(port=int(port), username="app_user", password=password, ssl=True, ssl_ca_certs=ca)
print(client.acl_whoami())
`;
  const { stdout } = await run(
    pythonCommand("python"),
    ["-c", program, String(server.tlsPort), REDIS_USERS.app_user.password, server.caPath],
    { env: cleanEnvironment() },
  );
  expect(stdout).toContain("app_user");
});

test("a certificate for another name is refused", async () => {
  const other = await startRedis({ certificate: { flaw: "wrong-name", key: "ecdsa" } });
  try {
    await expect(logIn({ tls: true, password: REDIS_PASSWORD, to: other })).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  } finally {
    await other.stop();
  }
});
