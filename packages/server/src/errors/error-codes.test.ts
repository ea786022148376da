import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { STATUS_OF_ERROR_CODE } from "./error-codes.js";

test("docs/errors.md explains exactly the codes that exist, with their statuses", () => {
  const page = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8");
  const documented = [...page.matchAll(/^\| `([a-z0-9_]+)` *\| (\d{3}) *\|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  const byCode = (a: unknown[], b: unknown[]): number => String(a[0]).localeCompare(String(b[0]));
  expect(documented.toSorted(byCode)).toEqual(Object.entries(STATUS_OF_ERROR_CODE).toSorted(byCode));
});
