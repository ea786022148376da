import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wait } from "../live/raw-sockets.js";
import { call, makeToken, type Answered } from "../live/vault-calls.js";
import { startUsesVault, type RunningUse, type UsesVault } from "./running-uses.js";

/** What is promised, and what this machine's two processors may need beside it for all servers of this test. */
const BOUND_MS = 1000 + 250;

const ALL = [{ service: "api" }, { service: "cache" }, { service: "box" }];
/** Of each kind, what is open is not in it. */
const NARROWER = [
  { service: "api", paths: ["/other/**"] },
  { service: "cache", methods: ["GET"] },
  { service: "box", actions: ["exec"], commands: ["uptime"] },
];

let uses: UsesVault;
beforeAll(async () => {
  uses = await startUsesVault();
});
afterAll(() => uses.close());

const asAdmin = async (method: string, path: string, body?: object): Promise<Answered> => {
  const answer = await call(uses.vault.server.address, method, path, {
    token: uses.vault.admin,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect([200, 201], answer.text).toContain(answer.status);
  return answer;
};
const tokenWith = (policy: object | string | undefined, more: object = {}): Promise<string> =>
  makeToken(uses.vault.server, uses.vault.admin, { ...(policy === undefined ? {} : { policy }), ...more });
async function childOf(parent: string, more: object = {}): Promise<string> {
  const answer = await uses.vault.post("/tokens/self/children", more, { token: parent });
  expect(answer.status, answer.text).toBe(201);
  return (answer.json as { id: string }).id;
}
const statusOfNextCall = async (token: string): Promise<number> =>
  (await call(uses.vault.server.address, "GET", "/proxy/api/next", { token })).status;

interface Case {
  readonly victim: string;
  readonly sibling: string;
  /** Resolves when it has to take effect, with the time when that was asked for. */
  readonly withdraw: () => Promise<number>;
  /** Of the victim's next call. */
  readonly status: number;
}

const now = (): number => performance.now();
const done = async (change: Promise<Answered>): Promise<number> => {
  const asked = now();
  await change;
  return asked;
};
const at = (time: number): Promise<number> => wait(time - Date.now()).then(now);

const CASES: readonly [string, () => Promise<Case>][] = [
  [
    "its policy's rules are removed",
    async () => {
      await asAdmin("POST", "/policies", { name: "emptied", rules: ALL });
      await asAdmin("POST", "/policies", { name: "kept", rules: ALL });
      return {
        victim: await tokenWith("emptied"),
        sibling: await tokenWith("kept"),
        withdraw: () => done(asAdmin("PUT", "/policies/emptied", { rules: [] })),
        status: 403,
      };
    },
  ],
  [
    "its policy's paths, commands and actions become narrower",
    async () => {
      await asAdmin("POST", "/policies", { name: "narrowed", rules: ALL });
      return {
        victim: await tokenWith("narrowed"),
        sibling: await tokenWith({ rules: ALL }),
        withdraw: () => done(asAdmin("PUT", "/policies/narrowed", { rules: NARROWER })),
        status: 403,
      };
    },
  ],
  [
    "its policy is removed",
    async () => {
      await asAdmin("POST", "/policies", { name: "removed", rules: ALL });
      return {
        victim: await tokenWith("removed"),
        sibling: await tokenWith({ rules: ALL }),
        withdraw: () => done(asAdmin("DELETE", "/policies/removed?force=true")),
        status: 403,
      };
    },
  ],
  [
    "its parent's policy becomes narrower",
    async () => {
      await asAdmin("POST", "/policies", { name: "inherited", rules: ALL });
      return {
        victim: await childOf(await tokenWith("inherited"), { policy: { rules: ALL } }),
        sibling: await childOf(await tokenWith({ rules: ALL })),
        withdraw: () => done(asAdmin("PUT", "/policies/inherited", { rules: NARROWER })),
        status: 403,
      };
    },
  ],
  [
    "it is revoked, without a policy",
    async () => {
      const victim = await tokenWith(undefined);
      return {
        victim,
        sibling: await tokenWith(undefined),
        withdraw: () => done(asAdmin("DELETE", `/tokens/${victim}`)),
        status: 401,
      };
    },
  ],
  [
    "it is revoked, a child of another",
    async () => {
      const parent = await tokenWith({ rules: ALL });
      const victim = await childOf(parent);
      return {
        victim,
        sibling: parent,
        withdraw: () => done(asAdmin("DELETE", `/tokens/${victim}`)),
        status: 401,
      };
    },
  ],
  [
    "its parent's parent is revoked",
    async () => {
      const [root, other] = [await tokenWith({ rules: ALL }), await tokenWith({ rules: ALL })];
      return {
        victim: await childOf(await childOf(root), { policy: { rules: ALL } }),
        sibling: await childOf(await childOf(other)),
        withdraw: () => done(asAdmin("DELETE", `/tokens/${root}`)),
        status: 401,
      };
    },
  ],
  [
    "it expires",
    async () => {
      const expiresAt = Date.now() + 2500;
      return {
        victim: await tokenWith({ rules: ALL }, { expires_at: new Date(expiresAt).toISOString() }),
        sibling: await tokenWith({ rules: ALL }),
        withdraw: () => at(expiresAt),
        status: 401,
      };
    },
  ],
  [
    "its parent expires",
    async () => {
      const expiresAt = Date.now() + 2500;
      const expires_at = new Date(expiresAt).toISOString();
      return {
        victim: await childOf(await tokenWith(undefined, { expires_at })),
        sibling: await childOf(await tokenWith(undefined)),
        withdraw: () => at(expiresAt),
        status: 401,
      };
    },
  ],
  [
    "the time of its policy is over",
    async () => {
      const until = Date.now() + 2500;
      return {
        victim: await tokenWith({ rules: ALL, valid: { until: new Date(until).toISOString() } }),
        sibling: await tokenWith({ rules: ALL }),
        withdraw: () => at(until),
        status: 403,
      };
    },
  ],
];

describe("all that a token has open ends within a second, and nothing of another's, when", () => {
  test.concurrent.each(CASES)("%s", { timeout: 20_000 }, async (_, prepare) => {
    const { victim, sibling, withdraw, status } = await prepare();
    const [lost, kept] = await Promise.all([uses.begin(victim), uses.begin(sibling)]);
    const endedAt = lost.map(async ({ kind, ended }) => ({ kind, how: await ended, time: now() }));
    const startedAt = await withdraw();
    expect(await statusOfNextCall(victim)).toBe(status);
    const ends = await Promise.all(endedAt);
    for (const { kind, time } of ends) expect(time - startedAt, kind).toBeLessThan(BOUND_MS);
    // A time that was set has to come first.
    for (const { kind, time } of ends) expect(time - startedAt, kind).toBeGreaterThan(-100);
    expect(Object.fromEntries(ends.map(({ kind, how }) => [kind, how]))).toEqual({
      "HTTP stream": "broken off",
      WebSocket: "1006",
      "Redis session": "closed",
      "SSH shell": expect.stringMatching(/^1008 \S/) as unknown,
      "SSH command": expect.stringMatching(/^(?:401|403|broken off)$/) as unknown,
    });
    await Promise.all(kept.map((use: RunningUse) => use.check()));
    expect(await statusOfNextCall(sibling)).toBe(200);
    for (const use of kept) use.close();
  });
});
