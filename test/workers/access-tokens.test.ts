import { afterAll, beforeAll, expect, test } from "vitest";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "../oauth/scripted-token-endpoint.js";
import { startWorkerVault, type Caller, type WorkerVault } from "./worker-vault.js";

const CALLS = 200;

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

async function addOauth(name: string): Promise<void> {
  const { refreshToken } = provider.issuer;
  await vault.add(name, {
    base_url: provider.apiUrl,
    tls_ca: provider.certificates.ca,
    auth: {
      ...{ type: "oauth2_client", token_url: provider.tokenUrl, refresh_token: refreshToken },
      ...{ client_id: "client", client_secret: "client-secret-0123456789abcdef" },
    },
  });
  provider.calls.length = 0;
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

test.each([
  [1, true],
  [20, true],
  [20, false],
])("a token is refreshed ever so often, by %i calls at once (rotation: %s)", async (count, rotate) => {
  const name = `often-${count}-${rotate}`;
  provider.issuer.settings.rotate = rotate;
  await addOauth(name);
  for (let round = 1; round <= 10; round += 1) {
    provider.issuer.revokeAccessTokens();
    expect(new Set(await callAll(name, count))).toEqual(new Set([200]));
    expect(provider.calls).toHaveLength(round);
  }
});
