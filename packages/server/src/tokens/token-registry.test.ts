import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { digestToken, isToken } from "./token-format.js";
import type { TokenRecord } from "./token-record.js";
import { createTokenRegistry, type TokenStore } from "./token-registry.js";

/** A store that commits at once; the vault's own durability is tested with the vault. */
function memoryStore(): TokenStore & { fail: boolean } {
  let records = new Map<string, TokenRecord>();
  return {
    fail: false,
    get records() {
      return records;
    },
    change(mutate) {
      const copy = new Map(records);
      const result = mutate(copy);
      if (this.fail) return Promise.reject(new VaultProxyError("storage_full", "disk full"));
      records = copy;
      return Promise.resolve(result);
    },
  };
}

function setUp() {
  const store = memoryStore();
  const revoked: TokenRecord[] = [];
  const suspended: TokenRecord[] = [];
  const unsavedSuspensions: TokenRecord[] = [];
  let now = Date.parse("2026-01-01T00:00:00Z");
  const registry = createTokenRegistry({
    store,
    randomBytes,
    clock: () => now,
    onRevoked: (record) => void revoked.push(record),
    onSuspended: (record) => void suspended.push(record),
    onUnsavedSuspension: (record) => void unsavedSuspensions.push(record),
  });
  return {
    store,
    registry,
    revoked,
    suspended,
    unsavedSuspensions,
    advance: (ms: number) => (now += ms),
    now: () => now,
  };
}

const HOUR = 3_600_000;

describe("a token", () => {
  test("has 256 random bits and is kept only as its SHA-256", async () => {
    const { registry, store, now } = setUp();
    const { id } = await registry.issue({ scope: "proxy", name: "bot", expiresAt: now() + HOUR });
    expect(id).toMatch(/^tok_[A-Za-z0-9_-]{43}$/);
    expect(Buffer.from(id.slice(4), "base64url")).toHaveLength(32);
    expect(JSON.stringify([...store.records])).not.toContain(id);
    expect(store.records.get(digestToken(id))).toMatchObject({ scope: "proxy", name: "bot" });
  });

  test("is accepted until it expires", async () => {
    const { registry, advance, now } = setUp();
    const { id } = await registry.issue({ scope: "admin", expiresAt: now() + HOUR });
    advance(HOUR - 1);
    expect(registry.authenticate(id)?.scope).toBe("admin");
    advance(1);
    expect(registry.authenticate(id)).toBeUndefined();
    expect(registry.list()).toEqual([]);
  });

  test("is not accepted before it is saved", async () => {
    const { registry, store, now } = setUp();
    store.fail = true;
    await expect(registry.issue({ scope: "admin", expiresAt: now() + HOUR })).rejects.toThrow();
    expect(registry.list()).toEqual([]);
  });

  test.each(["", "tok_", "tok_short", `tok_${"A".repeat(44)}`, `tok_${"A".repeat(42)}=`, "x".repeat(47)])(
    "%s is not one",
    (text) => {
      expect(isToken(text)).toBe(false);
      expect(setUp().registry.authenticate(text)).toBeUndefined();
    },
  );

  test("shows when it was last used", async () => {
    const { registry, advance, now } = setUp();
    const { id } = await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
    expect(registry.list()[0]?.last_used_at).toBeUndefined();
    advance(5000);
    registry.authenticate(id);
    expect(registry.list()[0]?.last_used_at).toBe(new Date(now()).toISOString());
  });
});

