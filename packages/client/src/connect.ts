import { DEFAULT_ADDRESS, parseAddress, unixAddress } from "./address.js";
import type { ConnectOptions } from "./client-options.js";
import { assertTimeout } from "./deadline.js";
import { assertOptions } from "./option-checks.js";
import { assertRetries } from "./retries.js";
import { createTransport, type Transport } from "./transport.js";

/** Milliseconds: for the whole of a JSON answer, for the headers of a proxied one. */
const DEFAULT_TIMEOUT_MS = 60_000;

const DEFAULT_RETRIES = 2;

/** A vault-server and a token for it. */
export type Connection = Transport;

/**
 * Nothing is sent yet.
 * @throws VaultError `invalid_address`, or `invalid_request` for an option that is none or whose value is none
 */
export function connect(options: ConnectOptions = {}): Connection {
  assertOptions(options);
  const { token = "" } = options;
  const address =
    options.socketPath === undefined
      ? parseAddress(options.addr === undefined || options.addr === "" ? DEFAULT_ADDRESS : options.addr)
      : unixAddress(options.socketPath);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const retries = options.retries ?? DEFAULT_RETRIES;
  assertTimeout(timeoutMs);
  assertRetries(retries);
  return createTransport({
    address,
    token: typeof token === "string" ? () => token : token,
    timeoutMs,
    retries,
    allowInsecure: options.allowInsecure ?? false,
    fetch: options.fetch,
  });
}
