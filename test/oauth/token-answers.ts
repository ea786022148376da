import { gzipSync } from "node:zlib";
import type { TokenAnswer } from "./scripted-token-endpoint.js";
import type { TokenIssuer } from "./token-issuer.js";

/** In every body that could be shown to someone: it may turn up in no answer and no log. */
export const MARK = "BODY-OF-THE-PROVIDER";

/** What a token endpoint may say, and what is to become of it. */
export interface AnswerCase {
  readonly title: string;
  readonly answer: (issuer: TokenIssuer) => TokenAnswer;
  /** `works`: the call goes through with the token; otherwise the code that the caller gets with 502. */
  readonly outcome: "works" | "oauth2_refresh_failed" | "oauth2_reauthorization_required";
  /** Unix seconds from now until when the token is held to live, where that is told. */
  readonly livesFor?: number;
}

const ASSUMED_S = 3600;
const LONGEST_S = 10 * 365 * 86_400;
const MEGABYTE = 1024 * 1024;

type Fields = Readonly<Record<string, unknown>>;

const tokenWith = (more: Fields) => (issuer: TokenIssuer) => ({ body: issuer.issue(more).json });

/** The same without some of its fields. */
const tokenWithout =
  (fields: readonly string[], more: Fields = {}) =>
  (issuer: TokenIssuer) => ({
    body: Object.fromEntries(
      Object.entries({ ...issuer.issue().json, ...more }).filter(([name]) => !fields.includes(name)),
    ),
  });

const sentAs = (contentType: string | undefined) => (issuer: TokenIssuer) => ({
  body: JSON.stringify(issuer.issue({ note: MARK }).json),
  headers: contentType === undefined ? {} : { "Content-Type": contentType },
});

const works = (title: string, answer: AnswerCase["answer"], livesFor = ASSUMED_S): AnswerCase => ({
  title,
  answer,
  outcome: "works",
  livesFor,
});

const fails = (
  title: string,
  answer: TokenAnswer | AnswerCase["answer"],
  outcome: AnswerCase["outcome"] = "oauth2_refresh_failed",
): AnswerCase => ({ title, answer: typeof answer === "function" ? answer : () => answer, outcome });

const HTML = `<!DOCTYPE html><title>${MARK}</title><p>Down for maintenance`;
const html = { "Content-Type": "text/html" };
const json = { "Content-Type": "application/json" };

/** Not asked for is not given: 3599.9 s are 3599. */
const LIFETIMES: readonly (readonly [unknown, number])[] = [
  [1800, 1800],
  ["1800", 1800],
  // A text is a whole number or none: in some places "1.800" and "1,800" are thousands.
  ["1800.9", ASSUMED_S],
  ["1,800", ASSUMED_S],
  [1800.9, 1800],
  [-1, ASSUMED_S],
  ["-3600", ASSUMED_S],
  [0, ASSUMED_S],
  [undefined, ASSUMED_S],
  [null, ASSUMED_S],
  ["", ASSUMED_S],
  ["NaN", ASSUMED_S],
  ["soon", ASSUMED_S],
  [true, ASSUMED_S],
  [[], ASSUMED_S],
  [{}, ASSUMED_S],
  [1e18, LONGEST_S],
  ["9".repeat(400), ASSUMED_S],
];

