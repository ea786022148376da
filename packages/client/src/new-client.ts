import type { ClientOptions } from "./client-options.js";
import { VaultClient } from "./client.js";

/**
 * A client from the environment: `VAULT_PROXY_SOCK` (a unix socket, first), `VAULT_ADDR`, `VAULT_TOKEN`. What
 * `options` name goes before it.
 */
export function New(options: ClientOptions = {}): VaultClient {
  const env: Readonly<Record<string, string | undefined>> = typeof process === "undefined" ? {} : process.env;
  const elsewhere = options.addr !== undefined || options.socketPath !== undefined;
  const socketPath = elsewhere || env.VAULT_PROXY_SOCK === "" ? options.socketPath : env.VAULT_PROXY_SOCK;
  return new VaultClient({
    ...options,
    socketPath,
    addr: options.addr ?? env.VAULT_ADDR,
    token: options.token ?? env.VAULT_TOKEN,
  });
}

/** @param addr empty for the default, `http://127.0.0.1:8390` */
export function NewWithToken(addr: string, token: string, options: ClientOptions = {}): VaultClient {
  return new VaultClient({ ...options, addr, token });
}

export function NewWithSocket(path: string, token: string, options: ClientOptions = {}): VaultClient {
  return new VaultClient({ ...options, socketPath: path, token });
}
