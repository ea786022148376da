import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IssuedToken } from "../auth-strategies/issued-token.js";
import type { TokenRequest } from "../auth-strategies/oauth2/token-endpoint.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import { browserLoginSchema, deviceLoginSchema } from "./login-schema.js";
import { createLogins, type LoginParts, type Logins } from "./logins.js";

/*
 * What comes in between: a lock or a cancellation at each moment of a login, whatever the provider does with an
 * aborted request.
 */

const LOCKED = new VaultProxyError("vault_locked", "the vault was locked");
const TOKEN: IssuedToken = {
  accessToken: new Secret("access-token"),
  refreshToken: new Secret("refresh-token"),
  issuedAt: 0,
  expiresAt: 3600,
  hasLifetime: true,
};
const CLIENT_FILE = JSON.stringify({
  installed: { client_id: "1", redirect_uris: ["http://localhost"] },
});
const BODY = { service_name: "api", base_url: "https://api.example.com", client_secret_file: "client.json" };
const OWN = { scheme: "http", host: "localhost:8390" } as const;

/** Holds back what waits for it until it is opened. */
function gate(): { readonly passed: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

let records: Map<string, ServiceRecord>;
let asked: TokenRequest[];
let logins: Logins;
/** What each part waits for. */
let waits: Partial<Record<"readFile" | "requestToken" | "send" | "change", Promise<void>>>;
let tokenFailure: Error | undefined;

beforeEach(() => {
  records = new Map();
  asked = [];
  waits = {};
  tokenFailure = undefined;
  const parts: LoginParts = {
    services: {
      records,
      async change(mutate) {
        await waits.change;
        return mutate(records);
      },
    },
    async readFile() {
      await waits.readFile;
      return Buffer.from(CLIENT_FILE);
    },
    // Neither looks at its signal, as one that is nearly done would not.
    async requestToken(request) {
      asked.push(request);
      await waits.requestToken;
      if (tokenFailure !== undefined) throw tokenFailure;
      return TOKEN;
    },
    async send() {
      await waits.send;
      const device = { device_code: "d", user_code: "u", verification_uri: "https://example.com/" };
      return { status: 200, headers: new Map(), body: Buffer.from(JSON.stringify(device)) };
    },
    wait: () => Promise.resolve(),
    isLocked: () => false,
    clock: Date.now,
    randomBytes,
    log: { info: () => undefined, warn: () => undefined },
  };
  logins = createLogins(parts);
});
afterEach(() => logins.clear(LOCKED));

const startInBrowser = () => logins.startInBrowser(browserLoginSchema.parse(BODY), OWN);
const startOnDevice = () => logins.startOnDevice(deviceLoginSchema.parse(BODY));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a lock", () => {
  test("while a file is read keeps the login from beginning", async () => {
    const { passed, open } = gate();
    waits.readFile = passed;
    const starting = [startInBrowser(), startOnDevice()].map((start) =>
      start.catch((error: unknown) => error),
    );
    await turn();
    logins.clear(LOCKED);
    open();
    expect(await Promise.all(starting)).toEqual([LOCKED, LOCKED]);
  });

  test("while the provider makes a device code keeps the login from beginning", async () => {
    const { passed, open } = gate();
    waits.send = passed;
    const starting = startOnDevice().catch((error: unknown) => error);
    await turn();
    logins.clear(LOCKED);
    open();
    expect(await starting).toBe(LOCKED);
    await turn();
    expect(asked).toEqual([]);
  });
});

describe.each([
  ["a lock", () => logins.clear(LOCKED), { kind: "locked" }],
  [
    "a cancellation",
    (flow: string) => logins.cancel(flow),
    { kind: "failed", failure: { code: "cancelled" } },
  ],
])("%s", (_title, stop, outcome) => {
  test.each(["requestToken", "change"] as const)("while %s is under way stores nothing", async (part) => {
    const { passed, open } = gate();
    waits[part] = passed;
    const { flow, state } = await startInBrowser();
    const completing = logins.complete(`state=${state}&code=c`);
    await turn();
    stop(flow);
    open();
    expect(await completing).toMatchObject(outcome);
    expect(records.size).toBe(0);
  });

  test("is told as what ended the login, whatever else failed then", async () => {
    const { passed, open } = gate();
    waits.requestToken = passed;
    tokenFailure = new Error("socket closed");
    const { flow, state } = await startInBrowser();
    const completing = logins.complete(`state=${state}&code=c`);
    await turn();
    stop(flow);
    open();
    expect(await completing).toMatchObject(outcome);
  });
});

test("a defect in the middle of a login is told as one, without its text", async () => {
  tokenFailure = new Error("secret text");
  const { flow, state } = await startInBrowser();
  const failure = { code: "internal", error: "internal error" };
  expect(await logins.complete(`state=${state}&code=c`)).toEqual({
    kind: "failed",
    serviceName: "api",
    failure,
  });
  expect(logins.statusOf(flow)).toEqual({ status: "failed", serviceName: "api", ...failure });
});

test("a client of Google without a device endpoint is asked at Google's", async () => {
  const { flow } = await startOnDevice();
  await turn();
  await turn();
  expect(logins.statusOf(flow)).toMatchObject({ status: "done" });
  expect(asked).toMatchObject([{ url: "https://oauth2.googleapis.com/token", client: { id: "1" } }]);
});
