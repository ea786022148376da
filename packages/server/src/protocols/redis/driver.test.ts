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

const REASON = "-ERR the server refused the stored credential\r\n";

test("a failure is the answer to each of a client's commands, and not sent before them", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const client = await connectRawClient(session.port);
  let hasHeard = false;
  client.socket.on("data", () => (hasHeard = true));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(hasHeard).toBe(false);
  client.send("*1\r\n$4\r\nPING\r\n\r\nPING\r\n");
  await client.until(REASON + REASON);
  client.send("AUTH x\r\n");
  await client.until(REASON.repeat(3));
  client.socket.end();
  expect(await client.closed()).toBe(REASON.repeat(3));
  expect(session.failures).toMatchObject([{ code: "upstream_login_failed" }]);
  await session.close();
});

test("refusalMs: a client that asks for nothing is told all the same, one that stays is left", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const [silent, staying] = [await connectRawClient(session.port), await connectRawClient(session.port)];
  const startedAt = Date.now();
  staying.send("PING\r\n");
  expect([await silent.closed(), await staying.closed()]).toEqual([REASON, REASON]);
  expect(Date.now() - startedAt).toBeGreaterThan(REDIS_LIMITS.refusalMs - 100);
  silent.socket.destroy();
  staying.socket.destroy();
  await session.close();
});

test("refusedCommands: a client that goes on asking is left", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const client = await connectRawClient(session.port);
  client.send("PING\r\n".repeat(REDIS_LIMITS.refusedCommands + 5));
  const startedAt = Date.now();
  expect(await client.closed()).toBe(REASON.repeat(REDIS_LIMITS.refusedCommands));
  expect(Date.now() - startedAt).toBeLessThan(REDIS_LIMITS.refusalMs / 2);
  client.socket.destroy();
  await session.close();
});

test("a client that sends what is no command is told, and left", async () => {
  const session = await openRedisSession({ redis_port: refusing.port, redis_password: "x" });
  const client = await connectRawClient(session.port);
  client.send("*x\r\n");
  expect(await client.closed()).toBe(REASON);
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
