import type { IncomingMessage } from "node:http";
import type { OwnAddress } from "./oauth2-flow/redirect-uri.js";

/**
 * How the sender of a request reaches the vault. `Host` was judged by the browser guard, and is read from the fields as
 * they came, because the listener puts another in its place for those behind it.
 *
 * @returns undefined for a request that came by a unix socket
 */
export function requestAddress({ socket, rawHeaders }: IncomingMessage): OwnAddress | undefined {
  if (socket.localAddress === undefined) return undefined;
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  const host = at === -1 ? undefined : rawHeaders[at + 1];
  if (host === undefined) return undefined;
  return { scheme: "encrypted" in socket ? "https" : "http", host };
}

const UNIX_SOCKET = "unix";

/** Where a request comes from, for the audit: the address of the other end, without its port. */
export function clientAddress({ socket }: IncomingMessage): string {
  if (socket.localAddress === undefined) return UNIX_SOCKET;
  // An IPv4 connection to a socket that listens for both (RFC 4291 §2.5.5.2).
  return (socket.remoteAddress ?? "unknown").replace(/^::ffff:(?=\d+\.)/, "");
}
