import type { OpenedSession, ServiceInfo, SessionProtocol } from "@vault-proxy/client";

type Variables = Readonly<Record<string, string>>;
type SessionAnswer = Pick<OpenedSession, "addr" | "url" | "username" | "password">;

/** The variables by which programs of a protocol find their server. */
export function sessionVariables(
  protocol: SessionProtocol,
  session: SessionAnswer,
  service: ServiceInfo,
): Variables {
  const colon = session.addr.lastIndexOf(":");
  const host = session.addr.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = session.addr.slice(colon + 1);
  const own = service[`${protocol}_user`];
  const user = session.username ?? (typeof own === "string" ? own : undefined);
  if (protocol === "postgres") {
    // https://www.postgresql.org/docs/current/libpq-envars.html
    const database = service.postgres_db;
    return {
      ...{ PGHOST: host, PGPORT: port },
      ...(user === undefined ? {} : { PGUSER: user }),
      ...(session.password === undefined ? {} : { PGPASSWORD: session.password }),
      ...(typeof database === "string" ? { PGDATABASE: database } : {}),
      // The port is on this machine and speaks no TLS.
      ...{ PGSSLMODE: "disable", PGGSSENCMODE: "disable", DATABASE_URL: session.url },
    };
  }
  const name = protocol.toUpperCase();
  return {
    [`${name}_URL`]: session.url,
    [`${name}_HOST`]: host,
    [`${name}_PORT`]: port,
    ...(user === undefined ? {} : { [`${name}_USER`]: user }),
    ...(session.password === undefined ? {} : { [`${name}_PASSWORD`]: session.password }),
    ...(protocol === "redis" && session.password !== undefined ? { REDISCLI_AUTH: session.password } : {}),
  };
}
