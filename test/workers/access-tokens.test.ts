import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "../oauth/scripted-token-endpoint.js";
import { startWorkerVault, type Caller, type WorkerVault } from "./worker-vault.js";

const CALLS = 200;
const REFRESHES = 5;
/** Seconds: with one, a busy machine takes longer for a round than its tokens last. */
const LIFETIME = 2;

let vault: WorkerVault;
let provider: ScriptedTokenEndpoint;
let callers: Caller[];

beforeAll(async () => {
  vault = await startWorkerVault();
  provider = await startScriptedTokenEndpoint();
  callers = await vault.callers();
});

afterAll(async () => {
  await vault.close();
  await provider.close();
});

async function addOauth(name: string, from = provider): Promise<void> {
  const { refreshToken } = from.issuer;
  await vault.add(name, {
    base_url: from.apiUrl,
    tls_ca: from.certificates.ca,
    auth: {
      ...{ type: "oauth2_client", token_url: from.tokenUrl, refresh_token: refreshToken },
      ...{ client_id: "client", client_secret: "client-secret-0123456789abcdef" },
    },
  });
  from.calls.length = 0;
}

const callAll = (service: string, count = CALLS) =>
  Promise.all(
    Array.from({ length: count }, async (_, each) => {
      const answer = await callers[each % 4]?.call("GET", `/proxy/${service}/x`, { token: vault.token });
      return answer?.status;
    }),
  );

test("200 calls at once over two workers on an expired token are one refresh", async () => {
  await addOauth("once");
  expect(new Set(await callAll("once"))).toEqual(new Set([200]));
  expect(provider.calls).toHaveLength(1);
});

test("an access token in an answer is overwritten, whichever worker passes it on", async () => {
  await addOauth("echo");
  const answers = await Promise.all(
    callers.map((each) => each.call("GET", "/proxy/echo/x", { token: vault.token })),
  );
  const tokens = new Set(provider.apiCalls.map(({ token }) => token));
  for (const token of tokens) for (const { text } of answers) expect(text).not.toContain(token);
});

test("a token is refreshed ever so often, with and without rotation, by one call and by many at once", async () => {
  const { certificates } = provider;
  const kinds = [
    { name: "one", count: 1, rotate: true },
    { name: "many", count: 20, rotate: true },
    { name: "unrotated", count: 20, rotate: false },
  ];
  await Promise.all(
    kinds.map(async ({ name, count, rotate }) => {
      const short = await startScriptedTokenEndpoint({
        certificates,
        issuer: { rotate, expiresIn: LIFETIME },
      });
      await addOauth(name, short);
      const rounds = [];
      for (let round = 1; round <= REFRESHES; round += 1) {
        rounds.push(...(await callAll(name, count)));
        await delay(LIFETIME * 1000);
      }
      expect(short.calls.length).toBeGreaterThanOrEqual(REFRESHES);
      expect(new Set(rounds)).toEqual(new Set([200]));
      await short.close();
    }),
  );
});
