import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import { TokenEndpointError } from "./oauth2/token-endpoint-error.js";
import type { ServiceRecord } from "./service-definition.js";
import { definition, HOUR, world } from "./testing/token-world.js";

const LOCKED = new VaultProxyError("vault_locked", "the vault is locked");
beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-03-01T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a change of the service while a refresh is under way", () => {
  test("keeps the refresh token that the provider gave in place of the one that the change still has", async () => {
    const { source, asked, token, stored, put, settle } = world();
    const waiting = source.current();
    await settle();
    await put(definition({ scopes: ["other"] }));
    asked[0]?.answer(token("rt-1"));
    expect(await waiting).toBe("at-1");
    await settle();
    expect(stored("refresh_token")).toBe("rt-1");
    const next = source.current();
    await settle();
    expect(asked.map(({ refreshToken }) => refreshToken)).toEqual(["rt-0", "rt-1"]);
    asked[1]?.answer(token("rt-2"));
    expect(await next).toBe("at-2");
  });

  test("waits with a refresh of its own until the one before has ended", async () => {
    const { source, asked, token, put, settle } = world();
    void source.current();
    await settle();
    await put(definition({ client_secret: "changed" }));
    const second = source.current();
    await settle();
    expect(asked).toHaveLength(1);
    asked[0]?.answer(token("rt-1"));
    await settle();
    expect(asked[1]?.refreshToken).toBe("rt-1");
    asked[1]?.answer(token());
    expect(await second).toBe("at-2");
  });

  test("gives way to a refresh token that the admin wrote", async () => {
    const { source, asked, token, stored, put, settle } = world();
    void source.current();
    await settle();
    await put(definition({ refresh_token: "by-the-admin" }));
    asked[0]?.answer(token("rt-1"));
    await settle();
    expect(stored("refresh_token")).toBe("by-the-admin");
    void source.current();
    await settle();
    expect(asked[1]?.refreshToken).toBe("by-the-admin");
  });

  test("keeps a rotated token that could not be saved before", async () => {
    const { source, asked, token, stored, put, failSaves, told, settle } = world();
    failSaves(new Error("no room"));
    const waiting = source.current();
    await settle();
    asked[0]?.answer(token("rt-1"));
    expect(await waiting).toBe("at-1");
    expect(told).toContain("unsaved");
    failSaves(undefined);
    await put(definition({ scopes: ["other"] }));
    await settle();
    expect(stored("refresh_token")).toBe("rt-1");
  });
});

describe("what a holder does with its time", () => {
  test("a call waits for half a minute; the refresh goes on, and what it brings is used", async () => {
    const { source, asked, token, stored, settle } = world();
    const waiting = Promise.resolve(source.current());
    const refused = expect(waiting).rejects.toMatchObject({ code: "oauth2_refresh_failed" });
    await vi.advanceTimersByTimeAsync(30_000);
    await refused;
    asked[0]?.answer(token("rt-1"));
    await settle();
    expect(stored("refresh_token")).toBe("rt-1");
    expect(source.current()).toBe("at-1");
    expect(asked).toHaveLength(1);
  });

  test("a stop waits for the refresh under way", async () => {
    const { source, keeper, asked, token, stored, settle } = world();
    void source.current();
    await settle();
    const settled = keeper.settle();
    asked[0]?.answer(token("rt-1"));
    await settled;
    expect(stored("refresh_token")).toBe("rt-1");
  });

  test("a lock does not, and nothing is written", async () => {
    const { source, keeper, asked, token, stored, settle } = world();
    const waiting = Promise.resolve(source.current());
    const refused = expect(waiting).rejects.toMatchObject({ code: LOCKED.code });
    await settle();
    keeper.clear();
    asked[0]?.answer(token("rt-1"));
    await refused;
    await settle();
    expect(stored("refresh_token")).toBe("rt-0");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a clock that was put back holds no refresh off", async () => {
    const { source, asked, settle } = world();
    const refused = expect(Promise.resolve(source.current())).rejects.toThrow();
    await settle();
    asked[0]?.fail(new TokenEndpointError("oauth2_refresh_failed", "no"));
    await refused;
    await expect(Promise.resolve(source.current())).rejects.toMatchObject({ retryAfterSeconds: 60 });
    vi.setSystemTime(Date.now() - 86_400_000);
    void Promise.resolve(source.current()).catch(() => undefined);
    await settle();
    expect(asked).toHaveLength(2);
  });
});

