import type { SessionType } from "./session-type.js";

export const redis: SessionType = {
  summary: "a Redis server, by sessions",
  tls: { off: "in the clear", on: "from the first byte" },
  tlsOfPort: {},
  auth: [],
  tokenAuth: [],
  needsUser: false,
  database: "number",
  define: (flags, password) => ({
    type: "redis",
    redis_host: flags.host ?? "",
    redis_port: flags.port,
    redis_username: flags.user,
    redis_password: password ?? "",
    redis_db: flags.database === undefined ? undefined : Number(flags.database),
    redis_tls: flags.tls === undefined ? undefined : flags.tls === "on",
  }),
};
