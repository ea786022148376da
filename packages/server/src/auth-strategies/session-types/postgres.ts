import { z } from "@hono/zod-openapi";
import type { AuthStrategy } from "../auth-strategy.js";
import { hostSchema, passwordSchema, portSchema, refuseHttp, userSchema } from "./session-type.js";

const DEFAULT_PORT = 5432;

const schema = z.strictObject({
  type: z.literal("postgres"),
  postgres_host: hostSchema,
  postgres_port: portSchema.default(DEFAULT_PORT),
  postgres_user: userSchema,
  postgres_password: passwordSchema,
  postgres_db: userSchema
    .optional()
    .openapi({ description: "Default: the database of the user's own name, as the server has it." }),
  postgres_tls: z.enum(["require", "prefer", "disable"]).default("require"),
});

export type PostgresConfig = z.output<typeof schema>;

/** A PostgreSQL database, reached by sessions (PostgreSQL documentation, "Frontend/Backend Protocol"). */
export const postgresType: AuthStrategy<PostgresConfig> = {
  type: "postgres",
  schema,
  secretFields: ["postgres_password"],
  session: {
    protocol: "postgres",
    server: (config) => ({ host: config.postgres_host, port: config.postgres_port }),
  },
  warnings: ({ postgres_tls }) =>
    postgres_tls === "prefer"
      ? [
          "postgres_tls prefer goes on without TLS if the server, or whoever stands between, says that it has none",
        ]
      : [],
  describe: (config) => ({
    postgres_host: config.postgres_host,
    postgres_port: config.postgres_port,
    postgres_user: config.postgres_user,
    postgres_db: config.postgres_db ?? config.postgres_user,
    postgres_tls: config.postgres_tls,
  }),
  secrets: ({ postgres_password }) => [postgres_password],
  generated: () => [],
  createInjector: refuseHttp("postgres"),
};
