import { z } from "@hono/zod-openapi";
import type { AuthStrategy } from "../auth-strategy.js";
import { hostSchema, passwordSchema, portSchema, refuseHttp, userSchema } from "./session-type.js";

const DEFAULT_PORT = 6379;
/** Redis keeps the number in an int. */
const MAX_DB = 2 ** 31 - 1;

const schema = z.strictObject({
  type: z.literal("redis"),
  redis_host: hostSchema,
  redis_port: portSchema.default(DEFAULT_PORT),
  redis_username: userSchema
    .optional()
    .openapi({ description: "An ACL user (Redis 6); the default user without." }),
  redis_password: passwordSchema,
  redis_db: z.number().int().min(0).max(MAX_DB).default(0),
  redis_tls: z.boolean().default(false),
});

export type RedisConfig = z.output<typeof schema>;

/** A Redis server, reached by sessions (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
export const redisType: AuthStrategy<RedisConfig> = {
  type: "redis",
  schema,
  secretFields: ["redis_password"],
  session: {
    protocol: "redis",
    server: (config) => ({ host: config.redis_host, port: config.redis_port }),
  },
  warnings: ({ redis_tls }) => [
    "a Redis user that may run CONFIG or ACL can read its own password back: use an ACL user without @admin",
    ...(redis_tls ? [] : ["redis_tls false sends the credential in the clear"]),
  ],
  describe: (config) => ({
    redis_host: config.redis_host,
    redis_port: config.redis_port,
    ...(config.redis_username === undefined ? {} : { redis_username: config.redis_username }),
    redis_db: config.redis_db,
    redis_tls: config.redis_tls,
  }),
  secrets: ({ redis_password }) => [redis_password],
  generated: () => [],
  createInjector: refuseHttp("redis"),
};
