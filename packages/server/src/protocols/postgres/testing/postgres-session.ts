import { postgresType, type PostgresConfig } from "../../../auth-strategies/session-types/postgres.js";
import {
  openLoopbackSession,
  type LoopbackSession,
  type LoopbackSessionOptions,
} from "../../testing/loopback-session.js";
import { postgresDriver } from "../driver.js";

export interface PostgresSessionOptions extends Pick<
  LoopbackSessionOptions<PostgresConfig>,
  "ca" | "login" | "maxConnections"
> {
  /** Fields of the service's `auth`, without `type`. */
  readonly auth: Readonly<Record<string, unknown>>;
}

export async function openPostgresSession({
  auth,
  ...options
}: PostgresSessionOptions): Promise<LoopbackSession> {
  const config = postgresType.schema.parse({ type: "postgres", ...auth }) as PostgresConfig;
  const server = { host: config.postgres_host, port: config.postgres_port };
  return openLoopbackSession({ driver: postgresDriver, config, server, ...options });
}
