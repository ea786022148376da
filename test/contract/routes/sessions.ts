import { expect } from "vitest";
import { kept, textOf, type RouteRow } from "../route-row.js";

const RFC_3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown;
const LOOPBACK = expect.stringMatching(/^127\.0\.0\.1:\d+$/) as unknown;

/** How a service of each protocol is stored: nobody connects, so that no server is needed. */
export const SESSION_AUTH = {
  imap: { imap_host: "127.0.0.1", imap_port: 1, imap_user: "me", imap_password: "secret-of-imap" },
  smtp: { smtp_host: "127.0.0.1", smtp_port: 1, smtp_user: "me", smtp_password: "secret-of-smtp" },
  redis: { redis_host: "127.0.0.1", redis_port: 1, redis_password: "secret-of-redis" },
  postgres: {
    postgres_host: "127.0.0.1",
    postgres_port: 1,
    postgres_user: "me",
    postgres_password: "secret-of-postgres",
    postgres_db: "things",
  },
} as const;

type Protocol = keyof typeof SESSION_AUTH;

function opening(protocol: Protocol): RouteRow {
  return {
    route: `POST /${protocol}/{service}/session`,
    access: "any",
    as: "proxy",
    request: () => ({ target: `/${protocol}/the-${protocol}/session?timeout=60` }),
    status: 200,
    answers: { id: expect.any(String) as unknown, addr: LOOPBACK, expires_at: RFC_3339 },
    faulty: {
      request: () => ({ target: `/${protocol}/the-${protocol}/session?timeout=long` }),
      names: "timeout",
    },
    errors: [
      {
        name: "an unknown service",
        request: () => ({ target: `/${protocol}/nothing-of-that-name/session` }),
        status: 404,
        code: "not_found",
      },
      {
        name: "a service of another type",
        request: () => ({ target: `/${protocol}/the-ssh/session` }),
        status: 400,
        code: "invalid_request",
      },
    ],
    typescript: (client) => client.session(protocol, `the-${protocol}`, { timeout: 60 }),
    python: () => ({ method: "session", args: [protocol, `the-${protocol}`], kwargs: { timeout: 60 } }),
    keep: (answer, world) => world.kept.set("session", textOf(answer, "id")),
  };
}

export const SESSIONS: readonly RouteRow[] = [
  ...(Object.keys(SESSION_AUTH) as Protocol[]).map(opening),
  {
    route: "GET /sessions",
    access: "any",
    as: "proxy",
    request: () => ({ target: "/sessions" }),
    status: 200,
    answers: expect.arrayContaining([
      expect.objectContaining({ protocol: "postgres", service: "the-postgres", addr: LOOPBACK }),
    ]) as unknown,
    typescript: (client) => client.listSessions(),
    python: () => ({ method: "list_sessions" }),
  },
  {
    route: "DELETE /sessions/{id}",
    access: "any",
    as: "proxy",
    request: (world) => ({ target: `/sessions/${kept(world, "session")}` }),
    status: 200,
    answers: { status: "closed" },
    errors: [
      {
        name: "an unknown session",
        request: () => ({ target: "/sessions/nothing-of-that-name" }),
        status: 404,
        code: "not_found",
      },
    ],
    typescript: (client, world) => client.closeSession(kept(world, "session")),
    python: (world) => ({ method: "close_session", args: [kept(world, "session")] }),
    gives: undefined,
    givesInPython: null,
  },
];
