import { expect, test } from "vitest";
import { TokenEndpointError } from "../auth-strategies/oauth2/token-endpoint-error.js";
import { refusedBy } from "../auth-strategies/oauth2/token-endpoint-error.js";
import type { IssuedToken } from "../auth-strategies/issued-token.js";
import { Secret } from "../redaction/secret.js";
import { pollForToken } from "./device-polling.js";

const TOKEN: IssuedToken = { accessToken: new Secret("t"), issuedAt: 0, expiresAt: 1, hasLifetime: true };
const temporary = (retryAfterMs?: number) =>
  new TokenEndpointError("oauth2_refresh_failed", "no answer", { isTemporary: true, retryAfterMs });

/** Polls an endpoint that answers these in turn, the last for ever; gives the pauses in seconds and the end. */
async function poll(...answers: (Error | IssuedToken)[]): ReturnType<typeof pollFrom> {
  return pollFrom(5, ...answers);
}

async function pollFrom(
  intervalSeconds: number,
  ...answers: (Error | IssuedToken)[]
): Promise<{ pauses: number[]; end: unknown }> {
  const pauses: number[] = [];
  const { signal } = new AbortController();
  const ask = (): Promise<IssuedToken> => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? TOKEN);
  };
  const wait = (milliseconds: number): Promise<void> => {
    pauses.push(milliseconds / 1000);
    return pauses.length > 20 ? Promise.reject(new Error("it goes on")) : Promise.resolve();
  };
  const polling = pollForToken(intervalSeconds * 1000, { ask, wait, signal });
  const end: unknown = await polling.catch((error: unknown) => error);
  return { pauses, end };
}

test("the first question comes after the interval, and each pending answer leads to another", async () => {
  const pending = refusedBy("authorization_pending", false);
  expect(await poll(pending, pending, TOKEN)).toEqual({ pauses: [5, 5, 5], end: TOKEN });
});

test("slow_down adds five seconds for good", async () => {
  const slower = refusedBy("slow_down", false);
  const pending = refusedBy("authorization_pending", false);
  expect((await poll(slower, pending, slower, pending, TOKEN)).pauses).toEqual([5, 10, 10, 15, 15]);
});

test("slow_down makes it five minutes at most", async () => {
  const slower = refusedBy("slow_down", false);
  expect((await pollFrom(294, slower, slower, slower, TOKEN)).pauses).toEqual([294, 299, 300, 300]);
});

test("failures double the pause up to a minute, and an answer ends that", async () => {
  const pending = refusedBy("authorization_pending", false);
  const failures = Array.from({ length: 5 }, () => temporary());
  expect((await poll(...failures, pending, TOKEN)).pauses).toEqual([5, 10, 20, 40, 60, 60, 5]);
});

test("a provider that says when to come back is not asked before", async () => {
  expect((await poll(temporary(42_000), TOKEN)).pauses).toEqual([5, 42]);
  expect((await poll(temporary(1_000), TOKEN)).pauses).toEqual([5, 5]);
});

test.each([
  ["access_denied", "access_denied"],
  ["expired_token", "expired"],
  ["invalid_client", "oauth2_refresh_failed"],
  ["invalid_grant", "oauth2_reauthorization_required"],
  ["something else", "oauth2_refresh_failed"],
])("%s ends it as %s", async (error, code) => {
  const { pauses, end } = await poll(refusedBy(error, false));
  expect(pauses).toEqual([5]);
  expect(end).toMatchObject({ code });
});

test("once it is stopped nothing is asked any more", async () => {
  const stopped = new AbortController();
  const reason = new Error("stopped");
  let asked = 0;
  const polling = pollForToken(5_000, {
    ask: () => {
      asked += 1;
      stopped.abort(reason);
      return Promise.reject(temporary());
    },
    wait: () => Promise.resolve(),
    signal: stopped.signal,
  });
  await expect(polling).rejects.toBe(reason);
  expect(asked).toBe(1);
});
