import type { Call } from "./call.js";
import type { ConnectOptions } from "./client-options.js";
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

/** What a call is made of: what the caller may give, and what its method adds. */
const CALL: Readonly<Record<keyof Call, true>> = {
  ...{ signal: true, timeoutMs: true, headers: true },
  ...{ method: true, target: true, body: true, confidential: true, keepAuthorization: true },
  ...{ rejects: true, maxAnswerBytes: true },
};

/** @throws VaultError `invalid_request` for an option that no call has, such as `timeout` */
export function assertCall(call: Call): void {
  const unknown = Object.keys(call).find((name) => !Object.hasOwn(CALL, name));
  if (unknown !== undefined) throw invalidRequest(`there is no option ${unknown} of this call`);
  assertType("timeoutMs", call.timeoutMs, ["number"]);
}

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
