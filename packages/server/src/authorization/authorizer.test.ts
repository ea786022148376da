import { beforeEach, describe, expect, test } from "vitest";
import type { Action } from "../policies/action.js";
import type { PolicyContent } from "../policies/policy-schema.js";
import type { TokenRecord } from "../tokens/token-record.js";
import { createAuthorizer, type Authorizer, type StoredPolicy } from "./authorizer.js";
import { createUseKeeper, type UseKeeper } from "./use-keeper.js";

const MINUTE = 60_000;

let now: number;
let tokens: Map<string, TokenRecord>;
let policies: Map<string, StoredPolicy>;
let saved: Map<string, object>;
let saves: number;
let uses: UseKeeper;
let authorizer: Authorizer;

beforeEach(() => {
  now = Date.parse("2026-05-01T00:00:00Z");
  tokens = new Map();
  policies = new Map();
  saved = new Map();
  saves = 0;
  restart();
});

/** A server that starts anew with what the vault has. */
function restart(): void {
  uses = createUseKeeper({
    records: saved,
    change(mutate) {
      saves += 1;
      return Promise.resolve(mutate(saved));
    },
  });
  authorizer = createAuthorizer({ tokens: () => tokens, policies: () => policies, uses, clock: () => now });
}

function token(digest: string, more: Partial<TokenRecord> = {}): TokenRecord {
  const record: TokenRecord = {
    ...{ digest, id_prefix: `tok_${digest}`, scope: "proxy" },
    ...{ created_at: "2026-01-01T00:00:00Z", expires_at: "2036-01-01T00:00:00Z" },
    ...more,
  };
  tokens.set(digest, record);
  return record;
}

