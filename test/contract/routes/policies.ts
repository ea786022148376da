import { expect } from "vitest";
import type { RouteRow, World } from "../route-row.js";

const nameOf = ({ pass }: World): string => `readers-${pass}`;
const content = ({ pass }: World) => ({
  rules: [{ service: `api-${pass}`, methods: ["GET"], paths: ["/things/**"] }],
});
const stored = {
  name: expect.stringMatching(/^readers-/) as unknown,
  rules: [{ methods: ["GET"], paths: ["/things/**"] }],
  version: expect.any(Number) as unknown,
  updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown,
};
const storedInPython = { name: stored.name, version: stored.version, updated_at: stored.updated_at };
const unknown = {
  name: "an unknown policy",
  request: () => ({ target: "/policies/nothing-of-that-name" }),
  status: 404,
  code: "not_found",
};

export const POLICIES: readonly RouteRow[] = [
  {
    route: "POST /policies",
    access: "admin",
    request: (world) => ({ target: "/policies", json: { name: nameOf(world), ...content(world) } }),
    status: 201,
    answers: stored,
    faulty: {
      request: (world) => ({ target: "/policies", json: { name: nameOf(world), rules: [{}] } }),
      names: "rules",
    },
    typescript: (client, world) => client.addPolicy({ name: nameOf(world), ...content(world) }),
    python: (world) => ({ method: "add_policy", args: [nameOf(world), content(world)] }),
    givesInPython: storedInPython,
  },
  {
    route: "GET /policies",
    access: "admin",
    request: () => ({ target: "/policies" }),
    status: 200,
    answers: expect.arrayContaining([expect.objectContaining({ name: stored.name })]) as unknown,
    typescript: (client) => client.listPolicies(),
    python: () => ({ method: "list_policies" }),
  },
  {
    route: "GET /policies/{name}",
    access: "admin",
    request: (world) => ({ target: `/policies/${nameOf(world)}` }),
    status: 200,
    answers: stored,
    errors: [unknown],
    typescript: (client, world) => client.getPolicy(nameOf(world)),
    python: (world) => ({ method: "get_policy", args: [nameOf(world)] }),
    givesInPython: storedInPython,
  },
  {
    route: "PUT /policies/{name}",
    access: "admin",
    request: (world) => ({ target: `/policies/${nameOf(world)}`, json: content(world) }),
    status: 200,
    answers: { ...stored, version: 2 },
    faulty: {
      request: (world) => ({ target: `/policies/${nameOf(world)}`, json: { rules: "all" } }),
      names: "rules",
    },
    errors: [
      {
        ...unknown,
        request: (world) => ({ target: "/policies/nothing-of-that-name", json: content(world) }),
      },
    ],
    typescript: (client, world) => client.updatePolicy(nameOf(world), content(world)),
    python: (world) => ({ method: "update_policy", args: [nameOf(world), content(world)] }),
    givesInPython: { ...storedInPython, version: 2 },
  },
  {
    route: "POST /policies/test",
    access: "admin",
    request: (world) => ({
      target: "/policies/test",
      json: { policy: nameOf(world), service: `api-${world.pass}`, method: "GET", path: "/things/1" },
    }),
    status: 200,
    answers: { allowed: true, rule: expect.stringMatching(/^readers-\w+\/1$/) as unknown },
    faulty: { request: () => ({ target: "/policies/test", json: { policy: 1 } }), names: "policy" },
    errors: [
      {
        ...unknown,
        request: () => ({
          target: "/policies/test",
          json: { policy: "nothing-of-that-name", service: "x", method: "GET", path: "/" },
        }),
      },
    ],
    typescript: (client, world) =>
      client.testPolicy(nameOf(world), { service: `api-${world.pass}`, method: "GET", path: "/things/1" }),
    python: (world) => ({
      method: "test_policy",
      args: [nameOf(world), `api-${world.pass}`],
      kwargs: { method: "GET", path: "/things/1" },
    }),
  },
];

/** After the tokens that have it. */
export const POLICY_REMOVAL: readonly RouteRow[] = [
  {
    route: "DELETE /policies/{name}",
    access: "admin",
    request: (world) => ({ target: `/policies/${nameOf(world)}?force=true` }),
    status: 200,
    answers: { status: "deleted" },
    faulty: {
      request: (world) => ({ target: `/policies/${nameOf(world)}?force=perhaps` }),
      names: "force",
    },
    errors: [
      unknown,
      {
        name: "a policy that a token has",
        request: (world) => ({ target: `/policies/${nameOf(world)}` }),
        status: 409,
        code: "conflict",
      },
    ],
    typescript: (client, world) => client.removePolicy(nameOf(world), { force: true }),
    python: (world) => ({ method: "remove_policy", args: [nameOf(world)], kwargs: { force: true } }),
    gives: undefined,
    givesInPython: null,
  },
];
