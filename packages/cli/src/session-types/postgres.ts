import type { PostgresAuth } from "@vault-proxy/client";

import type { SessionType } from "./session-type.js";

export const postgres: SessionType = {
  summary: "a PostgreSQL database, by sessions",
  tls: {
    require: "with a certificate that is checked",
    prefer: "if the server has it, else in the clear",
    disable: "in the clear",
  },
  tlsOfPort: {},
  auth: [],
  tokenAuth: [],
  needsUser: true,
  database: "name",
  define: (flags, password) => ({
    type: "postgres",
    postgres_host: flags.host ?? "",
    postgres_port: flags.port,
    postgres_user: flags.user ?? "",
    postgres_password: password ?? "",
    postgres_db: flags.database,
    postgres_tls: flags.tls as PostgresAuth["postgres_tls"],
  }),
};
