import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callbackPage, type CallbackOutcome } from "./callback-pages.js";

/** Every outcome with these texts in each place that is not ours alone. */
function outcomesWith(text: string): CallbackOutcome[] {
  return [
    { kind: "done", serviceName: text, replaced: false },
    { kind: "done", serviceName: text, replaced: true },
    { kind: "refused", serviceName: text, error: text, description: text },
    { kind: "refused", serviceName: text, error: text, description: "" },
    { kind: "unknown" },
    { kind: "locked" },
    { kind: "failed", serviceName: text, failure: { code: "provider_error", error: text } },
  ];
}

/** All that a browser could take for markup: tags, comments, references. */
const markupOf = (body: string): string[] => body.match(/<[^>]*>|&(?!(?:amp|lt|gt|quot|#39|#96);)/g) ?? [];

const HOSTILE = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "</blockquote></main><iframe src=//evil.example>",
  "</style><style>*{display:none}",
  "<!-- ",
  "]]>",
  "&lt;script&gt;",
  "&#60;script>",
  "'`\"&<>",
  "\u202Eevil\u2066",
  "\u0000\u0008\u001b[2J",
  "\ud800",
];

describe("a callback page", () => {
  const plain = outcomesWith("x").map((outcome) => markupOf(callbackPage(outcome).body));

  test.each(HOSTILE)("shows %j as text", (text) => {
    expect(outcomesWith(text).map((outcome) => markupOf(callbackPage(outcome).body))).toEqual(plain);
  });

  test("has the same markup whatever stands in any place of it", () => {
    const hostile = fc.oneof(
      fc.string({ unit: "binary", maxLength: 600 }),
      fc.string({ unit: fc.constantFrom(..."<>&\"'`/!-[]=; \n\u0000\u202Eastyle".split("")) }),
      fc.constantFrom(...HOSTILE),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        const bodies = outcomesWith(text).map((outcome) => callbackPage(outcome).body);
        expect(bodies.map(markupOf)).toEqual(plain);
        for (const body of bodies) {
          expect(body.isWellFormed()).toBe(true);
          expect(body).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("shows a provider's text shortened", () => {
    const { body } = callbackPage({
      kind: "refused",
      serviceName: "api",
      error: "e".repeat(5_000),
      description: "😀".repeat(5_000),
    });
    expect(body.length).toBeLessThan(6_000);
    expect(body).toContain(`${"😀".repeat(300)}… (${"e".repeat(300)}…)`);
  });

  test("has the status of its outcome", () => {
    const statuses = outcomesWith("x").map((outcome) => callbackPage(outcome).status);
    expect(statuses).toEqual([200, 200, 400, 400, 400, 423, 502]);
    const failed = (code: "storage_full" | "internal" | "issuer_mismatch" | "no_refresh_token"): number =>
      callbackPage({ kind: "failed", serviceName: "x", failure: { code, error: "x" } }).status;
    expect(failed("issuer_mismatch")).toBe(400);
    expect(failed("no_refresh_token")).toBe(502);
    expect(failed("storage_full")).toBe(507);
    expect(failed("internal")).toBe(500);
  });

  test("allows its own style and nothing else, and holds nothing that loads or runs", () => {
    for (const outcome of outcomesWith("x")) {
      const { body, contentSecurityPolicy } = callbackPage(outcome);
      const styles = [...body.matchAll(/<style>([^<]*)<\/style>/g)].map(([, style]) => style ?? "");
      expect(styles).toHaveLength(1);
      const hash = createHash("sha256")
        .update(styles[0] ?? "")
        .digest("base64");
      expect(contentSecurityPolicy).toBe(
        `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      expect(body).not.toMatch(
        /<(?:script|link|img|iframe|base|form|a)\b|\bon\w+=|style=|url\(|@import|https?:/i,
      );
      expect(body).toMatch(/^<!doctype html>\n<html lang="en">/);
      expect(body).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    }
  });
});
