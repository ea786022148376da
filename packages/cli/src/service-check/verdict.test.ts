import { describe, expect, test } from "vitest";

import type { PresetTest } from "../presets/preset.js";
import { verdict } from "./verdict.js";

const CHANGE = "vault-cli service update acme";

const CALL: PresetTest = { method: "GET", path: "/me", expect: { status: 200 } };
const INSIDE: PresetTest = {
  ...CALL,
  expect: { status: 200, json: { ok: true, "data.state": "on" }, json_present: ["user.id"] },
};
const GOOD = { ok: true, data: { state: "on" }, user: { id: 0 } };

describe("an answer as it was expected shows that the credential works:", () => {
  test("by its status", () => {
    expect(verdict("Acme", CALL, { status: 200, body: undefined }, CHANGE)).toEqual({
      ok: true,
      message: "ok (HTTP 200): Acme takes the credential",
      data: { ok: true, status: 200 },
    });
  });

  test("by an error that only a known caller is told", () => {
    const refused: PresetTest = { ...CALL, expect: { status: 400 } };
    expect(verdict("Acme", refused, { status: 400, body: undefined }, CHANGE).ok).toBe(true);
    expect(verdict("Acme", refused, { status: 200, body: undefined }, CHANGE).ok).toBe(false);
  });

  test("by what is in it", () => {
    expect(verdict("Acme", INSIDE, { status: 200, body: GOOD }, CHANGE).ok).toBe(true);
  });
});

test.each([
  [{ ...GOOD, ok: false }],
  [{ ...GOOD, data: {} }],
  [{ ...GOOD, data: "on" }],
  [{ ...GOOD, user: { id: null } }],
  [{ ...GOOD, user: undefined }],
  [null],
  [undefined],
  ["text"],
])("with %j in it, an answer of the right status is that to a wrong credential", (body) => {
  const outcome = verdict("Acme", INSIDE, { status: 200, body }, CHANGE);
  expect(outcome).toMatchObject({ ok: false, message: "Acme answered as it does to a wrong credential" });
});

test("names of an object's own prototype are nothing that is present", () => {
  const call: PresetTest = { ...CALL, expect: { status: 200, json_present: ["constructor"] } };
  expect(verdict("Acme", call, { status: 200, body: {} }, CHANGE).ok).toBe(false);
});

test.each([
  [401, "refused the credential (HTTP 401)", "`vault-cli service update acme` replaces it"],
  [407, "refused the credential", "mistyped, revoked"],
  [403, "refused this call (HTTP 403)", "without the right to GET /me"],
  [402, "wants to be paid", "likely right"],
  [429, "too many calls", "likely right"],
  [404, "nothing is there", "tenant may be wrong"],
  [302, "sent the call elsewhere", "tenant may be wrong"],
  [400, "answered HTTP 400, not 200", "wrong credential"],
  [503, "failed (HTTP 503)", "later"],
])("HTTP %i means: %s", (status, message, hint) => {
  const outcome = verdict("Acme", CALL, { status, body: "sk-echoed" }, CHANGE);
  expect(outcome.ok).toBe(false);
  expect(outcome.message).toContain(message);
  expect(outcome.hint).toContain(hint);
  expect(JSON.stringify(outcome)).not.toContain("sk-echoed");
  expect(outcome.data).toEqual({ ok: false, status, error: outcome.message });
});
