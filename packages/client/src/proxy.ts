import { VaultError } from "./errors.js";
import type { RequestBody } from "./request-body.js";
import { proxyTarget } from "./request-target.js";
import type { HeaderList } from "./request-headers.js";
import { chunksOf } from "./response-chunks.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

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
 * @throws VaultError as `proxy` does, and with the code `upstream_status` for an upstream's 4xx and 5xx
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
  if (response.status >= 400) {
    await response.body?.cancel();
    const requestId = response.headers.get("x-vault-request-id");
    throw new VaultError(
      response.status,
      "upstream_status",
      `the API answered HTTP ${response.status}`,
      requestId === null ? {} : { requestId },
    );
  }
  yield* chunksOf(response.body as ReadableStream<Uint8Array> | null);
}
