import type { ConnectOptions } from "./connect.js";
import { invalidRequest } from "./errors.js";

/** All options and what their values may be, so that callers without types are told of a wrong one too. */
const OPTIONS: Readonly<Record<keyof ConnectOptions, readonly string[]>> = {
  addr: ["string"],
  socketPath: ["string"],
  token: ["string", "function"],
  timeoutMs: ["number"],
  retries: ["number"],
  allowInsecure: ["boolean"],
  fetch: ["function"],
};

/** @throws VaultError `invalid_request` for an option that there is not, or whose value is of another type */
export function assertOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw invalidRequest("the options must be an object, such as { addr, token }");
  }
  const types: Readonly<Record<string, readonly string[]>> = OPTIONS;
  for (const [name, value] of Object.entries(options)) {
    const expected = Object.hasOwn(types, name) ? types[name] : undefined;
    if (expected === undefined) {
      throw invalidRequest(`there is no option ${name}; there are ${Object.keys(OPTIONS).join(", ")}`);
    }
    assertType(name, value, expected);
  }
}

/** @throws VaultError `invalid_request` */
export function assertToken(token: unknown): void {
  assertType("token", token, ["string"]);
}

/** The value is not told: it may be a token in the wrong place. */
function assertType(name: string, value: unknown, expected: readonly string[]): void {
  if (value === undefined || expected.includes(typeof value)) return;
  throw invalidRequest(`${name} must be a ${expected.join(" or a ")}`);
}
