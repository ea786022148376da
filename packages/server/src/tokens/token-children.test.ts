import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { TOKEN_LIMITS } from "./token-limits.js";
import type { TokenRecord } from "./token-record.js";
import { createTokenRegistry, type IssuedToken, type TokenRegistry } from "./token-registry.js";
import { ancestorsOf, descendantsOf } from "./token-tree.js";

const MINUTE = 60_000;

let records: Map<string, TokenRecord>;
let changes: number;
let now: number;
let revoked: string[];
let suspended: [string, string[]][];
let registry: TokenRegistry;
beforeEach(() => {
  records = new Map();
  changes = 0;
  now = Date.parse("2026-01-01T00:00:00Z");
  revoked = [];
  suspended = [];
  registry = createTokenRegistry({
    store: {
      get records() {
        return records;
      },
      change(mutate) {
        changes += 1;
        return new Promise((resolve) => {
          const copy = new Map(records);
          const result = mutate(copy);
          records = copy;
          resolve(result);
        });
      },
    },
    randomBytes,
    clock: () => now,
    onRevoked: ({ digest }) => void revoked.push(digest),
    onSuspended: ({ digest }, descendants) =>
      void suspended.push([digest, descendants.map((each) => each.digest)]),
    onUnsavedSuspension: () => undefined,
  });
});

const issue = (parent?: IssuedToken, minutes = 10): Promise<IssuedToken> =>
  registry.issue({
    scope: "proxy",
    expiresAt: now + minutes * MINUTE,
    ...(parent === undefined ? {} : { parent: parent.record.digest, issuedBy: parent.record.digest }),
  });
const withRules = (bytes: number, parent?: IssuedToken): Promise<IssuedToken> =>
  registry.issue({
    ...{
      scope: "proxy",
      expiresAt: now + 10 * MINUTE,
      rules: { rules: "x".repeat(bytes - '{"rules":""}'.length) },
    },
    ...(parent === undefined ? {} : { parent: parent.record.digest }),
  });
const isAccepted = ({ id }: IssuedToken): boolean => registry.authenticate(id) !== undefined;

describe("a child of a token", () => {
  test("is valid no longer than its parent", async () => {
    const parent = await issue(undefined, 5);
    const child = await issue(parent, 60);
    expect(child.record.expires_at).toBe(parent.record.expires_at);
    expect((await issue(parent, 1)).record.expires_at).toBe(new Date(now + MINUTE).toISOString());
    now += 5 * MINUTE;
    expect(isAccepted(child)).toBe(false);
  });

  test("is refused once its parent is gone or has expired, whatever is said of itself", async () => {
    const parent = await issue();
    const child = await issue(parent);
    const grandchild = await issue(child);
    const whole = records;
    records = new Map([...whole].filter(([digest]) => digest !== parent.record.digest));
    expect([child, grandchild].map(isAccepted)).toEqual([false, false]);
    expect(() => registry.lineage(grandchild.record)).toThrow(/not valid/);
    records = new Map(whole).set(parent.record.digest, {
      ...parent.record,
      expires_at: new Date(now).toISOString(),
    });
    expect([child, grandchild].map(isAccepted)).toEqual([false, false]);
    expect(registry.list()).toEqual([]);
    await expect(issue(grandchild)).rejects.toMatchObject({ code: "unauthorized" });
    records = whole;
    expect([child, grandchild].map(isAccepted)).toEqual([true, true]);
    expect(registry.lineage(grandchild.record)).toEqual([grandchild.record, child.record, parent.record]);
  });

  test("goes with its parent's revocation: the whole tree in one change, and nothing beside it", async () => {
    const first = await issue();
    const parent = await issue(first);
    const children = [await issue(parent), await issue(parent)];
    const grandchild = await issue(children[0]);
    const sibling = await issue(first);
    const before = changes;
    await registry.revoke(parent.id);
    expect(changes).toBe(before + 1);
    const gone = [parent, ...children, grandchild];
    expect(revoked).toEqual(gone.map(({ record }) => record.digest));
    expect(gone.map(isAccepted)).toEqual([false, false, false, false]);
    expect([first, sibling].map(isAccepted)).toEqual([true, true]);
  });

  test("is not saved when its parent is revoked meanwhile", async () => {
    const parent = await issue();
    const revoking = registry.revoke(parent.id);
    await expect(issue(parent)).rejects.toMatchObject({ code: "unauthorized" });
    await revoking;
  });

  test("suspends with what it does the token that it descends from, and all others of that", async () => {
    const first = await issue();
    const children = [await issue(first), await issue(first)];
    const grandchild = await issue(children[0]);
    registry.strike(grandchild.record, 1);
    registry.strikeOnce(children[1]?.record ?? first.record, 2);
    expect(isAccepted(first)).toBe(true);
    registry.strike(first.record, 3);
    const family = [...children, grandchild];
    expect(suspended).toEqual([[first.record.digest, family.map(({ record }) => record.digest)]]);
    for (const token of [first, ...family]) {
      expect(() => registry.authenticate(token.id)).toThrow(/suspended/);
    }
    await registry.resume(first.id);
    expect(family.map(isAccepted)).toEqual([true, true, true]);
  });
});

