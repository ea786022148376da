import { expect } from "vitest";
import type { RouteRow, World } from "../route-row.js";

const definition = ({ pass, upstream, upstreamCa }: World) =>
  ({
    name: `api-${pass}`,
    base_url: upstream,
    auth: { type: "bearer", token: `secret-of-${pass}` },
    allow_private: true,
    tls_ca: upstreamCa,
  }) as const;
/** Without the secret: the stored one stays. */
const update = ({ upstream, upstreamCa }: World) =>
  ({
    base_url: upstream,
    auth: { type: "bearer" },
    allow_private: true,
    tls_ca: upstreamCa,
    description: "changed",
  }) as const;

const info = {
  name: expect.stringMatching(/^api-/) as unknown,
  auth_type: "bearer",
  base_url: expect.stringMatching(/^https:/) as unknown,
  tls_skip_verify: false,
  session_cookies: false,
};
const unknown = {
  name: "an unknown service",
  request: () => ({ target: "/services/nothing-of-that-name" }),
  status: 404,
  code: "not_found",
};

export const SERVICES: readonly RouteRow[] = [
  {
    route: "POST /services",
    access: "admin",
    request: (world) => ({ target: "/services", json: definition(world) }),
    status: 201,
    answers: info,
    faulty: {
      request: (world) => ({ target: "/services", json: { ...definition(world), name: "../up" } }),
      names: "name",
    },
    errors: [
      {
        name: "an address that is not allowed",
        request: (world) => ({
          target: "/services",
          json: { ...definition(world), base_url: "https://169.254.169.254", allow_private: false },
        }),
        status: 400,
        code: "invalid_request",
      },
      {
        name: "a body of another type",
        request: () => ({ target: "/services", json: {}, headers: { "Content-Type": "text/plain" } }),
        status: 415,
        code: "unsupported_media_type",
      },
      {
        name: "a body over 1 MB",
        request: (world) => ({
          target: "/services",
          json: { ...definition(world), description: "x".repeat(1024 * 1024) },
        }),
        status: 413,
        code: "body_too_large",
      },
    ],
    typescript: (client, world) => client.addService(definition(world)),
    python: (world) => ({ method: "add_service", args: [definition(world)] }),
  },
  {
    route: "GET /services",
    access: "any",
    as: "proxy",
    request: () => ({ target: "/services" }),
    status: 200,
    answers: expect.arrayContaining([expect.objectContaining(info)]) as unknown,
    typescript: (client) => client.listServices(),
    python: () => ({ method: "list_services" }),
  },
  {
    route: "GET /services/{name}",
    access: "any",
    as: "proxy",
    request: ({ pass }) => ({ target: `/services/api-${pass}` }),
    status: 200,
    answers: info,
    faulty: { request: () => ({ target: "/services/-x" }), names: "name" },
    errors: [unknown],
    typescript: (client, { pass }) => client.getService(`api-${pass}`),
    python: ({ pass }) => ({ method: "get_service", args: [`api-${pass}`] }),
  },
  {
    route: "PUT /services/{name}",
    access: "admin",
    request: (world) => ({ target: `/services/api-${world.pass}`, json: update(world) }),
    status: 200,
    answers: { ...info, description: "changed" },
    faulty: {
      request: (world) => ({
        target: `/services/api-${world.pass}`,
        json: { ...update(world), auth: { type: "bearer", tokn: "x" } },
      }),
      names: "tokn",
    },
    errors: [
      { ...unknown, request: (world) => ({ target: "/services/nothing-of-that-name", json: update(world) }) },
    ],
    typescript: (client, world) =>
      client.updateService(`api-${world.pass}`, { ...definition(world), description: "changed" }),
    python: (world) => ({ method: "update_service", args: [`api-${world.pass}`, update(world)] }),
  },
  {
    route: "PATCH /services/{name}",
    access: "admin",
    request: ({ pass }) => ({ target: `/services/api-${pass}`, json: { description: "patched" } }),
    status: 200,
    answers: { ...info, description: "patched" },
    faulty: {
      request: ({ pass }) => ({ target: `/services/api-${pass}`, json: { auth: { tokn: "x" } } }),
      names: "tokn",
    },
    errors: [
      {
        ...unknown,
        request: () => ({ target: "/services/nothing-of-that-name", json: { description: "patched" } }),
      },
    ],
    typescript: (client, { pass }) => client.patchService(`api-${pass}`, { description: "patched" }),
    python: ({ pass }) => ({ method: "patch_service", args: [`api-${pass}`, { description: "patched" }] }),
  },
];

/** After the calls that use it. */
export const SERVICE_REMOVAL: readonly RouteRow[] = [
  {
    route: "DELETE /services/{name}",
    access: "admin",
    request: ({ pass }) => ({ target: `/services/api-${pass}` }),
    status: 200,
    answers: { status: "deleted" },
    faulty: { request: () => ({ target: "/services/-x" }), names: "name" },
    errors: [unknown],
    typescript: (client, { pass }) => client.removeService(`api-${pass}`),
    python: ({ pass }) => ({ method: "remove_service", args: [`api-${pass}`] }),
    gives: undefined,
    givesInPython: null,
  },
];
