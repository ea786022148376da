import { expect } from "vitest";
import { kept, textOf, type RouteRow, type World } from "../route-row.js";

const RFC_3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown;
const serviceOf = ({ pass }: World): string => `login-${pass}`;
const client = ({ upstream, upstreamCa }: World) =>
  ({
    client_id: "the-client",
    client_secret: "secret-of-the-client",
    token_url: `${upstream}/token`,
    scopes: ["read"],
    allow_private: true,
    tls_ca: upstreamCa,
  }) as const;
const browser = (world: World) => ({ ...client(world), auth_url: `${world.upstream}/authorize` });
const device = (world: World) => ({ ...client(world), device_url: `${world.upstream}/device` });
const named = (world: World) => ({ service_name: serviceOf(world), base_url: world.upstream });

const unknown = {
  name: "an unknown login",
  request: () => ({ target: "/auth/oauth2/flows/nothing-of-that-name" }),
  status: 404,
  code: "not_found",
};

export const LOGINS: readonly RouteRow[] = [
  {
    route: "POST /auth/oauth2/authorize",
    access: "admin",
    request: (world) => ({ target: "/auth/oauth2/authorize", json: { ...named(world), ...browser(world) } }),
    status: 200,
    answers: {
      auth_url: expect.stringMatching(/\/authorize\?.*code_challenge=/) as unknown,
      redirect_uri: expect.stringMatching(/\/auth\/oauth2\/callback$/) as unknown,
      flow: expect.any(String) as unknown,
      expires_at: RFC_3339,
    },
    faulty: {
      request: (world) => ({
        target: "/auth/oauth2/authorize",
        json: { ...named(world), ...browser(world), scopes: 1 },
      }),
      names: "scopes",
    },
    typescript: (sdk, world) => sdk.oauthAuthorize({ ...named(world), ...browser(world) }),
    python: (world) => ({
      method: "oauth_authorize",
      args: [serviceOf(world), world.upstream],
      kwargs: browser(world),
    }),
    keep(answer, world) {
      world.kept.set("login", textOf(answer, "flow"));
      world.kept.set("state", new URL(textOf(answer, "auth_url")).searchParams.get("state") ?? "");
    },
  },
  {
    route: "GET /auth/oauth2/callback",
    access: "none",
    opensWhileLocked: true,
    request: (world) => ({
      target: `/auth/oauth2/callback?code=a-code&state=${encodeURIComponent(kept(world, "state"))}`,
    }),
    status: 200,
    answers: expect.stringMatching(/^<!doctype html>/i) as unknown,
    typescript: async (sdk, world) =>
      (
        await sdk.do(
          "GET",
          `/auth/oauth2/callback?code=a-code&state=${encodeURIComponent(kept(world, "state"))}`,
        )
      ).text(),
  },
  {
    route: "GET /auth/oauth2/flows/{flow}",
    access: "admin",
    request: (world) => ({ target: `/auth/oauth2/flows/${kept(world, "login")}` }),
    status: 200,
    answers: { status: "done", service_name: expect.stringMatching(/^login-/) as unknown },
    errors: [unknown],
    typescript: (sdk, world) => sdk.oauthFlow(kept(world, "login")),
    python: (world) => ({ method: "oauth_flow", args: [kept(world, "login")] }),
  },
  {
    route: "GET /health/tokens",
    access: "any",
    as: "proxy",
    request: () => ({ target: "/health/tokens" }),
    status: 200,
    answers: expect.arrayContaining([
      expect.objectContaining({
        name: expect.stringMatching(/^login-/) as unknown,
        auth_type: "oauth2_client",
        token_status: "valid",
        // Unix seconds.
        expires_at: expect.closeTo(Date.now() / 1000 + 3600, -3) as unknown,
      }),
    ]) as unknown,
    typescript: (sdk) => sdk.healthTokens(),
    python: () => ({ method: "health_tokens" }),
  },
  {
    route: "POST /auth/oauth2/device",
    access: "admin",
    request: (world) => ({ target: "/auth/oauth2/device", json: { ...named(world), ...device(world) } }),
    status: 200,
    answers: {
      user_code: "ABCD-EFGH",
      verification_uri: expect.stringMatching(/^https:/) as unknown,
      flow: expect.any(String) as unknown,
      expires_at: RFC_3339,
      interval: 5,
    },
    faulty: {
      request: (world) => ({
        target: "/auth/oauth2/device",
        json: { ...named(world), ...device(world), device_url: 7 },
      }),
      names: "device_url",
    },
    typescript: (sdk, world) => sdk.oauthDevice({ ...named(world), ...device(world) }),
    python: (world) => ({
      method: "oauth_device",
      args: [serviceOf(world), world.upstream],
      kwargs: device(world),
    }),
    keep: (answer, { kept }) => kept.set("device-login", textOf(answer, "flow")),
  },
  {
    route: "DELETE /auth/oauth2/flows/{flow}",
    access: "admin",
    request: (world) => ({ target: `/auth/oauth2/flows/${kept(world, "device-login")}` }),
    status: 200,
    answers: { status: "cancelled" },
    errors: [unknown],
    typescript: (sdk, world) => sdk.cancelOauthFlow(kept(world, "device-login")),
    python: (world) => ({ method: "cancel_oauth_flow", args: [kept(world, "device-login")] }),
    gives: undefined,
    givesInPython: null,
  },
];
