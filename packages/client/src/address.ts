import { VaultError } from "./errors.js";

export const DEFAULT_ADDRESS = "http://127.0.0.1:8390";

/** Where a vault-server listens. `label` is what error messages call it. */
export type Address =
  | {
      readonly kind: "tcp";
      readonly origin: string;
      /** Without a trailing slash; not empty when a reverse proxy serves the vault under a path. */
      readonly basePath: string;
      /** False when a token sent there could be read on the way. */
      readonly confidential: boolean;
      readonly label: string;
    }
  | { readonly kind: "unix"; readonly socketPath: string; readonly label: string };

/** Accepts `http://host:port`, `https://host:port` and `unix:/path/to.sock` (also `unix:///path`). */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:")) return unixAddress(text.slice("unix:".length).replace(/^\/\/(?=\/)/, ""));
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw invalidAddress("must begin with http://, https:// or unix:");
  }
  if (url.username !== "" || url.password !== "")
    throw invalidAddress("must not hold a user name or password");
  if (url.search !== "" || url.hash !== "") throw invalidAddress("must not hold a query or a fragment");
  const basePath = url.pathname.replace(/\/+$/, "");
  return {
    kind: "tcp",
    origin: url.origin,
    basePath,
    confidential: url.protocol === "https:" || isLoopbackHost(url.hostname),
    label: url.origin + basePath,
  };
}

export function unixAddress(socketPath: string): Address {
  if (socketPath === "") throw invalidAddress("names no unix socket path");
  return { kind: "unix", socketPath, label: `unix:${socketPath}` };
}

/** @param hostname as WHATWG URL gives it: IPv4 in dotted decimals, IPv6 in brackets, names in lower case */
export function isLoopbackHost(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]") return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

function invalidAddress(reason: string): VaultError {
  return new VaultError(0, "invalid_address", `the vault's address ${reason}`);
}
