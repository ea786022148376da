/** What can be said of a service's fields without a running server: the entry that the command line's questions use. */
export { readHostKey, type HostKeyReading } from "./auth-strategies/ssh-host-key.js";
export { VaultProxyError } from "./errors/vault-proxy-error.js";
export { parseBaseUrl, type BaseUrl } from "./network/base-url.js";
