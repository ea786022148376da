import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Secret } from "../redaction/secret.js";
import { LONGEST_SENT_PATTERN } from "./outbound-limits.js";
import { OutboundScan } from "./outbound-scan.js";
import { createOutboundSecrets, type OutboundSecrets } from "./outbound-secrets.js";

const TOKEN = "tok_live_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Every hash is 0: only the comparison decides. */
const ALL_COLLIDE = (size: number): Buffer => Buffer.alloc(size);
/** Eight different hash steps, so that some windows collide and some do not. */
const MANY_COLLIDE = (size: number): Buffer =>
  randomBytes(size).map((byte, i) => (i % 4 === 3 ? byte & 0xc0 : 0)) as Buffer;

function indexOf(
  services: Readonly<Record<string, readonly string[]>>,
  random: (size: number) => Buffer = randomBytes,
): OutboundSecrets {
  const secrets = createOutboundSecrets(random);
  for (const [service, values] of Object.entries(services)) {
    secrets.update(
      service,
      values.map((value) => ({ value: new Secret(value) })),
    );
  }
  return secrets;
}

/** The index of the first chunk at which the scan says yes, or -1. */
function firstHit(secrets: OutboundSecrets, chunks: readonly Buffer[]): number {
  const scan = new OutboundScan(secrets, "called");
  return chunks.findIndex((chunk) => scan.push(chunk) !== undefined);
}

function split(text: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.filter((cut) => cut <= text.length).toSorted((a, b) => a - b), text.length];
  return places.slice(1).map((end, i) => text.subarray(places[i], end));
}

