import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { STATUS_OF_ERROR_CODE } from "../errors/error-codes.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { FLOW_FAILURE_CODES, FlowError, toFlowFailure } from "./flow-failure.js";

test("docs/oauth2.md explains exactly the codes that only logins have", () => {
  const page = readFileSync(new URL("../../../../docs/oauth2.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("## How a login stands"), page.indexOf("## What keeps it safe"));
  const documented = [...table.matchAll(/^\| `([a-z_]+)`(?!, others)/gm)].map(([, code]) => code);
  const own = FLOW_FAILURE_CODES.filter((code) => !Object.hasOwn(STATUS_OF_ERROR_CODE, code));
  expect(documented.filter((code) => !Object.hasOwn(STATUS_OF_ERROR_CODE, code ?? "")).sort()).toEqual(
    own.toSorted(),
  );
});

test("a failure has the code and the sentence of what was thrown, and no text of a defect", () => {
  expect(toFlowFailure(new FlowError("expired", "late"))).toEqual({ code: "expired", error: "late" });
  const full = new VaultProxyError("storage_full", "the disk is full", { cause: new Error("secret") });
  expect(toFlowFailure(full)).toEqual({ code: "storage_full", error: "the disk is full" });
  expect(toFlowFailure(new Error("secret"))).toEqual({ code: "internal", error: "internal error" });
});

test("a code that the provider refused is no authorization that ended", () => {
  const refused = new VaultProxyError("oauth2_reauthorization_required", "authorize it again");
  expect(toFlowFailure(refused)).toMatchObject({
    code: "oauth2_refresh_failed",
    error: expect.stringMatching(/did not accept the code/) as unknown,
  });
});
