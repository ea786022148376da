import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LOGIN } from "../../packages/server/src/protocols/redis/testing/redis-session.js";
import { connectRawClient } from "../../packages/server/src/protocols/redis/testing/scripted-redis.js";
import { REDIS_DATABASES, REDIS_PASSWORD, REDIS_USERS } from "../real-servers/redis.js";
import { redisCli, runProgram, startRedisFixture, type RedisFixture } from "./redis-fixture.js";

let fixture: RedisFixture;

beforeAll(async () => {
  fixture = await startRedisFixture();
});
afterEach(() => fixture.closeSessions());
afterAll(() => fixture.stop());

describe.each([false, true])("with redis_tls %s", (redis_tls) => {
  test.each(["default", "admin_user", "app_user"] as const)(
    "a session is logged in as %s and in the service's database",
    async (user) => {
      const session = await fixture.open(user, { redis_tls, redis_db: REDIS_DATABASES - 1 });
      const { stdout } = await redisCli(session.port, [], "ACL WHOAMI\nCLIENT INFO\n");
      expect(stdout).toMatch(new RegExp(`^${user}\n.* db=${REDIS_DATABASES - 1} .* user=${user} .*resp=2`));
      expect(session.failures).toEqual([]);
    },
  );
});

describe("redis-cli", () => {
  test.each([
    { name: "RESP2", args: [], resp: 2 },
    { name: "RESP3", args: ["-3"], resp: 3 },
    { name: "a wrong password", args: ["-a", "wrong"], resp: 2 },
    { name: "a wrong password and RESP3", args: ["-3", "-a", "wrong"], resp: 3 },
    { name: "a wrong user", args: ["--user", "nobody", "--pass", "wrong"], resp: 2 },
    {
      name: "a wrong user, a database and RESP3",
      args: ["-3", "--user", "x", "--pass", "y", "-n", "7"],
      resp: 3,
    },
  ])("with $name works", async ({ args, resp }) => {
    const session = await fixture.open("app_user", { redis_db: 3 });
    const { stdout, stderr } = await redisCli(session.port, [...args, "CLIENT", "INFO"]);
    expect(stderr).toBe("");
    expect(stdout).toContain(` db=${args.includes("-n") ? 7 : 3} `);
    expect(stdout).toContain(" user=app_user ");
    expect(stdout).toContain(` resp=${resp}`);
  });

  test("typed AUTH and HELLO: the client's credentials are taken, and a wrong one later breaks nothing", async () => {
    const session = await fixture.open("app_user");
    const lines = [
      "AUTH wrong",
      "AUTH a b",
      "HELLO 9 AUTH a b",
      "CLIENT SETNAME before",
      "HELLO 3 AUTH a b SETNAME x",
      "CLIENT GETNAME",
      "SET typed yes",
      "AUTH wrong",
      "GET typed",
      "ACL WHOAMI",
    ];
    const { stdout } = await redisCli(session.port, [], `${lines.join("\n")}\n`);
    const answers = stdout.split("\n").filter((line) => line !== "");
    expect(answers.slice(0, 4)).toEqual(["OK", "OK", "NOPROTO unsupported protocol version", "OK"]);
    expect(answers).toContain("proto 3");
    expect(answers.slice(answers.indexOf("x"))).toEqual([
      "x",
      "OK",
      "WRONGPASS invalid username-password pair or user is disabled.",
      "yes",
      "app_user",
    ]);
  });

  test("needs the login of a session that requires one", async () => {
    const session = await fixture.open("app_user", {}, { login: LOGIN });
    const password = LOGIN.password.reveal();
    for (const [args, answer] of [
      [["--user", LOGIN.username, "--pass", password], "app_user\n"],
      [["-a", password], "app_user\n"],
      [["-3", "--user", LOGIN.username, "--pass", password], "app_user\n"],
      [["-u", session.url], "app_user\n"],
      [[], "NOAUTH Authentication required.\n\n"],
      [
        ["--user", "app_user", "--pass", REDIS_USERS.app_user.password],
        "NOAUTH Authentication required.\n\n",
      ],
      [["-a", REDIS_PASSWORD], "NOAUTH Authentication required.\n\n"],
    ] as const) {
      const { stdout } = await redisCli(session.port, [...args, "ACL", "WHOAMI"]);
      expect(stdout, args.join(" ")).toBe(answer);
    }
  });

  test("scans, pipes masses of commands in, and watches", async () => {
    const session = await fixture.open("app_user", { redis_db: 9 });
    const commands = Array.from(
      { length: 20_000 },
      (_, index) => `SET mass:${index} ${"v".repeat(20)}\r\n`,
    ).join("");
    const piped = await redisCli(session.port, ["--pipe", "-a", "any"], commands);
    expect(piped.stdout).toContain("errors: 0, replies: 20000");
    const scanned = await redisCli(session.port, ["--scan", "--pattern", "mass:1999?"]);
    expect(scanned.stdout.trim().split("\n")).toHaveLength(10);
  });
});