describe("revocation", () => {
  test("takes the whole token, its shown prefix, or a unique beginning", async () => {
    for (const part of [
      (id: string) => id,
      (id: string) => `${id.slice(0, 12)}...`,
      (id: string) => id.slice(0, 9),
      () => "tok_",
      () => "tok_...",
    ]) {
      const { registry, revoked, now } = setUp();
      const { id } = await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
      await registry.revoke(part(id));
      expect(registry.authenticate(id)).toBeUndefined();
      expect(revoked).toHaveLength(1);
    }
  });

  test("of an unknown one is not_found, of an ambiguous prefix conflict, and neither revokes", async () => {
    const { registry, revoked, now } = setUp();
    const records = await Promise.all(
      Array.from({ length: 65 }, () => registry.issue({ scope: "proxy", expiresAt: now() + HOUR })),
    );
    const initials = records.map(({ id }) => id.slice(0, 5));
    const twice = initials.find((initial, index) => initials.indexOf(initial) !== index);
    await expect(registry.revoke(twice ?? "")).rejects.toMatchObject({ code: "conflict" });
    await expect(registry.revoke(`tok_${"A".repeat(43)}`)).rejects.toMatchObject({ code: "not_found" });
    for (const every of ["tok_", "tok_..."]) {
      await expect(registry.revoke(every)).rejects.toMatchObject({ code: "conflict" });
    }
    for (const none of ["...", "tok", "t", "x".repeat(12)]) {
      await expect(registry.revoke(none)).rejects.toMatchObject({ code: "not_found" });
    }
    await expect(registry.revoke("")).rejects.toMatchObject({ code: "not_found" });
    expect(revoked).toEqual([]);
    expect(registry.list()).toHaveLength(65);
  });

  test("by a prefix takes no notice of what has expired", async () => {
    const { registry, advance, now } = setUp();
    await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
    const { id } = await registry.issue({ scope: "proxy", expiresAt: now() + 3 * HOUR });
    advance(2 * HOUR);
    await registry.revoke("tok_");
    expect(registry.authenticate(id)).toBeUndefined();
    await expect(registry.revoke("tok_")).rejects.toMatchObject({ code: "not_found" });
  });

  test("a whole token is not taken for a prefix of another", async () => {
    const { registry, now } = setUp();
    const { id } = await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
    const sibling = `${id.slice(0, 12)}${"A".repeat(35)}`;
    await expect(registry.revoke(sibling)).rejects.toMatchObject({ code: "not_found" });
  });

  test("of all tokens tells of each", async () => {
    const { registry, revoked, now } = setUp();
    await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
    await registry.issue({ scope: "admin", expiresAt: now() + HOUR });
    await registry.revokeAll();
    expect(registry.list()).toEqual([]);
    expect(revoked).toHaveLength(2);
  });

  test("of all tokens lets none be issued before what follows it has ended", async () => {
    const { registry, now } = setUp();
    const request = { scope: "admin", expiresAt: now() + HOUR } as const;
    let seen: unknown;
    await registry.revokeAll(async () => {
      seen = await registry.issue(request).catch((error: unknown) => error);
    });
    expect(seen).toMatchObject({ code: "unavailable" });
    await registry.issue(request);
    await expect(registry.revokeAll(() => Promise.reject(new Error("lock")))).rejects.toThrow("lock");
    await registry.issue(request);
  });
});

describe("a token that another one asks for", () => {
  test.each<[string, (setup: ReturnType<typeof setUp>, id: string) => unknown]>([
    ["was revoked", ({ registry }, id) => registry.revoke(id)],
    ["has expired", ({ advance }) => advance(HOUR)],
  ])("is not issued once that one %s", async (_title, end) => {
    const setup = setUp();
    const { registry, now } = setup;
    const { id, record } = await registry.issue({ scope: "admin", expiresAt: now() + HOUR });
    const request = { scope: "proxy", expiresAt: now() + 2 * HOUR, issuedBy: record.digest } as const;
    await registry.issue(request);
    await end(setup, id);
    const before = registry.list();
    await expect(registry.issue(request)).rejects.toMatchObject({ code: "unauthorized" });
    expect(registry.list()).toEqual(before);
  });
});

