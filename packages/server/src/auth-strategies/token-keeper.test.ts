import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TokenEndpointError } from "./oauth2/token-endpoint-error.js";
import type { ServiceRecord } from "./service-definition.js";
import { definition, HOUR, world } from "./testing/token-world.js";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-03-01T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a way that was made for a service as it was", () => {
  const elsewhere = (auth: object = {}): ServiceRecord => ({
    ...definition(auth),
    base_url: "https://other.example.com",
  });
  const kept = (): object => ({ access_token: "kept", expires_at: Math.floor(Date.now() / 1000) + 7 * HOUR });

  test.each<[string, () => ServiceRecord]>([
    [
      "another destination and credential",
      () => elsewhere({ client_id: "other", refresh_token: "rt-other" }),
    ],
    ["another destination", () => elsewhere(kept())],
    ["another client", () => definition({ client_id: "other", access_token: "new", expires_at: 2e9 })],
  ])("gets no token of a service with %s, neither asked before the change nor after", async (_, changed) => {
    const { keeper, asked, token, put, settle } = world(definition(kept()));
    const bound = keeper.boundTo(definition());
    expect(bound.current()).toBe("kept");
    const early = bound.replace("kept");
    await settle();
    await put(changed());
    asked[0]?.answer(token("rt-1"));
    expect(await early).toBeUndefined();
    expect(await bound.replace("kept")).toBeUndefined();
    expect(() => bound.current()).toThrow(expect.objectContaining({ code: "conflict" }) as Error);
    await settle();
    expect(asked).toHaveLength(1);
  });

  test("that waits for a token gets none for another destination", async () => {
    const { keeper, asked, token, put, settle } = world();
    const refused = expect(Promise.resolve(keeper.boundTo(definition()).current())).rejects.toMatchObject({
      code: "conflict",
    });
    await settle();
    await put(elsewhere());
    asked[0]?.answer(token("rt-1"));
    await refused;
  });

  test("goes on with the tokens of every refresh, and through changes of other things", async () => {
    const { keeper, asked, token, put, settle, stored } = world();
    const bound = keeper.boundTo(definition());
    const first = bound.current();
    await settle();
    asked[0]?.answer(token("rt-1"));
    expect(await first).toBe("at-1");
    await settle();
    await put({ ...definition({ refresh_token: stored("refresh_token") }), description: "changed" });
    expect(bound.current()).toBe("at-1");
  });
});

describe("a refresh ahead of time that waits for its turn behind eight others", () => {
  /** The ninth service is the one that is looked at. */
  async function queued() {
    const at = Math.floor(Date.now() / 1000);
    const kept = { access_token: "kept", issued_at: at - HOUR, expires_at: at - 10 };
    const others = Array.from({ length: 8 }, (_, index) =>
      definition({ ...kept, refresh_token: `other-${index}` }),
    );
    // Due one second later than the others.
    const own = definition({ ...kept, expires_at: at + 34 });
    const all = world(own, others);
    await vi.advanceTimersByTimeAsync(32_000);
    expect(all.asked).toHaveLength(8);
    expect(all.asked.map(({ refreshToken }) => refreshToken)).not.toContain("rt-0");
    const finish = async (): Promise<void> => {
      for (const { answer } of all.asked.slice(0, 8)) answer(all.token());
      await all.settle();
    };
    return { ...all, finish };
  }
  const own = ({ asked }: { asked: readonly { refreshToken: string | undefined }[] }): unknown[] =>
    asked.map(({ refreshToken }) => refreshToken).filter((value) => value?.startsWith("rt-"));

  test("is made when that has come", async () => {
    const all = await queued();
    await all.finish();
    expect(own(all)).toEqual(["rt-0"]);
  });

  test("is not made if the credential was changed meanwhile", async () => {
    const all = await queued();
    await all.put(definition({ scopes: ["other"] }));
    await all.finish();
    expect(own(all)).toEqual([]);
  });

  test("is not made if a call has had the token anew meanwhile, or has failed to", async () => {
    for (const isGood of [true, false]) {
      const all = await queued();
      await vi.advanceTimersByTimeAsync(3_000);
      const waiting = Promise.resolve(all.source.current()).catch(() => "none");
      await all.settle();
      if (isGood) all.asked[8]?.answer(all.token("rt-1"));
      else all.asked[8]?.fail(new TokenEndpointError("oauth2_refresh_failed", "no"));
      expect(await waiting).toBe(isGood ? "at-1" : "none");
      await all.finish();
      expect(own(all)).toEqual(["rt-0"]);
    }
  });
});
