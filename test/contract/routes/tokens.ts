import { expect } from "vitest";
import { kept, textOf, type RouteRow } from "../route-row.js";

const RFC_3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/) as unknown;
const TOKEN = expect.stringMatching(/^tok_[A-Za-z0-9_-]{43}$/) as unknown;
const issued = { id: TOKEN, scope: "proxy", created_at: RFC_3339, expires_at: RFC_3339 };
const issuedInPython = { id: TOKEN, scope: "proxy" };
const unknown = (suffix: string) => ({
  name: "an unknown token",
  request: () => ({ target: `/tokens/tok_nothing${suffix}` }),
  status: 404,
  code: "not_found",
});

export const TOKENS: readonly RouteRow[] = [
  {
    route: "POST /tokens",
    access: "admin",
    request: ({ pass }) => ({
      target: "/tokens",
      json: { scope: "proxy", name: `agent-${pass}`, ttl: "90s", policy: `readers-${pass}` },
    }),
    status: 201,
    answers: { ...issued, name: expect.stringMatching(/^agent-/) as unknown },
    faulty: { request: () => ({ target: "/tokens", json: { ttl: "soon" } }), names: "ttl" },
    errors: [
      {
        name: "an unknown policy",
        request: () => ({ target: "/tokens", json: { policy: "nothing-of-that-name" } }),
        status: 400,
        code: "invalid_request",
      },
    ],
    typescript: (client, { pass }) =>
      client.createTokenWithDetails({
        scope: "proxy",
        name: `agent-${pass}`,
        ttl: "90s",
        policy: `readers-${pass}`,
      }),
    python: ({ pass }) => ({
      method: "create_token",
      args: ["proxy"],
      kwargs: { name: `agent-${pass}`, ttl: "90s", policy: `readers-${pass}` },
    }),
    givesInPython: issuedInPython,
    keep: (answer, { kept }) => kept.set("token", textOf(answer, "id")),
  },
  {
    route: "POST /tokens/self/children",
    access: "proxy",
    request: ({ pass }) => ({ target: "/tokens/self/children", json: { name: `child-${pass}`, ttl: "60s" } }),
    status: 201,
    answers: { ...issued, name: expect.stringMatching(/^child-/) as unknown },
    faulty: { request: () => ({ target: "/tokens/self/children", json: { ttl: 60 } }), names: "ttl" },
    typescript: (client, { pass }) =>
      client.createChildTokenWithDetails({ name: `child-${pass}`, ttl: "60s" }),
    python: ({ pass }) => ({
      method: "create_child_token",
      kwargs: { name: `child-${pass}`, ttl: "60s" },
    }),
    givesInPython: issuedInPython,
    keep: (answer, { kept }) => kept.set("child", textOf(answer, "id")),
  },
  {
    route: "GET /tokens",
    access: "admin",
    request: () => ({ target: "/tokens" }),
    status: 200,
    answers: expect.arrayContaining([
      expect.objectContaining({
        id_prefix: expect.stringMatching(/^tok_[A-Za-z0-9_-]+\.\.\.$/) as unknown,
        scope: "proxy",
        name: expect.stringMatching(/^agent-/) as unknown,
        policy: expect.stringMatching(/^readers-/) as unknown,
      }),
    ]) as unknown,
    typescript: (client) => client.listTokens(),
    python: () => ({ method: "list_tokens" }),
  },
  {
    route: "POST /tokens/{id}/resume",
    access: "admin",
    request: (world) => ({ target: `/tokens/${kept(world, "token")}/resume` }),
    status: 200,
    answers: { status: "active" },
    errors: [unknown("/resume")],
    typescript: (client, world) => client.resumeToken(kept(world, "token")),
    python: (world) => ({ method: "resume_token", args: [kept(world, "token")] }),
    gives: undefined,
    givesInPython: null,
  },
];

export const TOKEN_REMOVAL: readonly RouteRow[] = [
  {
    route: "DELETE /tokens/self",
    access: "any",
    asKept: "child",
    request: () => ({ target: "/tokens/self" }),
    status: 200,
    answers: { status: "revoked" },
    typescript: (client) => client.revokeToken("self"),
    python: () => ({ method: "revoke_token", args: ["self"] }),
    gives: undefined,
    givesInPython: null,
  },
  {
    route: "DELETE /tokens/{id}",
    access: "admin",
    request: (world) => ({ target: `/tokens/${kept(world, "token").slice(0, 12)}...` }),
    status: 200,
    answers: { status: "revoked" },
    errors: [
      unknown(""),
      {
        name: "a prefix of several",
        request: () => ({ target: "/tokens/tok_" }),
        status: 409,
        code: "conflict",
      },
    ],
    typescript: (client, world) => client.revokeToken(`${kept(world, "token").slice(0, 12)}...`),
    python: (world) => ({ method: "revoke_token", args: [`${kept(world, "token").slice(0, 12)}...`] }),
    gives: undefined,
    givesInPython: null,
  },
];
