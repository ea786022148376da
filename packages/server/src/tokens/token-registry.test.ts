import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
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
      if (this.fail) return Promise.reject(new Error("disk full"));
      records = copy;
      return Promise.resolve(result);
    },
  };
}

function setUp() {
  const store = memoryStore();
  const revoked: TokenRecord[] = [];
  let now = Date.parse("2026-01-01T00:00:00Z");
  const registry = createTokenRegistry({
    store,
    randomBytes,
    clock: () => now,
    onRevoked: (record) => void revoked.push(record),
  });
  return { store, registry, revoked, advance: (ms: number) => (now += ms), now: () => now };
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
    await expect(registry.revoke("tok_")).rejects.toMatchObject({ code: "not_found" });
    await expect(registry.revoke("")).rejects.toMatchObject({ code: "not_found" });
    expect(revoked).toEqual([]);
    expect(registry.list()).toHaveLength(65);
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
});

test("expired tokens are dropped when a new one is saved", async () => {
  const { registry, store, advance, now } = setUp();
  await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
  advance(2 * HOUR);
  await registry.issue({ scope: "proxy", expiresAt: now() + HOUR });
  expect(store.records.size).toBe(1);
  expect(registry.list()).toHaveLength(1);
});
