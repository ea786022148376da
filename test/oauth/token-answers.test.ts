import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answered } from "../live/vault-calls.js";
import { CLIENT_SECRET, expectRefusal, startRefreshWorld, type RefreshWorld } from "./refresh-world.js";
import {
  startScriptedTokenEndpoint,
  type ScriptedTokenEndpoint,
  type TokenAnswer,
  type TokenCall,
} from "./scripted-token-endpoint.js";
import { ANSWER_CASES, MARK, type AnswerCase } from "./token-answers.js";

/*
 * Token endpoints that answer as nobody should, or as only some do. A failure that may pass is tried again, which takes
 * seconds: each case has a service and a path of its own, and all of them are asked at once.
 */

const TOLERANCE_S = 15;
/** One by the call, and so many more where a failure could pass. */
const MOST_TOKEN_CALLS = 3;
const REDIRECTS = [301, 302, 303, 307, 308];
/** The longest that a call waits for a token. */
const DEADLINE_MS = 30_000;

interface Outcome {
  readonly answer: Answered;
  /** Seconds from the call on. */
  readonly livesFor: number;
  readonly tokenCalls: readonly TokenCall[];
  readonly apiCalls: number;
}

let world: RefreshWorld;
let endpoint: ScriptedTokenEndpoint;
const outcomes = new Map<string, Outcome>();
const secrets = new Set<string>([CLIENT_SECRET]);

const redirecting = (status: number): AnswerCase => ({
  title: `a redirect with ${status}`,
  answer: () => ({ status, headers: { Location: `${endpoint.origin}/elsewhere` } }),
  outcome: "oauth2_refresh_failed",
});
const CASES = [...ANSWER_CASES, ...REDIRECTS.map(redirecting)];

beforeAll(async () => {
  world = await startRefreshWorld();
  endpoint = await startScriptedTokenEndpoint({
    certificates: world.certificates,
    issuer: { accepted: Infinity },
  });
  const answers = new Map(CASES.map(({ answer }, index) => [`/token/${index}`, answer]));
  endpoint.script = ({ path }): TokenAnswer =>
    answers.get(path)?.(endpoint.issuer) ?? { body: endpoint.issuer.issue().json };
  await Promise.all(CASES.map(async ({ title }, index) => outcomes.set(title, await ask(index))));
  for (const token of endpoint.issuer.accessTokens) secrets.add(token);
});
afterAll(async () => {
  await world.close();
  await endpoint.close();
});

async function ask(index: number): Promise<Outcome> {
  const name = `answer-${index}`;
  const refreshToken = `refresh-token-of-${name}`;
  secrets.add(refreshToken);
  const tokenUrl = `${endpoint.origin}/token/${index}`;
  await world.addOauth(name, refreshToken, { tokenUrl, apiUrl: endpoint.apiUrl });
  const began = world.clock.now() / 1000;
  const answer = await world.proxy(name, { target: `/${name}` });
  return {
    answer,
    livesFor: Number((await world.info(name)).expires_at) - began,
    tokenCalls: endpoint.calls.filter(({ path }) => path === `/token/${index}`),
    apiCalls: endpoint.apiCalls.filter(({ target }) => target === `/api/${name}`).length,
  };
}

describe("a token endpoint's answer:", () => {
  test.each(CASES)("$title: $outcome", ({ title, outcome, livesFor = 0 }) => {
    const found = outcomes.get(title)!;
    expect(found.answer.text).not.toContain(MARK);
    if (outcome === "works") {
      expect(found.answer.status, found.answer.text).toBe(200);
      expect(found.tokenCalls).toHaveLength(1);
      expect(Math.abs(found.livesFor - livesFor), `lives for ${found.livesFor} s`).toBeLessThan(TOLERANCE_S);
    } else {
      expectRefusal(found.answer, 502, outcome);
      expect(found.apiCalls).toBe(0);
      expect(found.tokenCalls.length).toBeLessThanOrEqual(
        outcome === "oauth2_reauthorization_required" ? 1 : MOST_TOKEN_CALLS,
      );
    }
  });
});

test("no redirect was followed", () => {
  expect(endpoint.calls.map(({ path }) => path)).not.toContain("/elsewhere");
});

test.each(["before its answer", "within its body"])(
  "an endpoint that falls silent %s keeps nobody waiting for longer than the deadline",
  async (when) => {
    const name = `silent-${when.split(" ")[0] ?? ""}`;
    await world.addOauth(name, "refresh-token-of-silence", endpoint);
    endpoint.reset();
    endpoint.script = () =>
      when === "within its body" ? { body: `{"${MARK}`, end: "silence" } : { delayMs: 60_000 };
    const waiting = world.proxy(name);
    await endpoint.called(1);
    await world.clock.advance(DEADLINE_MS);
    const began = Date.now();
    expectRefusal(await waiting, 502, "oauth2_refresh_failed");
    expect(Date.now() - began).toBeLessThan(1000);
  },
);

test("what a request looks like: a form, the client's proof, and a wish for JSON", () => {
  const [first] = outcomes.get("status 201")!.tokenCalls;
  expect(first).toMatchObject({
    method: "POST",
    bodyFormat: "form",
    client: { method: "post", id: "client", secret: CLIENT_SECRET },
    headers: { accept: "application/json" },
  });
  expect(Object.keys(first!.parameters).sort()).toEqual([
    "client_id",
    "client_secret",
    "grant_type",
    "refresh_token",
  ]);
});

test("no answer of a provider, and no secret, is in any log", () => {
  const log = world.log();
  expect(log).toContain("answer-1");
  expect(log).not.toContain(MARK);
  expect(secrets.size).toBeGreaterThan(50);
  for (const secret of secrets) expect(log).not.toContain(secret);
});