describe("a token that an API refuses", () => {
  const keptAt = (issuedAt: number | undefined): ServiceRecord =>
    definition({
      access_token: "kept",
      expires_at: Math.floor(Date.now() / 1000) + 7 * HOUR,
      ...(issuedAt === undefined ? {} : { issued_at: issuedAt }),
    });

  test.each([
    ["of unknown age", undefined, 1],
    ["from the future", 86_400, 1],
    ["older than a minute", -60, 1],
    ["younger than a minute", -59, 0],
  ])("%s", async (_, age, expected) => {
    const issuedAt = age === undefined ? undefined : Math.floor(Date.now() / 1000) + age;
    const { source, asked, token, settle } = world(keptAt(issuedAt));
    const replaced = source.replace("kept");
    await settle();
    expect(asked).toHaveLength(expected);
    asked[0]?.answer(token());
    expect(await replaced).toBe(expected === 1 ? "at-1" : undefined);
  });

  test("is searched for in answers as long as it may be good", async () => {
    const { source, asked, token, settle } = world(keptAt(undefined));
    const values = (): string[] => source.searched().map(({ secret }) => secret.reveal());
    for (let turn = 1; turn <= 2; turn += 1) {
      await vi.advanceTimersByTimeAsync(61_000);
      const replaced = source.replace(await source.current());
      await settle();
      asked[turn - 1]?.answer(token());
      await replaced;
    }
    expect(values()).toEqual(expect.arrayContaining(["kept", "at-1", "at-2"]));
  });
});

test("an access token that an admin stores is used at once", async () => {
  const { source, put } = world();
  const expires_at = Math.floor(Date.now() / 1000) + HOUR;
  await put(definition({ access_token: "given", expires_at }));
  expect(source.current()).toBe("given");
  await put(definition({ access_token: "given again", expires_at }));
  expect(source.current()).toBe("given again");
});

test("a refresh token that comes without a usable access token is kept", async () => {
  const { source, asked, stored, settle } = world();
  const refused = expect(Promise.resolve(source.current())).rejects.toThrow();
  await settle();
  asked[0]?.fail(new TokenEndpointError("oauth2_refresh_failed", "no", { refreshToken: new Secret("rt-1") }));
  await refused;
  expect(stored("refresh_token")).toBe("rt-1");
});

describe("a refresh", () => {
  const expiring = (seconds: number): ServiceRecord =>
    definition({
      access_token: "old",
      issued_at: Math.floor(Date.now() / 1000) - HOUR,
      expires_at: Math.floor(Date.now() / 1000) + seconds,
    });

  test("serves all who wait, and whoever comes with the refused token later", async () => {
    const { source, asked, token, settle } = world(expiring(HOUR));
    const waiting = [source.replace("old"), source.replace("old")];
    await settle();
    expect(asked).toHaveLength(1);
    asked[0]?.answer(token());
    expect(await Promise.all([...waiting, source.replace("old")])).toEqual(["at-1", "at-1", "at-1"]);
    expect(asked).toHaveLength(1);
  });

  test("that fails leaves the old token in use to its end", async () => {
    const { source, asked, settle } = world(expiring(10));
    const waiting = source.current();
    await settle();
    asked[0]?.fail(new TokenEndpointError("oauth2_refresh_failed", "no"));
    expect(await waiting).toBe("old");
    expect(await source.current()).toBe("old");
    await vi.advanceTimersByTimeAsync(11_000);
    await expect(Promise.resolve(source.current())).rejects.toMatchObject({ code: "oauth2_refresh_failed" });
    expect(asked).toHaveLength(1);
  });

  test("is not tried ahead of time any more when the grant is gone", async () => {
    const { asked, told, settle } = world(expiring(HOUR));
    await vi.advanceTimersByTimeAsync(HOUR * 900);
    asked[0]?.fail(new TokenEndpointError("oauth2_reauthorization_required", "gone"));
    await settle();
    expect(told).toEqual(["oauth2_reauthorization_required"]);
    await vi.advanceTimersByTimeAsync(HOUR * 1000);
    expect(asked).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of a service that is deleted ends, and nothing is left of it", async () => {
    const { source, keeper, settle } = world();
    const refused = expect(Promise.resolve(source.current())).rejects.toMatchObject({ code: "not_found" });
    await settle();
    keeper.update(new Map());
    await refused;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of a credential that was changed is waited for by a stop, and ended by a lock", async () => {
    for (const end of ["stop", "lock"]) {
      const { source, keeper, asked, token, put, stored, settle } = world(expiring(0));
      const first = Promise.resolve(source.current()).catch((error: unknown) => error);
      await settle();
      await put(definition({ client_secret: "changed" }));
      if (end === "lock") {
        keeper.clear();
        expect(await first).toMatchObject({ code: "vault_locked" });
      } else {
        const settled = keeper.settle();
        asked[0]?.answer(token("rt-1"));
        await settled;
      }
      await settle();
      expect(stored("refresh_token")).toBe(end === "lock" ? "rt-0" : "rt-1");
      expect(vi.getTimerCount()).toBe(0);
    }
  });
});

test("a provider that asks to be left alone for a while is, also ahead of time", async () => {
  const at = Math.floor(Date.now() / 1000);
  const { asked, settle } = world(definition({ access_token: "old", issued_at: at, expires_at: at + 200 }));
  await vi.advanceTimersByTimeAsync(181_000);
  const retryAfterMs = 300_000;
  asked[0]?.fail(new TokenEndpointError("oauth2_refresh_failed", "no", { isTemporary: true, retryAfterMs }));
  await settle();
  await vi.advanceTimersByTimeAsync(298_000);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toHaveLength(2);
});
