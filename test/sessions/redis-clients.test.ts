import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LOGIN } from "../../packages/server/src/protocols/redis/testing/redis-session.js";
import { pythonCommand } from "../../scripts/python-environment.mjs";
import { runProgram, startRedisFixture, type RedisFixture } from "./redis-fixture.js";

const REDIS_PY_CLIENT = fileURLToPath(new URL("redis_py_client.py", import.meta.url));
const DATABASE = 11;
const BINARY = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
const LOCAL = { username: LOGIN.username, password: LOGIN.password.reveal() };

/** How a client may be configured, and whether the session requires a login. */
const CONFIGURATIONS = [
  { name: "without a password", client: {}, session: {} },
  { name: "with any password", client: { password: "anything" }, session: {} },
  { name: "with any user and password", client: { username: "some", password: "thing" }, session: {} },
  { name: "with the login that the session requires", client: LOCAL, session: { login: LOGIN } },
] as const;

let fixture: RedisFixture;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  fixture = await startRedisFixture();
});
afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await fixture.closeSessions();
});
afterAll(() => fixture.stop());

interface IoredisSettings {
  readonly username?: string;
  readonly password?: string;
  readonly connectionName?: string;
  readonly db?: number;
  readonly lazyConnect?: boolean;
  readonly maxRetriesPerRequest?: number;
}

describe("ioredis", () => {
  function connected(port: number, options: IoredisSettings): Redis {
    const client = new Redis({ host: "127.0.0.1", port, retryStrategy: () => null, ...options });
    ends.push(() => client.disconnect());
    return client;
  }

  test.each(CONFIGURATIONS)("$name does all that it can", async ({ client: options, session: login }) => {
    const { port } = await fixture.open("app_user", { redis_db: DATABASE }, login);
    const client = connected(port, { ...options, connectionName: "named" });
    expect(await client.client("INFO")).toMatch(
      new RegExp(` name=named .* db=${DATABASE} .* user=app_user `),
    );
    await client.set("binary", BINARY);
    expect(await client.getBuffer("binary")).toEqual(BINARY);
    const pipeline = client.pipeline();
    for (let index = 0; index < 500; index += 1) pipeline.set(`p:${index}`, index).get(`p:${index}`);
    const answers = await pipeline.exec();
    expect(answers?.filter((_, index) => index % 2 === 1).map(([, value]) => value)).toEqual(
      Array.from({ length: 500 }, (_, index) => String(index)),
    );
    expect(await client.multi().del("n").incr("n").incr("n").exec()).toEqual([
      [null, expect.any(Number)],
      [null, 1],
      [null, 2],
    ]);
    const other = connected(port, { ...options, db: 5 });
    expect(await other.client("INFO")).toMatch(/ db=5 /);
  });

  test.each(CONFIGURATIONS)("$name subscribes and blocks", async ({ client: options, session: login }) => {
    const { port } = await fixture.open("app_user", { redis_db: DATABASE }, login);
    const [subscriber, blocked, client] = [1, 2, 3].map(() => connected(port, options));
    const message = new Promise((resolve) => subscriber!.on("message", (...args) => resolve(args)));
    await subscriber!.subscribe("news", "more");
    expect(await client!.publish("news", "today")).toBe(1);
    expect(await message).toEqual(["news", "today"]);
    await subscriber!.unsubscribe("news", "more");
    expect(await subscriber!.ping()).toBe("PONG");

    const popped = blocked!.blpop("queue", 10);
    await expect.poll(() => fixture.server.command("CLIENT", "LIST")).toContain("cmd=blpop");
    await client!.rpush("queue", "job");
    expect(await popped).toEqual(["queue", "job"]);
    expect(await blocked!.blpop("queue", 0.05)).toBeNull();
  });

  test.each([
    { name: "no password", options: {}, error: /NOAUTH/ },
    { name: "a wrong password", options: { ...LOCAL, password: "wrong" }, error: /WRONGPASS/ },
    { name: "a wrong user", options: { ...LOCAL, username: "wrong" }, error: /WRONGPASS/ },
  ])("with $name is refused by a session that requires a login", async ({ options, error }) => {
    const { port } = await fixture.open("app_user", {}, { login: LOGIN });
    const client = connected(port, { ...options, lazyConnect: true, maxRetriesPerRequest: 0 });
    const failure = new Promise<Error>((resolve) => client.on("error", resolve));
    client.connect().catch(() => undefined);
    expect((await failure).message).toMatch(error);
  });

  test("is told why when the stored credential is wrong", async () => {
    const { port } = await fixture.open("app_user", { redis_password: "wrong" });
    for (const options of [{}, { password: "x" }]) {
      const client = connected(port, { ...options, lazyConnect: true, maxRetriesPerRequest: 0 });
      const failure = new Promise<Error>((resolve) => client.on("error", resolve));
      client.connect().catch(() => undefined);
      expect((await failure).message).toContain("the server refused the stored credential");
    }
  });
});

