import type { TokenInfo } from "@vault-proxy/client";
import { expect, test } from "vitest";

import { tokenFindings } from "./vault-checks.js";

const HOUR = 3_600_000;
const CREATED = Date.parse("2030-01-01T00:00:00Z");

const token = (lifeMs: number): TokenInfo => ({
  ...{ id_prefix: "tok_AAAA...", scope: "proxy", name: "bot", policy: "triage" },
  created_at: new Date(CREATED).toISOString(),
  expires_at: new Date(CREATED + lifeMs).toISOString(),
});
const statusAfter = (lifeMs: number, ageMs: number) =>
  tokenFindings([token(lifeMs)], { bin: "vault-cli", tokenMend: "", now: CREATED + ageMs })[0];

test.each([
  [24 * HOUR, 0, "ok"],
  [24 * HOUR, 21 * HOUR, "ok"],
  [24 * HOUR, 22 * HOUR, "warn"],
  [4 * HOUR, 2.9 * HOUR, "ok"],
  [4 * HOUR, 3.1 * HOUR, "warn"],
  [HOUR / 2, 0, "ok"],
  [HOUR / 2, HOUR / 3, "warn"],
])("a token that lives %d ms and is %d ms old: %s", (life, age, status) => {
  expect(statusAfter(life, age)).toMatchObject({ status });
});

test("the next token has the name and the policy of the one that ends", () => {
  expect(JSON.stringify(statusAfter(24 * HOUR, 23 * HOUR))).toContain(
    "vault-cli token create --name bot --policy triage",
  );
});
