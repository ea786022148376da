import { redisType, type RedisConfig } from "../../../auth-strategies/session-types/redis.js";
import { Secret } from "../../../redaction/secret.js";
import type { LocalLogin } from "../../session-driver.js";
import { openLoopbackSession, type LoopbackSession } from "../../testing/loopback-session.js";
import { redisDriver } from "../driver.js";

/** What a session of these tests may want its clients to log in with. */
export const LOGIN: LocalLogin = { username: "vault", password: new Secret("local & secret") };

export interface RedisSessionOptions {
  readonly ca?: string | undefined;
  readonly login?: LocalLogin;
}

/** A session for a service with these fields; the server is on 127.0.0.1. */
export async function openRedisSession(
  fields: Readonly<Record<string, unknown>>,
  options: RedisSessionOptions = {},
): Promise<LoopbackSession> {
  const config = redisType.schema.parse({
    type: "redis",
    redis_host: "127.0.0.1",
    ...fields,
  }) as RedisConfig;
  return openLoopbackSession({
    driver: redisDriver,
    config,
    server: { host: config.redis_host, port: config.redis_port },
    ...options,
  });
}
