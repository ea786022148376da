import { afterAll, beforeAll, expect, test } from "vitest";
import { redisType, type RedisConfig } from "../../auth-strategies/session-types/redis.js";
import { redisDriver } from "./driver.js";
import { REDIS_LIMITS } from "./limits.js";
import { LOGIN, openRedisSession } from "./testing/redis-session.js";
import { connectRawClient, startScriptedRedis, type ScriptedRedis } from "./testing/scripted-redis.js";

let refusing: ScriptedRedis;
beforeAll(async () => {
  refusing = await startScriptedRedis(() => "-WRONGPASS\r\n");
});
afterAll(() => refusing.close());

test("the URL is one that libraries take, with the database and the login", () => {
  const config = redisType.schema.parse({
    ...{ type: "redis", redis_host: "r", redis_username: "app", redis_password: "stored", redis_db: 3 },
  }) as RedisConfig;
  const place = { host: "127.0.0.1", port: 7000 };
  expect(redisDriver.urlOf(place, config)).toBe("redis://127.0.0.1:7000/3");
  const url = redisDriver.urlOf({ ...place, host: "::1" }, { ...config, redis_db: 0 }, LOGIN);
  expect(url).toBe("redis://vault:local%20%26%20secret@[::1]:7000/0");
  expect(new URL(url).hostname).toBe("[::1]");
});

test("a failure is the answer to a client's first command, and not sent before it", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const client = await connectRawClient(session.port);
  let hasHeard = false;
  client.socket.on("data", () => (hasHeard = true));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(hasHeard).toBe(false);
  client.send("*1\r\n$4\r\nPING\r\n");
  expect(await client.closed()).toBe("-ERR the server refused the stored credential\r\n");
  expect(session.failures).toMatchObject([{ code: "upstream_login_failed" }]);
  await session.close();
});

test("refusalMs: a client that asks for nothing is told all the same", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const client = await connectRawClient(session.port);
  const startedAt = Date.now();
  expect(await client.closed()).toBe("-ERR the server refused the stored credential\r\n");
  expect(Date.now() - startedAt).toBeGreaterThan(REDIS_LIMITS.refusalMs - 100);
  client.socket.destroy();
  await session.close();
});

test("a client that leaves before it is told leaves nothing behind", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const client = await connectRawClient(session.port);
  client.socket.destroy();
  await expect.poll(() => session.failures).toMatchObject([{ code: "upstream_login_failed" }]);
  await session.close();
});
