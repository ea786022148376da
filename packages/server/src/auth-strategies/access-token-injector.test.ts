import { expect, test } from "vitest";
import { createAccessTokenInjector } from "./access-token-injector.js";
import type { OutgoingRequest } from "./auth-strategy.js";

const requestWith = (...headers: string[]): OutgoingRequest => ({
  ...{ method: "GET", basePath: "", path: "/x", query: undefined, headers },
});

/** A source with another token each time that the present one is rejected. */
function source() {
  const rejected: string[] = [];
  let count = 1;
  return {
    rejected,
    current: () => `token-${count}`,
    replace(token: string) {
      rejected.push(token);
      if (token !== `token-${count}`) return Promise.resolve(undefined);
      count += 1;
      return Promise.resolve(`token-${count}`);
    },
    searched: () => [],
  };
}

test("a refused token is replaced where it stands, whatever the other fields hold", async () => {
  const tokens = source();
  const injector = createAccessTokenInjector(tokens);
  const request = requestWith("X-A", "Bearer mine", "Authorization-Info", "authorization");
  await injector.inject(request);
  request.headers.push("Cookie", "Bearer x=1", "X-B", "Authorization");
  expect(await injector.renew?.(request)).toBe(true);
  expect(tokens.rejected).toEqual(["token-1"]);
  expect(request.headers).toEqual([
    ...["X-A", "Bearer mine", "Authorization-Info", "authorization", "Authorization", "Bearer token-2"],
    ...["Cookie", "Bearer x=1", "X-B", "Authorization"],
  ]);
});

test("nothing is replaced where the token was not sent", async () => {
  const tokens = source();
  const request = requestWith("Cookie", "Bearer x=1", "X-B", "Authorization");
  expect(await createAccessTokenInjector(tokens).renew?.(request)).toBe(false);
  expect(tokens.rejected).toEqual([]);
  expect(request.headers).toEqual(["Cookie", "Bearer x=1", "X-B", "Authorization"]);
});
