import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { Secret } from "../redaction/secret.js";
import { createTokenKeeper } from "./token-keeper.js";
import type { IssuedToken } from "./issued-token.js";
import { TokenEndpointError } from "./oauth2/token-endpoint-error.js";
import { serviceDefinitionSchema, toServiceRecord, type ServiceRecord } from "./service-definition.js";

const LOCKED = new VaultProxyError("vault_locked", "the vault is locked");
const HOUR = 3600;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-03-01T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

function definition(auth: object = {}): ServiceRecord {
  return toServiceRecord(
    serviceDefinitionSchema.parse({
      name: "svc",
      base_url: "https://api.example.com",
      auth: {
        type: "oauth2_client",
        client_id: "id",
        client_secret: "client-secret",
        refresh_token: "rt-0",
        token_url: "https://id.example.com/token",
        ...auth,
      },
    }),
  );
}

/** A keeper over services that are saved in a moment, or not, and a provider that a test answers for. */
function world(first: ServiceRecord = definition()) {
  let records: ReadonlyMap<string, ServiceRecord> = new Map([["svc", first]]);
  let saveError: Error | undefined;
  const asked: {
    refreshToken: string | undefined;
    answer: (token: unknown) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const told: string[] = [];
  let issued = 0;

  const change = async <R>(mutate: (draft: Map<string, ServiceRecord>) => R): Promise<R> => {
    await Promise.resolve();
    if (saveError !== undefined) throw saveError;
    const draft = new Map(records);
    const result = mutate(draft);
    records = draft;
    keeper.update(records);
    return result;
  };
  const keeper = createTokenKeeper({
    services: {
      get records() {
        return records;
      },
      change,
    },
    tools: {
      requestToken: ({ parameters }, signal) =>
        new Promise<IssuedToken>((resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
          asked.push({
            refreshToken: parameters.refresh_token,
            answer: (token) => resolve(token as IssuedToken),
            fail: reject,
          });
        }),
      send: () => Promise.reject(new Error("nothing is sent here")),
      readFile: () => Promise.reject(new Error("no file is read here")),
      clock: () => Date.now(),
    },
    random: () => 0,
    events: {
      refreshed: (_, how) => void told.push(`refreshed ${how}`),
      refreshFailed: (_, error) => void told.push(error.code),
      unsaved: () => void told.push("unsaved"),
      savedAtLast: () => void told.push("saved at last"),
    },
  });
  keeper.update(records);
  const now = (): number => Math.floor(Date.now() / 1000);
  return {
    keeper,
    asked,
    told,
    source: keeper.sourceOf("svc"),
    token: (refreshToken?: string, lifetime = HOUR) => ({
      accessToken: new Secret(`at-${(issued += 1)}`),
      refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
      issuedAt: now(),
      expiresAt: now() + lifetime,
      hasLifetime: true,
    }),
    stored: (field: string) => (records.get("svc")?.auth[field] as Secret | undefined)?.reveal(),
    put: (record: ServiceRecord) => change((draft) => void draft.set("svc", record)),
    failSaves: (error: Error | undefined) => (saveError = error),
    settle: () => vi.advanceTimersByTimeAsync(0),
  };
}

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