describe("a token that cannot be saved", () => {
  const request = (now: number) => ({ scope: "admin", expiresAt: now + HOUR, evenUnsaved: true }) as const;

  test("is valid until it expires, listed, may issue others, and is gone with the process", async () => {
    const { registry, store, advance, now } = setUp();
    store.fail = true;
    const { id, record, isSaved } = await registry.issue(request(now()));
    expect(isSaved).toBe(false);
    expect(store.records.size).toBe(0);
    expect(registry.authenticate(id)).toBe(record);
    expect(registry.list()).toMatchObject([{ digest: record.digest }]);
    store.fail = false;
    const issued = await registry.issue({ ...request(now()), issuedBy: record.digest });
    expect(issued.isSaved).toBe(true);
    expect([...store.records.keys()]).toEqual([issued.record.digest]);
    advance(HOUR);
    expect(registry.authenticate(id)).toBeUndefined();
  });

  test("can be revoked alone and with all others", async () => {
    const { registry, store, revoked, now } = setUp();
    const prefix = (id: string) => id.slice(0, 12);
    for (const revoke of [(id: string) => registry.revoke(prefix(id)), () => registry.revokeAll()]) {
      store.fail = true;
      const { id, record } = await registry.issue(request(now()));
      store.fail = false;
      await revoke(id);
      expect(registry.authenticate(id)).toBeUndefined();
      expect(revoked.at(-1)).toBe(record);
    }
  });

  test("is dropped once it has expired and another one is issued", async () => {
    const { registry, store, advance, now } = setUp();
    store.fail = true;
    const { id } = await registry.issue(request(now()));
    advance(HOUR);
    await registry.issue(request(now()));
    store.fail = false;
    await expect(registry.revoke(id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("is not kept if all tokens were revoked while it was being saved", async () => {
    const { registry, store, now } = setUp();
    store.fail = true;
    const issuing = registry.issue(request(now()));
    store.fail = false;
    const revoking = registry.revokeAll();
    await expect(issuing).rejects.toMatchObject({ code: "unavailable" });
    await revoking;
    expect(registry.list()).toEqual([]);
  });

  test("is not kept if the store failed for another reason than its disk", async () => {
    const { store, now } = setUp();
    const registry = createTokenRegistry({
      store: {
        records: store.records,
        change: () => Promise.reject(new VaultProxyError("vault_locked", "the vault is locked")),
      },
      randomBytes,
      clock: now,
      onRevoked: () => undefined,
      onSuspended: () => undefined,
      onUnsavedSuspension: () => undefined,
    });
    await expect(registry.issue(request(now()))).rejects.toMatchObject({ code: "vault_locked" });
    expect(registry.list()).toEqual([]);
  });
});

test("expired tokens are dropped when a new one is saved", async () => {
  const { registry, store, advance, now } = setUp();
  await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
  advance(2 * HOUR);
  await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
  expect(store.records.size).toBe(1);
  expect(registry.list()).toHaveLength(1);
});

describe("a token that sends what it should not have", () => {
  const SUSPENDED = expect.objectContaining({ code: "token_suspended" }) as Error;

  async function issued(scope: "admin" | "proxy" = "proxy") {
    const set = setUp();
    const { id, record } = await set.registry.issue({ scope, expiresAt: set.now() + HOUR });
    return { ...set, id, record };
  }

  test("is suspended at the third time, at once and in the store", async () => {
    const { registry, store, suspended, id, record, now } = await issued();
    registry.strike(record, 1);
    registry.strike(record, 2);
    expect(registry.authenticate(id)).toBeDefined();
    registry.strike(record, 3);
    expect(() => registry.authenticate(id)).toThrow(SUSPENDED);
    expect(suspended).toEqual([record]);
    expect(store.records.get(record.digest)?.suspended_at).toBe(new Date(now()).toISOString());
    registry.strike(record, 4);
    expect(suspended).toHaveLength(1);
  });

  test("is suspended once it did three things of which each counts once, however far apart they are", async () => {
    const { registry, suspended, record, advance } = await issued();
    for (const cause of ["guess/10", "guess/10", "guess/11", "guess/10", "guess/11"]) {
      registry.strikeOnce(record, cause);
      advance(HOUR / 10);
    }
    expect(suspended).toEqual([]);
    registry.strikeOnce(record, "guess/12");
    expect(suspended).toEqual([record]);
    const admin = await issued("admin");
    for (const cause of ["a", "b", "c"]) admin.registry.strikeOnce(admin.record, cause);
    expect(admin.suspended).toEqual([]);
  });

  test("is not suspended for what it repeats within three quarters of an hour", async () => {
    const { registry, id, record, advance } = await issued();
    for (let turn = 0; turn < 9; turn += 1) {
      registry.strike(record, 7);
      registry.strike(record, 8);
      advance(270_000);
    }
    advance(269_999);
    registry.strike(record, 7);
    expect(registry.authenticate(id)).toBeDefined();
    advance(1);
    registry.strike(record, 7);
    expect(() => registry.authenticate(id)).toThrow(SUSPENDED);
  });

  test("stays suspended in another process, and is resumed by an admin", async () => {
    const { registry, store, id, record, now } = await issued();
    for (let cause = 0; cause < 3; cause += 1) registry.strike(record, cause);
    const restarted = createTokenRegistry({
      store,
      randomBytes,
      clock: now,
      onRevoked: () => undefined,
      onSuspended: () => undefined,
      onUnsavedSuspension: () => undefined,
    });
    expect(() => restarted.authenticate(id)).toThrow(SUSPENDED);
    expect(restarted.list()).toMatchObject([{ suspended_at: expect.any(String) as string }]);
    await registry.resume(`${record.id_prefix}...`);
    expect(registry.authenticate(id)).toEqual(record);
    expect(restarted.authenticate(id)).toEqual(record);
    registry.strike(record, 5);
    registry.strike(record, 6);
    expect(registry.authenticate(id)).toBeDefined();
    await expect(registry.resume("tok_unknown")).rejects.toMatchObject({ code: "not_found" });
  });

  test("is suspended also where that cannot be saved, and that is told", async () => {
    const { registry, store, unsavedSuspensions, id, record } = await issued();
    store.fail = true;
    for (let cause = 0; cause < 3; cause += 1) registry.strike(record, cause);
    expect(() => registry.authenticate(id)).toThrow(SUSPENDED);
    await Promise.resolve();
    await Promise.resolve();
    expect(unsavedSuspensions).toEqual([record]);
    expect(registry.list()).toMatchObject([{ suspended_at: expect.any(String) as string }]);
  });

  test("is never suspended if it is an admin's", async () => {
    const { registry, id, record } = await issued("admin");
    for (let cause = 0; cause < 9; cause += 1) registry.strike(record, cause);
    expect(registry.authenticate(id)).toBeDefined();
  });

  test("can be revoked while it is suspended", async () => {
    const { registry, id, record } = await issued();
    for (let cause = 0; cause < 3; cause += 1) registry.strike(record, cause);
    await registry.revoke(id);
    expect(registry.authenticate(id)).toBeUndefined();
  });
});

describe("a token that may be left unused for a while only", () => {
  const idleTimeoutMs = 15 * 60_000;

  test("lives as long as it is used within that time, and is refused for good after it", async () => {
    const { registry, advance, now } = setUp();
    const { id } = await registry.issue({ scope: "admin", expiresAt: now() + 24 * HOUR, idleTimeoutMs });
    for (let use = 0; use < 10; use++) {
      advance(idleTimeoutMs - 1);
      expect(registry.authenticate(id)?.scope).toBe("admin");
    }
    advance(idleTimeoutMs);
    for (let look = 0; look < 3; look++) {
      expect(() => registry.authenticate(id)).toThrow("session expired after 15 idle minutes");
    }
    expect(registry.list()).toEqual([]);
  });

  test("counts from its making if it was never used, and ends at its expiry whatever is done", async () => {
    const { registry, advance, now } = setUp();
    const unused = await registry.issue({ scope: "admin", expiresAt: now() + HOUR, idleTimeoutMs: 90_000 });
    const used = await registry.issue({ scope: "admin", expiresAt: now() + HOUR, idleTimeoutMs: HOUR });
    advance(90_000);
    expect(() => registry.authenticate(unused.id)).toThrow("session expired after 90 idle seconds");
    expect(registry.authenticate(used.id)).toBeDefined();
    advance(HOUR - 90_000);
    expect(registry.authenticate(used.id)).toBeUndefined();
  });

  test("makes no other tokens once it is idle", async () => {
    const { registry, advance, now } = setUp();
    const { record } = await registry.issue({ scope: "admin", expiresAt: now() + HOUR, idleTimeoutMs });
    advance(idleTimeoutMs);
    const request = { scope: "admin", expiresAt: now() + HOUR, issuedBy: record.digest } as const;
    await expect(registry.issue(request)).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("is not woken by a restart, and a used one is not kept by it", async () => {
    const { registry, store, advance, now } = setUp();
    const { id } = await registry.issue({ scope: "admin", expiresAt: now() + HOUR, idleTimeoutMs });
    const restarted = () =>
      createTokenRegistry({
        ...{ store, randomBytes, clock: now },
        ...{ onRevoked: () => undefined, onSuspended: () => undefined, onUnsavedSuspension: () => undefined },
      });
    advance(idleTimeoutMs - 1);
    expect(registry.authenticate(id)).toBeDefined();
    expect(restarted().authenticate(id)).toBeDefined();
    advance(1);
    expect(() => restarted().authenticate(id)).toThrow("idle");
  });
});
