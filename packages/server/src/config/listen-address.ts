import { isIP } from "node:net";

/** Where the server listens. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** `sun_path` less its final NUL (unix(7)); the system cuts a longer one without a word. */
const MAX_SOCKET_PATH_BYTES = process.platform === "linux" ? 107 : 103;

/** @returns undefined if the text is neither `host:port`, `[v6]:port`, `:port` nor `unix:/path`. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    const isUsable =
      path.startsWith("/") && !path.includes("\0") && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
    return isUsable ? { kind: "unix", path } : undefined;
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, portText] = match;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  const host = bracketed ?? plain ?? "";
  const port = Number(portText);
  if (port > 65_535 || !/^[\w.:%-]*$/.test(host)) return undefined;
  // As in Go, no host means every address; the bind rule below then asks for TLS.
  return { kind: "tcp", host: host === "" ? "::" : host, port };
}

/** Whether only processes of this machine can reach the address. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.kind === "unix") return true;
  const host = address.host.toLowerCase();
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** As it is given on the command line. */
export function listenAddressText(address: ListenAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