describe("the search of a body", () => {
  test("a secret is found in the chunk that completes it, split at any byte", () => {
    const secrets = indexOf({ other: [TOKEN] });
    const text = Buffer.from(`{"note":"${TOKEN}"}`);
    const complete = text.indexOf(TOKEN) + TOKEN.length;
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(firstHit(secrets, split(text, [cut]))).toBe(complete <= cut ? 0 : 1);
    }
    expect(
      firstHit(
        secrets,
        Array.from(text, (byte) => Buffer.from([byte])),
      ),
    ).toBe(complete - 1);
  });

  test("one byte less, or one changed, is no hit", () => {
    const secrets = indexOf({ other: [TOKEN] });
    expect(firstHit(secrets, [Buffer.from(TOKEN.slice(1))])).toBe(-1);
    expect(firstHit(secrets, [Buffer.from(TOKEN.slice(0, -1))])).toBe(-1);
    for (let i = 0; i < TOKEN.length; i += 1) {
      const changed = Buffer.from(TOKEN);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(firstHit(secrets, [changed])).toBe(-1);
      expect(firstHit(indexOf({ other: [TOKEN] }, ALL_COLLIDE), [changed])).toBe(-1);
    }
  });

  test("it says what a plain search over the whole says, whatever collides and however it is split", () => {
    const letters = fc.constantFrom("a", "b");
    const word = fc.string({ unit: letters, minLength: 20, maxLength: 45 });
    const scene = fc.record({
      foreign: fc.array(word, { minLength: 1, maxLength: 5 }),
      own: fc.array(word, { maxLength: 2 }),
      random: fc.constantFrom(randomBytes, ALL_COLLIDE, MANY_COLLIDE),
    });
    fc.assert(
      fc.property(
        scene,
        fc.array(fc.oneof(fc.nat({ max: 6 }), fc.string({ unit: letters, maxLength: 30 })), { maxLength: 8 }),
        fc.nat({ max: 44 }),
        fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
        fc.boolean(),
        ({ foreign, own, random }, pieces, missing, cuts, byByte) => {
          const words = [...foreign, ...own];
          const content = pieces
            .map((piece) =>
              typeof piece === "string" ? piece : (words[piece] ?? words[0] ?? "").slice(missing % 3),
            )
            .join("");
          const text = Buffer.from(content);
          const chunks = byByte ? Array.from(text, (byte) => Buffer.from([byte])) : split(text, cuts);
          const ends = foreign
            .filter((secret) => !own.includes(secret) && content.includes(secret))
            .map((secret) => content.indexOf(secret) + secret.length);
          let passed = 0;
          const expected = chunks.findIndex((chunk) => {
            passed += chunk.length;
            return ends.some((end) => end <= passed);
          });
          const secrets = indexOf({ other: foreign, called: own }, random);
          expect(firstHit(secrets, chunks)).toBe(expected);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("it is found in every form that is searched for", () => {
    const secret = 'a key/with + every = sort of "character" é';
    const secrets = indexOf({ other: [secret] });
    const json = JSON.stringify({ secret });
    const form = new URLSearchParams({ secret }).toString();
    for (const text of [secret, json, json.replaceAll("/", "\\/"), encodeURIComponent(secret), form]) {
      expect(firstHit(secrets, [Buffer.from(text)])).toBe(0);
    }
    expect(firstHit(secrets, [Buffer.from(secret.slice(1))])).toBe(-1);
  });

  test("secrets that are ends of each other are told apart", () => {
    const long = `prefix-${TOKEN}`;
    const both = indexOf({ called: [TOKEN], other: [long] });
    expect(firstHit(both, [Buffer.from(` ${TOKEN}`)])).toBe(-1);
    expect(firstHit(both, [Buffer.from(` ${long}`)])).toBe(0);
    const reversed = indexOf({ called: [long], other: [TOKEN] });
    expect(firstHit(reversed, [Buffer.from(` ${TOKEN}`)])).toBe(0);
  });

  test("a thousand secrets that all end alike are told apart", () => {
    const end = "-and-an-end-that-all-of-them-share";
    const values = Array.from({ length: 1000 }, (_, i) => `tenant-${i}-${i * 7919}${end}`);
    const secrets = indexOf({ other: values });
    expect(firstHit(secrets, [Buffer.from(`tenant-x${end}`.repeat(50))])).toBe(-1);
    for (const value of values.slice(0, 20)) expect(firstHit(secrets, [Buffer.from(`--${value}`)])).toBe(0);
  });

  test("of a secret longer than what is remembered the end decides", () => {
    const secret = randomBytes(10_000).toString("base64url");
    const secrets = indexOf({ other: [secret] });
    const bytes = Buffer.from(secret);
    expect(secrets.reach).toBe(LONGEST_SENT_PATTERN);
    for (const size of [1, 7, 1000, 5000, 20_000]) {
      const cuts = Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => (i + 1) * size);
      expect(firstHit(secrets, split(bytes, cuts))).toBeGreaterThanOrEqual(0);
      const end = bytes.subarray(-LONGEST_SENT_PATTERN);
      expect(firstHit(secrets, split(end, cuts))).toBeGreaterThanOrEqual(0);
      expect(firstHit(secrets, split(end.subarray(1), cuts))).toBe(-1);
    }
  });

  test("a secret right behind much other content is found, in chunks around the size of what is remembered", () => {
    const secrets = indexOf({ other: [TOKEN] });
    for (let size = 1; size < 3 * TOKEN.length; size += 1) {
      for (const before of [0, 5, 200, 1000]) {
        const text = Buffer.concat([Buffer.alloc(before, "tok_live_"), Buffer.from(TOKEN)]);
        const cuts = Array.from({ length: Math.floor(text.length / size) }, (_, i) => (i + 1) * size);
        expect(firstHit(secrets, split(text, cuts))).toBe(Math.ceil(text.length / size) - 1);
      }
    }
  });

  test("once found it stays found", () => {
    const scan = new OutboundScan(indexOf({ other: [TOKEN] }), "called");
    expect(scan.push(Buffer.from(TOKEN))).toBeDefined();
    expect(scan.push(Buffer.from("harmless"))).toBeDefined();
  });

  test("what is pushed is not changed, nor needed afterwards", () => {
    const scan = new OutboundScan(indexOf({ other: [TOKEN] }), "called");
    const first = Buffer.from(TOKEN.slice(0, 20));
    scan.push(first);
    expect(first.toString()).toBe(TOKEN.slice(0, 20));
    first.fill(0);
    expect(scan.push(Buffer.from(TOKEN.slice(20)))).toBeDefined();
  });
});

describe("changes while a body is under way", () => {
  test("a secret that is stored meanwhile is searched for, also if it reaches further back than any before", () => {
    const secrets = indexOf({ other: ["x".repeat(25)] });
    const scan = new OutboundScan(secrets, "called");
    const long = randomBytes(600).toString("hex");
    expect(scan.push(Buffer.from("something else"))).toBeUndefined();
    secrets.update("late", [{ value: new Secret(long) }]);
    expect(scan.push(Buffer.from(long.slice(0, 700)))).toBeUndefined();
    expect(scan.push(Buffer.from(long.slice(700)))).toBeDefined();
  });

  test("a secret that is half sent when it is stored is found if it is as short as the others", () => {
    const secrets = indexOf({ other: ["x".repeat(60)] });
    const scan = new OutboundScan(secrets, "called");
    scan.push(Buffer.from(TOKEN.slice(0, 20)));
    secrets.update("late", [{ value: new Secret(TOKEN) }]);
    expect(scan.push(Buffer.from(TOKEN.slice(20)))).toBeDefined();
  });

  test("a secret that is deleted meanwhile is no hit", () => {
    const secrets = indexOf({ other: [TOKEN], third: ["x".repeat(25)] });
    const scan = new OutboundScan(secrets, "called");
    scan.push(Buffer.from(TOKEN.slice(0, 20)));
    secrets.remove("other");
    expect(scan.push(Buffer.from(TOKEN.slice(20)))).toBeUndefined();
  });

  test("bytes that went by unsearched are not joined to later ones", () => {
    const secrets = indexOf({ other: [TOKEN] });
    const scan = new OutboundScan(secrets, "called");
    scan.push(Buffer.from(TOKEN.slice(0, 20)));
    secrets.clear();
    expect(scan.isNeeded).toBe(false);
    expect(scan.push(Buffer.from("in between"))).toBeUndefined();
    secrets.update("other", [{ value: new Secret(TOKEN) }]);
    expect(scan.isNeeded).toBe(true);
    expect(scan.push(Buffer.from(TOKEN.slice(20)))).toBeUndefined();
    expect(scan.push(Buffer.from(TOKEN))).toBeDefined();
  });
});

describe("the search of headers", () => {
  const secrets = indexOf({ other: [TOKEN], called: ["own-secret-0123456789"] });
  const scan = new OutboundScan(secrets, "called");

  test("a secret anywhere in a name or a value is found", () => {
    expect(scan.scanHeaders(["Host", "x", "Authorization", `Bearer ${TOKEN}`])).toBeDefined();
    expect(scan.scanHeaders(["Cookie", `a=${TOKEN}; b=1`, "Accept", "*/*"])).toBeDefined();
    expect(scan.scanHeaders([TOKEN, "x"])).toBeDefined();
    expect(scan.scanText(`/path?key=${TOKEN}&a=b`)).toBeDefined();
  });

  test("the called service's own is not, nor is what only two fields together make", () => {
    expect(scan.scanHeaders(["Authorization", "Bearer own-secret-0123456789"])).toBeUndefined();
    expect(scan.scanHeaders(["X-A", TOKEN.slice(0, 20), TOKEN.slice(20), "x"])).toBeUndefined();
    expect(scan.scanHeaders([])).toBeUndefined();
  });

  test("a value outside ASCII is compared as the bytes that were sent", () => {
    const secret = "schlüssel-mit-umlaut-0123";
    const sent = Buffer.from(secret).toString("latin1");
    expect(new OutboundScan(indexOf({ other: [secret] }), "called").scanHeaders(["X", sent])).toBeDefined();
  });

  test("a search of headers leaves the body's search as it was", () => {
    const other = new OutboundScan(secrets, "called");
    other.push(Buffer.from(TOKEN.slice(0, 20)));
    expect(other.scanHeaders(["X", TOKEN])).toBeDefined();
    expect(other.push(Buffer.from(TOKEN.slice(20)))).toBeDefined();
    const clean = new OutboundScan(secrets, "called");
    expect(clean.scanHeaders(["X", TOKEN.slice(0, 34)])).toBeUndefined();
    expect(clean.push(Buffer.from(TOKEN.slice(34)))).toBeUndefined();
  });

  test("nothing is searched if only the called service has secrets", () => {
    const lonely = new OutboundScan(indexOf({ called: [TOKEN] }), "called");
    expect(lonely.isNeeded).toBe(false);
    expect(lonely.scanHeaders(["X", TOKEN])).toBeUndefined();
    expect(lonely.push(Buffer.from(TOKEN))).toBeUndefined();
  });
});
