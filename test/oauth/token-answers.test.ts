import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import { startScriptedTokenEndpoint, type ScriptedTokenEndpoint } from "./scripted-token-endpoint.js";
import { ANSWER_CASES, MARK } from "./token-answers.js";

/*
 * Token endpoints that answer as nobody should, or as only some do.
 */

const TOLERANCE_S = 5;
/** One by the call, and so many more where a failure could pass. */
const MOST_TOKEN_CALLS = 4;

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;
const secrets = new Set<string>();
let count = 0;

beforeAll(async () => {
  world = await startRefreshWorld();
  endpoint = await startScriptedTokenEndpoint({ certificates: world.certificates });
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});

async function addService(): Promise<{ name: string; refreshToken: string }> {
  const name = `answers-${(count += 1)}`;
  const refreshToken = endpoint.issuer.grantAgain();
  secrets.add(refreshToken);
  await world.addOauth(name, refreshToken, endpoint);
  endpoint.reset();
  return { name, refreshToken };
}

describe("a token endpoint's answer:", () => {
  test.each(ANSWER_CASES)("$title: $outcome", async ({ answer, outcome, livesFor }) => {
    const { name } = await addService();
    endpoint.script = () => answer(endpoint.issuer);
    const got = await world.proxy(name);
    for (const token of endpoint.issuer.accessTokens) secrets.add(token);
    expect(got.text).not.toContain(MARK);
    if (outcome === "works") {
      expect(got.status, got.text).toBe(200);
      expect(endpoint.calls).toHaveLength(1);
      const { expires_at } = (await world.info(name)) as { expires_at: number };
      const wanted = world.clock.now() / 1000 + (livesFor ?? 0);
      expect(Math.abs(expires_at - wanted)).toBeLessThan(TOLERANCE_S);
    } else {
      expectRefusal(got, 502, outcome);
      expect(endpoint.apiCalls).toEqual([]);
      expect(endpoint.calls.length).toBeLessThanOrEqual(
        outcome === "oauth2_reauthorization_required" ? 1 : MOST_TOKEN_CALLS,
      );
    }
  });
});

describe("a redirect of the token endpoint is not followed:", () => {
  test.each([301, 302, 303, 307, 308])("%i", async (status) => {
    const { name } = await addService();
    endpoint.script = ({ path }) =>
      path === "/token"
        ? { status, headers: { Location: `${endpoint.origin}/elsewhere` } }
        : { body: endpoint.issuer.issue().json };
    expectRefusal(await world.proxy(name), 502, "oauth2_refresh_failed");
    expect(endpoint.calls.map(({ path }) => path)).not.toContain("/elsewhere");
  });
});

test("what the request looks like: a form, the client's proof, and nothing else that is secret", async () => {
  const { name, refreshToken } = await addService();
  expect((await world.proxy(name)).status).toBe(200);
  expect(endpoint.calls).toMatchObject([
    {
      path: "/token",
      method: "POST",
      bodyFormat: "form",
      client: { method: "post", id: "client" },
      parameters: { grant_type: "refresh_token", refresh_token: refreshToken },
    },
  ]);
  expect(endpoint.calls[0]?.headers.accept).toContain("application/json");
});

test("no answer of a provider, and no secret, is in any log", () => {
  const log = world.log();
  expect(log).not.toContain(MARK);
  expect(secrets.size).toBeGreaterThan(50);
  for (const secret of secrets) expect(log).not.toContain(secret);
});