describe.each([2, 3] as const)("node-redis with RESP%i", (RESP) => {
  function clientOf(port: number, options: object): ReturnType<typeof createClient> {
    const client = createClient({
      RESP,
      socket: { host: "127.0.0.1", port, reconnectStrategy: false },
      ...options,
    });
    client.on("error", () => undefined);
    ends.push(() => client.isOpen && client.destroy());
    return client as ReturnType<typeof createClient>;
  }

  test.each(CONFIGURATIONS)("$name does all that it can", async ({ client: options, session: login }) => {
    const { port, url } = await fixture.open("app_user", { redis_db: DATABASE }, login);
    const client = clientOf(port, { ...options, name: "named" });
    await client.connect();
    expect(await client.clientInfo()).toMatchObject({
      ...{ name: "named", db: DATABASE, user: "app_user", resp: RESP, libName: undefined },
    });
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        client.set(`q:${index}`, index).then(() => client.get(`q:${index}`)),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 500 }, (_, index) => String(index)));
    const transaction = await client
      .multi()
      .del("m")
      .incr("m")
      .hSet("h", "field", "value")
      .hGetAll("h")
      .exec();
    expect(transaction[1]).toBe(1);
    expect(transaction[3]).toMatchObject({ field: "value" });

    const subscriber = clientOf(port, options);
    await subscriber.connect();
    const message = new Promise<string>((resolve) => void subscriber.subscribe("letters", resolve));
    await expect.poll(() => client.publish("letters", "a")).toBe(1);
    expect(await message).toBe("a");

    const blocked = clientOf(port, options);
    await blocked.connect();
    const popped = blocked.blPop("letters:queue", 10);
    await client.rPush("letters:queue", "b");
    expect(await popped).toEqual({ key: "letters:queue", element: "b" });

    const byUrl = createClient({ RESP, url });
    byUrl.on("error", () => undefined);
    await byUrl.connect();
    ends.push(() => byUrl.destroy());
    expect(await byUrl.clientInfo()).toMatchObject({ db: DATABASE, user: "app_user" });
  });

  test.each([
    { name: "no password", options: {}, error: /NOAUTH/ },
    { name: "a wrong password", options: { ...LOCAL, password: "wrong" }, error: /WRONGPASS/ },
  ])("with $name is refused by a session that requires a login", async ({ options, error }) => {
    const { port } = await fixture.open("app_user", {}, { login: LOGIN });
    const client = clientOf(port, options);
    await expect(client.connect().then(() => client.ping())).rejects.toThrow(error);
  });

  test("is told why when the stored credential is wrong", async () => {
    const { port } = await fixture.open("app_user", { redis_password: "wrong" });
    for (const options of [{}, { password: "x" }]) {
      const client = clientOf(port, options);
      await expect(client.connect().then(() => client.ping())).rejects.toThrow(
        "refused the stored credential",
      );
    }
  });
});

test.each([2, 3])("redis-py with RESP%i does all that it can, however it is configured", async (protocol) => {
  const settings = await Promise.all(
    CONFIGURATIONS.map(async ({ client, session: login }) => {
      const { port } = await fixture.open("app_user", { redis_db: DATABASE }, login);
      return { host: "127.0.0.1", port, protocol, ...client };
    }),
  );
  const result = await runProgram(pythonCommand("python"), [REDIS_PY_CLIENT, JSON.stringify(settings)]);
  expect(result.stderr).toBe("");
  expect(JSON.parse(result.stdout)).toEqual(
    settings.map(() => ({
      info: [String(DATABASE), "app_user", String(protocol)],
      binary: true,
      pipeline: 4950,
      transaction: [1, 2],
      message: "hello",
      popped: ["py:queue", "job"],
      other_database: "6",
      pool: 20,
    })),
  );
});
