import { expect } from "vitest";
import { textOf, type RouteRow } from "../route-row.js";

const RFC_3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/) as unknown;
const TOKEN = expect.stringMatching(/^tok_[A-Za-z0-9_-]{43}$/) as unknown;
const ISSUED = { id: TOKEN, scope: "admin", created_at: RFC_3339, expires_at: RFC_3339 };

export const OPENING: readonly RouteRow[] = [
  {
    route: "GET /openapi.json",
    access: "none",
    opensWhileLocked: true,
    request: () => ({ target: "/openapi.json" }),
    status: 200,
    answers: { openapi: "3.1.0" },
    typescript: async (client) => (await client.do("GET", "/openapi.json")).json(),
  },
  {
    route: "POST /auth/unlock",
    access: "none",
    opensWhileLocked: true,
    request: ({ password }) => ({ target: "/auth/unlock", json: { password } }),
    status: 200,
    answers: ISSUED,
    faulty: { request: () => ({ target: "/auth/unlock", json: { password: 7 } }), names: "password" },
    errors: [
      {
        name: "a wrong password",
        request: () => ({ target: "/auth/unlock", json: { password: "something else" } }),
        status: 401,
        code: "unauthorized",
      },
    ],
    typescript: (client, { password }) => client.unlockWithDetails(password),
    python: ({ password }) => ({ method: "unlock", args: [password] }),
    keep: (answer, { tokens }) => (tokens.admin = textOf(answer, "id")),
  },
  {
    route: "GET /health",
    access: "none",
    opensWhileLocked: true,
    request: () => ({ target: "/health" }),
    status: 200,
    answers: {
      status: "unlocked",
      initialized: true,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as unknown,
    },
    typescript: (client) => client.healthDetails(),
    python: () => ({ method: "health_details" }),
  },
];

export const CLOSING: readonly RouteRow[] = [
  {
    route: "GET /metrics",
    access: "metrics",
    request: () => ({ target: "/metrics" }),
    status: 200,
    answers: expect.stringMatching(/^# HELP [a-z_]+ .*\n# TYPE /) as unknown,
    typescript: (client) => client.metrics(),
    python: () => ({ method: "metrics" }),
  },
  {
    route: "GET /audit",
    access: "admin",
    request: () => ({ target: "/audit?limit=2" }),
    status: 200,
    answers: {
      entries: [
        { seq: expect.any(Number) as unknown, time: RFC_3339 },
        { action: expect.any(String) as unknown },
      ],
      next: expect.any(Number) as unknown,
    },
    faulty: { request: () => ({ target: "/audit?limit=many" }), names: "limit" },
    typescript: (client) => client.listAudit({ limit: 2 }),
    python: () => ({ method: "list_audit", kwargs: { limit: 2 } }),
    givesInPython: {
      entries: [{ seq: expect.any(Number) as unknown }, { action: expect.any(String) as unknown }],
      next: expect.any(Number) as unknown,
    },
  },
  {
    route: "POST /auth/recovery-key",
    access: "admin",
    request: ({ password }) => ({ target: "/auth/recovery-key", json: { password } }),
    status: 201,
    answers: { recovery_key: expect.stringMatching(/^(?:[0-9A-Z]{4}-){8}[0-9A-Z]{4}$/) as unknown },
    faulty: { request: () => ({ target: "/auth/recovery-key", json: {} }), names: "password" },
    typescript: (client, { password }) => client.createRecoveryKey(password),
    python: ({ password }) => ({ method: "create_recovery_key", args: [password] }),
    gives: expect.stringMatching(/^(?:[0-9A-Z]{4}-){8}[0-9A-Z]{4}$/) as unknown,
  },
  {
    route: "POST /auth/password",
    access: "admin",
    request: ({ password, pass }) => ({
      target: "/auth/password",
      json: { current: password, new: `${pass} has another password` },
    }),
    status: 204,
    answers: "",
    faulty: {
      request: ({ password }) => ({ target: "/auth/password", json: { current: password, new: "short" } }),
      names: "new",
    },
    typescript: (client, { password, pass }) =>
      client.changePassword(password, `${pass} has another password`),
    python: ({ password, pass }) => ({
      method: "change_password",
      args: [password, `${pass} has another password`],
    }),
    gives: undefined,
    givesInPython: null,
    keep: (_answer, world) => (world.password = `${world.pass} has another password`),
  },
  {
    route: "POST /auth/lock",
    access: "admin",
    request: () => ({ target: "/auth/lock" }),
    status: 200,
    answers: { status: "locked" },
    faulty: {
      request: () => ({ target: "/auth/lock", json: { revoke_tokens: "yes" } }),
      names: "revoke_tokens",
    },
    typescript: (client) => client.lock(),
    python: () => ({ method: "lock" }),
    gives: undefined,
    givesInPython: null,
  },
];
