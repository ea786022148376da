import { createServer, isIPv6, type AddressInfo, type Server, type Socket } from "node:net";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SESSION_LIMITS } from "./session-limits.js";

/** Where sessions listen. */
export interface SessionAddress {
  readonly host: string;
  /** Inclusive; undefined for any port that is free. */
  readonly ports: { readonly first: number; readonly last: number } | undefined;
}

/** A listener of one session. */
export interface SessionPort {
  readonly server: Server;
  /** Where clients connect: a host that stands for every address is shown as loopback. */
  readonly host: string;
  readonly port: number;
}

/**
 * Starts to listen on a free port. Accepted connections are not read yet.
 *
 * @param start 0 to 1: where in the range the search begins
 * @throws VaultProxyError `unavailable` if no port is free
 */
export async function openSessionPort(
  { host, ports }: SessionAddress,
  onClient: (client: Socket) => void,
  start: number,
): Promise<SessionPort> {
  const count = ports === undefined ? 1 : ports.last - ports.first + 1;
  const offset = Math.floor(start * count);
  for (let attempt = 0; attempt < count; attempt += 1) {
    const wanted = ports === undefined ? 0 : ports.first + ((offset + attempt) % count);
    const server = await listen(host, wanted, onClient);
    if (server === undefined) continue;
    const { port } = server.address() as AddressInfo;
    return { server, host: shownHost(host), port };
  }
  throw new VaultProxyError("unavailable", "no port is free for another session");
}

/**
 * Tries the address, without a client ever being let in.
 * @throws VaultProxyError if it is none of this machine
 */
export async function assertSessionAddress({ host }: SessionAddress): Promise<void> {
  try {
    const { server } = await openSessionPort({ host, ports: undefined }, (client) => client.destroy(), 0);
    server.close();
  } catch (cause) {
    throw new VaultProxyError("unavailable", `--session-host: sessions cannot listen on ${host}`, { cause });
  }
}

const TAKEN: ReadonlySet<string> = new Set(["EADDRINUSE", "EACCES", "EMFILE", "ENFILE"]);

/** @returns undefined if the port is taken */
async function listen(
  host: string,
  port: number,
  onClient: (client: Socket) => void,
): Promise<Server | undefined> {
  const server = createServer(
    {
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: SESSION_LIMITS.keepAliveMs,
      pauseOnConnect: true,
    },
    onClient,
  );
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (TAKEN.has(error.code ?? "")) resolve(undefined);
      else reject(new VaultProxyError("internal", "a session cannot listen here", { cause: error }));
    });
    server.listen({ host, port }, () => {
      // Later ones (no file descriptor left for a client) concern that client only.
      server.removeAllListeners("error").on("error", () => undefined);
      resolve(server);
    });
  });
}

function shownHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** `host:port`, an IPv6 address in brackets (RFC 3986 §3.2.2). */
export function authorityOf({ host, port }: Pick<SessionPort, "host" | "port">): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