export const ANSWER_CASES: readonly AnswerCase[] = [
  ...LIFETIMES.map(([expiresIn, livesFor]) =>
    works(
      `expires_in of ${expiresIn === undefined ? "nothing" : JSON.stringify(expiresIn).slice(0, 20)}`,
      expiresIn === undefined ? tokenWithout(["expires_in"]) : tokenWith({ expires_in: expiresIn }),
      livesFor,
    ),
  ),
  works("expires_in of 1e999", (issuer) => ({
    headers: json,
    body: JSON.stringify(issuer.issue({ expires_in: "HERE" }).json).replace('"HERE"', "1e999"),
  })),
  works(
    "expires_at in RFC 3339 (Square)",
    (issuer) =>
      tokenWithout(["expires_in"], { expires_at: new Date(Date.now() + 7200_000).toISOString() })(issuer),
    7200,
  ),
  works(
    "expires_at in unix seconds",
    (issuer) => tokenWithout(["expires_in"], { expires_at: Math.floor(Date.now() / 1000) + 7200 })(issuer),
    7200,
  ),
  works("no token_type", tokenWithout(["token_type"])),
  works("token_type in capitals", tokenWith({ token_type: "BEARER" })),
  works("status 201", (issuer) => ({ status: 201, body: issuer.issue().json })),
  works("JSON called text/html", sentAs("text/html")),
  works("JSON called text/plain", sentAs("text/plain; charset=utf-8")),
  works("JSON without a Content-Type", sentAs(undefined)),
  works("a form (GitHub without Accept)", (issuer) => ({
    headers: { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" },
    body: new URLSearchParams(issuer.issue({ scope: "a,b" }).json as Record<string, string>).toString(),
  })),
  works("authed_user.access_token (Slack)", (issuer) => ({
    body: { ok: true, app_id: "A1", authed_user: { id: "U1", ...issuer.issue().json } },
  })),
  works("a key named __proto__", (issuer) => ({
    headers: json,
    body: JSON.stringify(issuer.issue().json).replace("{", '{"__proto__":{"access_token":"x"},'),
  })),

  fails("HTML with 200", { headers: html, body: HTML }),
  fails("HTML with 500", { status: 500, headers: html, body: HTML }),
  fails("HTML with 403", { status: 403, headers: html, body: HTML }),
  fails("HTML called JSON", { headers: json, body: HTML }),
  fails("2 MB of JSON", (issuer) => ({
    body: issuer.issue({ padding: MARK.repeat((2 * MEGABYTE) / MARK.length) }).json,
  })),
  fails("a body without an end", { headers: json, body: `{"${MARK}":"`, end: "more" }),
  fails("a body that is cut off", {
    headers: { ...json, "Content-Length": "500" },
    body: `{"access_token":"${MARK}"`,
    end: "cut",
  }),
  fails("100 KB of headers", (issuer) => ({
    headers: { "X-Padding": MARK.repeat((100 * 1024) / MARK.length) },
    body: issuer.issue().json,
  })),
  fails("gzip that nobody asked for", (issuer) => ({
    headers: { ...json, "Content-Encoding": "gzip" },
    body: gzipSync(JSON.stringify(issuer.issue().json)),
  })),
  fails("204", { status: 204 }),
  fails("an empty body", { headers: json, body: "" }),
  fails("null", { headers: json, body: "null" }),
  fails("a list", { headers: json, body: `["${MARK}"]` }),
  fails("a number that JSON does not have", { headers: json, body: '{"access_token":"x","expires_in":NaN}' }),
  fails("lists a hundred thousand deep", { headers: json, body: "[".repeat(100_000) }),
  fails("no access_token", { body: { token_type: "Bearer", note: MARK } }),
  ...[
    ["empty", ""],
    ["a number", 12345],
    ["a list", ["x"]],
    ["null", null],
    ["with a line break", `x\r\nX-Injected: ${MARK}`],
    ["with a space", `x ${MARK}`],
    ["beyond ASCII", "x\u00e9"],
    ["of 20 KB", "x".repeat(20_480)],
  ].map(([title, access_token]) =>
    fails(`an access_token that is ${String(title)}`, { body: { access_token, token_type: "Bearer" } }),
  ),
  fails("a DPoP token", tokenWith({ token_type: "DPoP" })),
  fails("a MAC token", tokenWith({ token_type: "mac" })),

  fails("invalid_client", { status: 401, body: { error: "invalid_client", error_description: MARK } }),
  fails("an error that is a text", { status: 400, body: { error: `<script>${MARK}</script>` } }),
  fails("an error that is an object", { status: 400, body: { error: { code: MARK } } }),
  fails("429", { status: 429, headers: { "Retry-After": "1" }, body: { error: MARK } }),
  fails("503", { status: 503, body: MARK }),
  fails(
    "invalid_grant",
    { status: 400, body: { error: "invalid_grant", error_description: MARK } },
    "oauth2_reauthorization_required",
  ),
  fails(
    "an error with status 200 (GitHub)",
    { body: { error: "bad_refresh_token", error_description: MARK, error_uri: `https://x.test/${MARK}` } },
    "oauth2_reauthorization_required",
  ),
  fails(
    "an error with status 200 in a form (GitHub)",
    {
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: `error=bad_refresh_token&error_description=${MARK}`,
    },
    "oauth2_reauthorization_required",
  ),
  fails(
    "an error with status 200 (Slack)",
    { body: { ok: false, error: "invalid_refresh_token", needed: MARK } },
    "oauth2_reauthorization_required",
  ),
];