describe("of tokens that tokens make", () => {
  test(`there are ${TOKEN_LIMITS.depth} generations at most`, async () => {
    let token = await issue();
    for (let depth = 0; depth < TOKEN_LIMITS.depth; depth += 1) token = await issue(token);
    expect(isAccepted(token)).toBe(true);
    await expect(issue(token)).rejects.toMatchObject({ code: "forbidden" });
  });

  test(`a token has ${TOKEN_LIMITS.children} valid ones at most, also of parallel requests`, async () => {
    const parent = await issue();
    const short = issue(parent, 1);
    const asked = await Promise.allSettled(
      Array.from({ length: TOKEN_LIMITS.children + 20 }, () => issue(parent)),
    );
    await short;
    expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(TOKEN_LIMITS.children - 1);
    await expect(issue(parent)).rejects.toMatchObject({ code: "conflict" });
    now += MINUTE;
    await issue(parent);
    await expect(issue(parent)).rejects.toMatchObject({ code: "conflict" });
  });

  test(`${TOKEN_LIMITS.descendants} descend from one at most`, async () => {
    const first = await issue();
    let parent = first;
    for (let count = 0; count < TOKEN_LIMITS.descendants; count += 1) {
      if (count % TOKEN_LIMITS.children === 0) parent = await issue(first);
      else await issue(parent);
    }
    await expect(issue(first)).rejects.toMatchObject({ code: "conflict" });
    await expect(issue(parent)).rejects.toMatchObject({ code: "conflict" });
    await issue(await issue());
  });
});

describe("the policies of tokens' own", () => {
  test("have a size that a child's has less of than an admin's", async () => {
    const first = await withRules(TOKEN_LIMITS.rulesBytes);
    await expect(withRules(TOKEN_LIMITS.rulesBytes + 1)).rejects.toMatchObject({ code: "invalid_request" });
    await withRules(TOKEN_LIMITS.childRulesBytes, first);
    await expect(withRules(TOKEN_LIMITS.childRulesBytes + 1, first)).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  test("have a size together, of all that descend from one and are valid", async () => {
    const first = await issue(undefined, 60);
    const parent = await issue(first, 60);
    const most = TOKEN_LIMITS.treeRulesBytes / TOKEN_LIMITS.childRulesBytes;
    for (let count = 0; count < most; count += 1) await withRules(TOKEN_LIMITS.childRulesBytes, parent);
    await expect(withRules(20, first)).rejects.toMatchObject({ code: "conflict" });
    await issue(first);
    await withRules(20, await issue());
    now += 10 * MINUTE;
    await withRules(20, first);
  });
});

test("records that descend from each other in a circle, which none should, have no end to find and are refused", () => {
  const record = (digest: string, parent: string): TokenRecord => ({
    ...{ digest, parent, id_prefix: "tok_", scope: "proxy", created_at: "", expires_at: "" },
  });
  const circle = new Map([
    ["a", record("a", "b")],
    ["b", record("b", "a")],
  ]);
  expect(ancestorsOf(record("c", "a"), (digest) => circle.get(digest))).toBeUndefined();
  expect(descendantsOf("a", circle.values()).map(({ digest }) => digest)).toEqual(["b"]);
});
