import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { OutboundScan } from "./outbound-scan.js";
import { createOutboundSecrets, type OutboundSecrets } from "./outbound-secrets.js";

const KEY_A = "key-of-service-a-0123456789";
const KEY_B = "key-of-service-b-9876543210";

function secretsOf(...values: string[]): { value: Secret }[] {
  return values.map((value) => ({ value: new Secret(value) }));
}

function finds(secrets: OutboundSecrets, calledService: string, text: string): boolean {
  return new OutboundScan(secrets, calledService).push(Buffer.from(text)) !== undefined;
}

describe("the index of secrets", () => {
  test("a secret is foreign to every service but its own", () => {
    const secrets = createOutboundSecrets(randomBytes);
    secrets.update("a", secretsOf(KEY_A));
    expect(finds(secrets, "b", `x${KEY_A}x`)).toBe(true);
    expect(finds(secrets, "a", `x${KEY_A}x`)).toBe(false);
  });

  test("a secret that two services share is foreign to neither, and to the others as long as one has it", () => {
    const secrets = createOutboundSecrets(randomBytes);
    secrets.update("a", secretsOf(KEY_A));
    secrets.update("b", secretsOf(KEY_A, KEY_B));
    expect(finds(secrets, "a", KEY_A)).toBe(false);
    expect(finds(secrets, "b", KEY_A)).toBe(false);
    expect(finds(secrets, "c", KEY_A)).toBe(true);
    secrets.remove("a");
    expect(finds(secrets, "a", KEY_A)).toBe(true);
    expect(finds(secrets, "c", KEY_A)).toBe(true);
    secrets.remove("b");
    expect(finds(secrets, "c", KEY_A)).toBe(false);
  });

  test("a secret has one identity in all its forms, and other secrets have others", () => {
    const secrets = createOutboundSecrets(randomBytes);
    const identityOf = (text: string) => new OutboundScan(secrets, "x").scanText(text);
    const odd = 'key"with/quotes+and-0123456789';
    secrets.update("a", secretsOf(KEY_A, odd));
    secrets.update("b", secretsOf(KEY_B, KEY_A));
    const forms = (key: string) => [key, encodeURIComponent(key), JSON.stringify(key)];
    const identities = [KEY_A, KEY_B, odd].map((key) => new Set(forms(key).map(identityOf)));
    expect(identities.map(({ size }) => size)).toEqual([1, 1, 1]);
    const distinct = new Set(identities.flatMap((each) => [...each]));
    expect(distinct.size).toBe(3);
    expect(distinct.has(undefined)).toBe(false);

    const before = identityOf(KEY_A);
    secrets.update("a", secretsOf(odd, "another-key-0123456789-abc", KEY_A));
    expect(identityOf(KEY_A)).toBe(before);
    secrets.clear();
    secrets.update("a", secretsOf("a-third-key-0123456789-abcd"));
    expect(distinct.has(identityOf("a-third-key-0123456789-abcd"))).toBe(false);
  });

  test("an update replaces what the service had", () => {
    const secrets = createOutboundSecrets(randomBytes);
    secrets.update("a", secretsOf(KEY_A));
    secrets.update("a", secretsOf(KEY_B));
    expect(finds(secrets, "x", KEY_A)).toBe(false);
    expect(finds(secrets, "x", KEY_B)).toBe(true);
    secrets.update("a", []);
    expect(finds(secrets, "x", KEY_B)).toBe(false);
  });

  test("the same secret twice in one service is one", () => {
    const secrets = createOutboundSecrets(randomBytes);
    secrets.update("a", secretsOf(KEY_A, KEY_A));
    expect(finds(secrets, "x", KEY_A)).toBe(true);
    secrets.update("a", secretsOf(KEY_B));
    expect(finds(secrets, "x", KEY_A)).toBe(false);
  });

  test("there is something to search for only if another service has a secret that is long enough", () => {
    const secrets = createOutboundSecrets(randomBytes);
    expect(secrets.hasForeign("a")).toBe(false);
    secrets.update("a", secretsOf(KEY_A));
    secrets.update("b", secretsOf("short"));
    secrets.update("c", []);
    expect(secrets.hasForeign("a")).toBe(false);
    expect(secrets.hasForeign("b")).toBe(true);
    expect(secrets.hasForeign("a service without secrets")).toBe(true);
    secrets.remove("a");
    expect(secrets.hasForeign("b")).toBe(false);
  });

  test("nothing is found, and there is nothing to search for, after a clear", () => {
    const secrets = createOutboundSecrets(randomBytes);
    secrets.update("a", secretsOf(KEY_A));
    secrets.clear();
    expect(secrets.hasForeign("b")).toBe(false);
    expect(secrets.reach).toBe(0);
    secrets.update("a", secretsOf(KEY_B));
    expect(finds(secrets, "b", KEY_A)).toBe(false);
    expect(finds(secrets, "b", KEY_B)).toBe(true);
  });

  test("no secret can be seen in it", () => {
    const secrets = createOutboundSecrets(randomBytes);
    secrets.update("a", secretsOf(KEY_A));
    expect(inspect(secrets, { depth: 10, showHidden: true })).not.toContain(KEY_A);
    expect(JSON.stringify(secrets)).not.toContain(KEY_A);
  });

  test("the filter is made anew only now and then, not for every change", () => {
    const secrets = createOutboundSecrets(randomBytes);
    const filters = new Set<unknown>();
    for (let i = 0; i < 2000; i += 1) {
      secrets.update(`s${i}`, secretsOf(`one-of-many-secrets-${i * 7919}`));
      filters.add(secrets.filter);
    }
    expect(filters.size).toBeLessThan(15);
    for (let i = 0; i < 2000; i += 1) {
      secrets.update("s7", secretsOf(`another-of-many-secrets-${i * 104729}`));
      filters.add(secrets.filter);
    }
    expect(filters.size).toBeLessThan(18);
  });

  test("what was removed does not stay in the filter for ever", () => {
    const secrets = createOutboundSecrets(randomBytes);
    for (let i = 0; i < 5000; i += 1) secrets.update("a", secretsOf(`secret number ${i} that passes by`));
    const setBits = secrets.filter.words.reduce(
      (sum, word) => sum + (word >>> 0).toString(2).replaceAll("0", "").length,
      0,
    );
    expect(setBits).toBeLessThan(40);
  });

  test("any sequence of changes leaves what a plain table of services has", () => {
    const value = fc.constantFrom(
      KEY_A,
      KEY_B,
      "a/third/key/with/slashes",
      "a\\/third\\/key\\/with\\/slashes",
      "a third key with spaces",
    );
    const service = fc.constantFrom("a", "b", "c");
    const change = fc.oneof(
      fc.record({ kind: fc.constant("update" as const), service, values: fc.array(value, { maxLength: 3 }) }),
      fc.record({ kind: fc.constant("remove" as const), service }),
      fc.record({ kind: fc.constant("clear" as const) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.boolean(), (changes, colliding) => {
        const secrets = createOutboundSecrets(colliding ? (size) => Buffer.alloc(size) : randomBytes);
        const table = new Map<string, string[]>();
        for (const step of changes) {
          if (step.kind === "update") {
            secrets.update(step.service, secretsOf(...step.values));
            table.set(step.service, step.values);
          } else if (step.kind === "remove") {
            secrets.remove(step.service);
            table.delete(step.service);
          } else {
            secrets.clear();
            table.clear();
          }
        }
        for (const sent of [KEY_A, KEY_B, "a third key with spaces"]) {
          for (const called of ["a", "b", "c", "d"]) {
            const own = table.get(called)?.includes(sent) ?? false;
            const foreign = [...table].some(([name, values]) => name !== called && values.includes(sent));
            expect(finds(secrets, called, sent)).toBe(foreign && !own);
          }
        }
      }),
    );
  });

  test("ten thousand services with three secrets each: one update costs its own secrets only", () => {
    const secrets = createOutboundSecrets(randomBytes);
    const started = performance.now();
    for (let i = 0; i < 10_000; i += 1) {
      secrets.update(
        `service-${i}`,
        secretsOf(...[1, 2, 3].map(() => randomBytes(30).toString("base64url"))),
      );
    }
    const built = performance.now() - started;
    const updates = 200;
    const updatesStarted = performance.now();
    for (let i = 0; i < updates; i += 1) {
      secrets.update(
        `service-${i}`,
        secretsOf(...[1, 2, 3].map(() => randomBytes(30).toString("base64url"))),
      );
    }
    const update = (performance.now() - updatesStarted) / updates;
    expect(update).toBeLessThan(built / 100);
    secrets.update("service-5", secretsOf(KEY_A));
    expect(finds(secrets, "service-6", KEY_A)).toBe(true);
  });
});