test("redis-benchmark runs with pipelining of 16 commands and a password that is not the server's", async () => {
  // It asks for the server's CONFIG.
  const session = await fixture.open("admin_user");
  const { stdout, stderr, exitCode } = await runProgram("redis-benchmark", [
    ...["-p", String(session.port), "-a", "anything", "-P", "16", "-c", "20", "-n", "20000", "-q"],
    ...["-t", "ping_mbulk,set,get,lpush,lpop,mset"],
  ]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout.match(/requests per second/g)?.length).toBeGreaterThanOrEqual(6);
  expect(stdout).not.toMatch(/error/i);
  expect(session.failures).toEqual([]);
});

test("a raw client may send all at once: AUTH, SELECT, SET, GET, MULTI and QUIT in one packet", async () => {
  const session = await fixture.open("app_user");
  const client = await connectRawClient(session.port);
  client.send(
    "AUTH no matter\r\nSELECT 4\r\nSET k v\r\nAUTH wrong\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nMULTI\r\nINCR n\r\nEXEC\r\nQUIT\r\n",
  );
  const heard = await client.closed();
  expect(heard.split("\r\n").map((line) => line.split(" ")[0])).toEqual([
    ...["+OK", "+OK", "+OK", "-WRONGPASS", "$1", "v", "+OK", "+QUEUED", "*1", ":1", "+OK", ""],
  ]);
  client.socket.destroy();
});

test("RESET logs out, as in a direct connection", async () => {
  const session = await fixture.open("app_user");
  const client = await connectRawClient(session.port);
  client.send("RESET\r\nPING\r\n");
  expect(await client.until("required.\r\n")).toBe("+RESET\r\n-NOAUTH Authentication required.\r\n");
  client.socket.destroy();
});

test("a value of 64 MB goes both ways", async () => {
  const session = await fixture.open("app_user");
  const socket = connect({ host: "127.0.0.1", port: session.port });
  const value = Buffer.alloc(64 * 1024 * 1024, "0123456789abcdef\r\n");
  socket.write(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${value.length}\r\n`);
  socket.write(value);
  socket.write("\r\nGET big\r\nDEL big\r\nQUIT\r\n");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const expected = [Buffer.from(`+OK\r\n$${value.length}\r\n`), value, Buffer.from("\r\n:1\r\n+OK\r\n")];
  expect(Buffer.concat(chunks).equals(Buffer.concat(expected))).toBe(true);
});

describe("a client is told why", () => {
  test.each([
    ["the stored password is wrong", { redis_password: "wrong" }, "the server refused the stored credential"],
    [
      "the stored user is unknown",
      { redis_username: "nobody", redis_password: "x" },
      "the server refused the stored credential",
    ],
    [
      "there is no such database",
      { redis_db: REDIS_DATABASES },
      `the server has no database ${REDIS_DATABASES}, or none to select`,
    ],
    ["the server is not there", { redis_port: 1 }, "the upstream refused the connection"],
  ])("%s", async (_name, auth, sentence) => {
    const session = await fixture.open("app_user", auth);
    const { stdout } = await redisCli(session.port, ["PING"]);
    expect(stdout).toBe(`ERR ${sentence}\n\n`);
    expect(session.failures).toMatchObject([{ name: "VaultProxyError", message: sentence }]);
  });

  test("the certificate is not trusted", async () => {
    const session = await fixture.open("app_user", { redis_tls: true }, { ca: undefined });
    const { stdout } = await redisCli(session.port, ["PING"]);
    expect(stdout).toMatch(/^ERR the upstream's certificate /);
  });

  test("the server speaks TLS, and the service does not", async () => {
    const session = await fixture.open("app_user", { redis_port: fixture.server.tlsPort });
    const { stdout } = await redisCli(session.port, ["PING"]);
    expect(stdout).toMatch(/^ERR the server's part went wrong: /);
  });

  test("the server takes no more clients", async () => {
    await fixture.server.command("CONFIG", "SET", "maxclients", "1");
    const holder = await connectRawClient(fixture.server.port);
    try {
      const session = await fixture.open("app_user");
      const { stdout } = await redisCli(session.port, ["PING"]);
      expect(stdout).toBe("ERR the server takes no more clients\n\n");
    } finally {
      holder.socket.destroy();
      await expect.poll(() => fixture.server.command("CONFIG", "SET", "maxclients", "1000")).toBe("OK");
    }
  });
});

test("a server that needs no password is taken as it is", async () => {
  const open = await startRedisFixture({ requirePassword: false });
  try {
    const session = await open.open("default", { redis_db: 2 });
    const { stdout } = await redisCli(session.port, ["-a", "anything", "CLIENT", "INFO"]);
    expect(stdout).toMatch(/ db=2 .* user=default /);
  } finally {
    await open.stop();
  }
});

test("no credential is in what the server logs of its clients' commands", async () => {
  await fixture.server.command("CONFIG", "SET", "slowlog-log-slower-than", "0");
  const session = await fixture.open("app_user");
  const { stdout } = await redisCli(
    session.port,
    ["--user", "own", "--pass", "clients-own-secret"],
    "PING\n",
  );
  expect(stdout).toBe("PONG\n");
  const log = await fixture.server.command("SLOWLOG", "GET", "128");
  await fixture.server.command("CONFIG", "SET", "slowlog-log-slower-than", "10000");
  expect(log).toContain("PING");
  expect(log).not.toContain("clients-own-secret");
  expect(log).not.toContain(REDIS_USERS.app_user.password);
});
