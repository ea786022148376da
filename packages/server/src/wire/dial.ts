import { lookup as systemLookup } from "node:dns";
import { connect } from "node:net";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertDestination, destinationBlocked, isAllowedForSessions } from "../network/address-policy.js";
import { lookupAllowed, type LookupAll } from "../network/allowed-lookup.js";
import { ReusedReads } from "./reused-reads.js";
import { WireSocket } from "./wire-socket.js";

const LIMITS = {
  /** From the first look-up to the connection. */
  connectMs: 15_000,
  /** How long one address may take before the next is tried; see network/connector.ts. */
  attemptTimeoutMs: 500,
  /** Probes on a connection on which nothing is sent: a far end that vanished is noticed within minutes. */
  keepAliveMs: 60_000,
} as const;

/** A server that a session may go to. */
export interface ServerAddress {
  /** A name or an address, with or without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether it may be on loopback, and in ranges that are neither public nor one's own. */
  readonly allowPrivate: boolean;
}

export interface DialOptions {
  /** Ends the attempt; the caller gets its reason. */
  readonly signal: AbortSignal;
  readonly lookup?: LookupAll | undefined;
  readonly connectMs?: number | undefined;
}

/**
 * Connects to a server of another protocol than HTTP. Decides on the address that is connected to, as
 * `network/connector.ts` does.
 *
 * @throws VaultProxyError `destination_blocked`, `upstream_timeout`; what Node gives otherwise, for
 *   `describeUpstreamError`
 */
export async function dial(
  { host, port, allowPrivate }: ServerAddress,
  { signal, lookup = systemLookup, connectMs = LIMITS.connectMs }: DialOptions,
): Promise<WireSocket> {
  const isAllowed = (address: string): boolean => isAllowedForSessions(address, allowPrivate);
  assertDestination({ hostname: host, allowPrivate, isAllowed });
  signal.throwIfAborted();
  const reads = new ReusedReads();
  const socket = connect({
    onread: reads.onread,
    host: host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host,
    port,
    lookup: lookupAllowed(lookup, isAllowed),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: LIMITS.attemptTimeoutMs,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: LIMITS.keepAliveMs,
  });
  reads.attach(socket);
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.off("connect", settle).off("error", settle);
      if (error === undefined) {
        resolve();
        return;
      }
      socket.on("error", () => undefined).destroy();
      reject(error);
    };
    const onAbort = (): void => settle(signal.reason as Error);
    const timer = setTimeout(() => {
      settle(new VaultProxyError("upstream_timeout", "the server did not accept the connection in time"));
    }, connectMs);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", () => settle()).once("error", settle);
  });
  const address = socket.remoteAddress;
  if (address === undefined || !isAllowed(address)) {
    socket.on("error", () => undefined).destroy();
    throw address === undefined
      ? new VaultProxyError("upstream_failed", "the server closed the connection")
      : destinationBlocked(address);
  }
  return new WireSocket(socket, "server", reads);
}
