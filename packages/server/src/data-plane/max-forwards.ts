import { VaultProxyError } from "../errors/vault-proxy-error.js";

/**
 * Counts a request one step further (RFC 9110 §7.6.2), which only OPTIONS asks for here: TRACE is refused. Changes the
 * field in place.
 *
 * @param headers flat: name, value, …
 * @returns whether the request must go no further, and is the vault's own to answer
 * @throws VaultProxyError `invalid_request` if the field is no single number: how far it may go cannot be told
 */
export function countForward(method: string, headers: string[]): boolean {
  if (method !== "OPTIONS") return false;
  let left: number | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== "max-forwards") continue;
    const value = headers[index + 1] ?? "";
    if (left !== undefined || !/^\d{1,9}$/.test(value)) {
      throw new VaultProxyError("invalid_request", "Max-Forwards: must be one number");
    }
    left = Number(value);
    headers[index + 1] = String(left - 1);
  }
  return left === 0;
}