const rules = (content: Partial<PolicyContent>): PolicyContent => ({
  rules: [{ service: "api" }],
  ...content,
});
const get = (rawPath = "/x", service = "api"): Action => ({ kind: "http", service, method: "GET", rawPath });
const attempt = (record: TokenRecord, action = get()): string => {
  try {
    return authorizer.authorize(record, action).rule ?? "unrestricted";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("a token", () => {
  test("without a policy may do everything, and is not counted", () => {
    const record = token("free");
    expect(attempt(record)).toBe("unrestricted");
    expect(authorizer.authorize(record, get()).isRestricted).toBe(false);
  });

  test("may do what a rule of its policy allows, and is told nothing of the request otherwise", () => {
    policies.set("p", {
      rules: [{ service: "other" }, { service: "api", methods: ["GET"], paths: ["/a/**"] }],
    });
    const record = token("t", { policy: "p" });
    expect(attempt(record, get("/a/b"))).toBe("p/2");
    expect(attempt(record, get("/b"))).toBe("policy_denied");
    expect(attempt(record, get("/a/../b"))).toBe("policy_denied");
  });

  test("whose policy is gone may do nothing", () => {
    expect(attempt(token("t", { policy: "gone" }))).toBe("policy_denied");
  });

  test("may do only what the tokens that it descends from may do too, and uses up their limits", () => {
    token("root", { rules: rules({ limits: { max_uses: 3 } }) });
    const one = token("one", { parent: "root", rules: { rules: [{ service: "api" }, { service: "db" }] } });
    const other = token("other", { parent: "root" });
    expect(attempt(one, get("/", "db"))).toBe("policy_denied");
    expect([attempt(one), attempt(other), attempt(one), attempt(other), attempt(one)]).toEqual([
      "rules/1",
      "rules/1",
      "rules/1",
      "rate_limited",
      "rate_limited",
    ]);
  });

  test("whose maker is gone may do nothing", () => {
    expect(attempt(token("child", { parent: "gone" }))).toBe("unauthorized");
  });

  test("is told when it may try again, and what its limits are", () => {
    const record = token("t", { rules: rules({ limits: { requests_per_minute: 1 } }) });
    attempt(record);
    now += 20_000;
    expect(() => authorizer.authorize(record, get())).toThrow(
      expect.objectContaining({
        code: "rate_limited",
        retryAfterSeconds: 40,
        headers: expect.objectContaining({ RateLimit: expect.stringContaining("r=0") as string }) as object,
      }),
    );
    now += MINUTE;
    expect(attempt(record)).toBe("rules/1");
  });

  test("of 1,000 attempts at once gets exactly as many as each limit allows", () => {
    const passed = (digest: string, content: Partial<PolicyContent>): number => {
      const record = token(digest, { rules: rules(content) });
      return Array.from({ length: 1000 }, () => attempt(record)).filter((code) => code === "rules/1").length;
    };
    expect(passed("a", { limits: { requests_per_minute: 60 } })).toBe(60);
    expect(passed("b", { limits: { max_uses: 10 } })).toBe(10);
    expect(passed("c", { limits: { max_concurrent: 8 } })).toBe(8);
    expect(passed("d", { rules: [{ service: "api", cooldown: "300s" }] })).toBe(1);
  });

  test("has room again when what it did is over, once only", () => {
    const record = token("t", { rules: rules({ limits: { max_concurrent: 1 } }) });
    const grant = authorizer.authorize(record, get());
    expect(attempt(record)).toBe("rate_limited");
    grant.release();
    grant.release();
    expect(attempt(record)).toBe("rules/1");
    expect(attempt(record)).toBe("rate_limited");
  });

  test("may pass so many bytes a day, and what has passed already counts up to the end", () => {
    const record = token("t", { rules: rules({ limits: { bytes_per_day: 100 } }) });
    const grant = authorizer.authorize(record, get());
    expect(grant.takeBytes(60)).toBeUndefined();
    expect(grant.takeBytes(50)).toMatchObject({ code: "rate_limited" });
    expect(grant.takePassedBytes(1000)).toMatchObject({ code: "rate_limited" });
    expect(attempt(record)).toBe("rate_limited");
    now += 24 * 60 * MINUTE;
    expect(attempt(record)).toBe("rules/1");
  });
});

describe("what runs", () => {
  test.each([
    ["the policy allows less", () => policies.set("p", { rules: [{ service: "other" }] })],
    ["the policy is gone", () => policies.delete("p")],
    ["the policy's time is over", () => (now += 2 * MINUTE)],
    ["the token gets another policy", () => token("t", { policy: "q" })],
  ])("is ended when %s", (_, change) => {
    policies.set("p", { ...rules({}), valid: { until: new Date(now + MINUTE).toISOString() } });
    const grant = authorizer.authorize(token("t", { policy: "p" }), get());
    const reasons: string[] = [];
    grant.onWithdrawn(({ code }) => reasons.push(code));
    authorizer.refresh();
    expect(reasons).toEqual([]);
    change();
    authorizer.refresh();
    authorizer.refresh();
    expect(reasons).toEqual(["policy_denied"]);
  });

  test("is ended also if it was not listening yet when its token was revoked", () => {
    const grant = authorizer.authorize(token("t", { rules: rules({}) }), get());
    tokens.delete("t");
    authorizer.refresh();
    const reasons: string[] = [];
    grant.onWithdrawn(({ code }) => reasons.push(code));
    expect(reasons).toEqual(["unauthorized"]);
  });

  test("is not ended any more when it is over", () => {
    const grant = authorizer.authorize(token("t", { rules: rules({}) }), get());
    grant.onWithdrawn(() => expect.fail("it is over"));
    grant.release();
    tokens.delete("t");
    authorizer.refresh();
  });
});

describe("what outlasts a restart", () => {
  test("is saved before the call goes on, and a crash gives nothing back", async () => {
    const record = token("t", { rules: rules({ limits: { max_uses: 100 } }) });
    for (let count = 0; count < 50; count += 1) await authorizer.authorize(record, get()).ready;
    // Ahead of what is used: not once for each.
    expect(saves).toBeLessThan(5);
    restart();
    const left = Array.from({ length: 100 }, () => attempt(record)).filter((code) => code === "rules/1");
    expect(left.length).toBeLessThanOrEqual(50);
    expect(left.length).toBeGreaterThanOrEqual(50 - 33);
  });

  test("is saved further ahead for a larger limit, of which a crash costs a hundredth", async () => {
    const record = token("t", { rules: rules({ limits: { max_uses: 10_000 } }) });
    for (let count = 0; count < 300; count += 1) await authorizer.authorize(record, get()).ready;
    expect(saves).toBeLessThan(5);
    restart();
    const left = Array.from({ length: 10_000 }, () => attempt(record)).filter((code) => code === "rules/1");
    expect(left.length).toBeLessThanOrEqual(9_700);
    expect(left.length).toBeGreaterThanOrEqual(9_700 - 101);
  });

  test("is exact after a stop that had time to save", async () => {
    const record = token("t", { rules: rules({ limits: { max_uses: 100 } }) });
    for (let count = 0; count < 50; count += 1) await authorizer.authorize(record, get()).ready;
    await uses.save((digest) => tokens.has(digest));
    restart();
    const left = Array.from({ length: 100 }, () => attempt(record)).filter((code) => code === "rules/1");
    expect(left).toHaveLength(50);
  });

  test("holds the beginning of a cooldown", async () => {
    const record = token("t", { rules: { rules: [{ service: "api", cooldown: "300s" }] } });
    await authorizer.authorize(record, get()).ready;
    restart();
    now += 299_000;
    expect(attempt(record)).toBe("rate_limited");
    now += 1_000;
    expect(attempt(record)).toBe("rules/1");
  });

  test("is forgotten with its token", async () => {
    await authorizer.authorize(token("t", { rules: rules({ limits: { max_uses: 5 } }) }), get()).ready;
    expect(saved.size).toBe(1);
    saved.set("audit", { something: "of others" });
    tokens.delete("t");
    await uses.save((digest) => tokens.has(digest));
    expect([...saved.keys()]).toEqual(["audit"]);
  });

  test("that cannot be saved keeps the call from going on", async () => {
    uses = createUseKeeper({ records: saved, change: () => Promise.reject(new Error("disk full")) });
    authorizer = createAuthorizer({ tokens: () => tokens, policies: () => policies, uses, clock: () => now });
    const grant = authorizer.authorize(token("t", { rules: rules({ limits: { max_uses: 5 } }) }), get());
    await expect(grant.ready).rejects.toThrow("disk full");
  });
});
