import { VaultError } from "./errors.js";
import type { RequestBody } from "./request-body.js";
import { proxyTarget } from "./request-target.js";
import type { HeaderList } from "./request-headers.js";
import { chunksOf } from "./response-chunks.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";
import { upstreamStatusError } from "./upstream-status.js";

export interface ProxyOptions extends CallOptions {
  /** Sent on to the API; what carries credentials is dropped by the vault. */
  readonly headers?: HeaderList | undefined;
}

/** @throws VaultError only when the vault itself answered (`X-Vault-Error`) or could not be reached */
export async function proxy(
  transport: Transport,
  service: string,
  method: string,
  path: string,
  body?: RequestBody,
  options: ProxyOptions = {},
): Promise<Response> {
  const target = proxyTarget(service, path);
  return transport.raw({ ...options, method, target, body, rejects: "vault-errors" });
}

/**
 * The answer's body, chunk by chunk as it arrives. Leaving the loop cancels the upstream request.
 * @throws VaultError as `proxy` does; with the code `upstream_status` for an upstream's 4xx and 5xx, and for its
 * redirects, which are not followed and whose body is not what was asked for; its answer is in `response`; and with `connection_failed` for an answer that is cut off
 */
export async function* proxyStream(
  transport: Transport,
  service: string,
  method: string,
  path: string,
  body?: RequestBody,
  options: ProxyOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const response = await proxy(transport, service, method, path, body, options);
  const requestId = response.headers.get("x-vault-request-id") ?? undefined;
  const cutOff = (cause: unknown): unknown =>
    options.signal?.aborted === true
      ? cause
      : new VaultError(0, "connection_failed", "the answer was cut off on the way", { requestId, cause });
  if (response.status >= 300) throw await upstreamStatusError(response, requestId, options.signal);
  yield* chunksOf(response.body as ReadableStream<Uint8Array> | null, cutOff);
}
