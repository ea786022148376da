import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { isIP, type Socket } from "node:net";
import { buildConnector } from "undici";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { assertDestination, destinationBlocked, isAllowedAddress } from "./address-policy.js";
import { lookupAllowed, type LookupAll } from "./allowed-lookup.js";
import { openEgressTunnel } from "./egress-tunnel.js";
import { gateReads, type ReadGate } from "./read-gate.js";
import { secureContext, serverName } from "./tls-trust.js";

const LIMITS = {
  /**
   * How long one address may take before the next is tried (RFC 8305 §5 says 250 ms, but Node gives up the earlier
   * attempt where the RFC keeps it running, so that a distant upstream would never be reached).
   */
  attemptTimeoutMs: 500,
  /** Behind an egress proxy, how long to wait for a local answer that need not exist. */
  localResolutionMs: 2_000,
  /** TLS sessions kept for resumption, one a server name. */
  cachedSessions: 100,
} as const;

export interface ConnectorOptions {
  /** Whether private and loopback addresses and plain http are allowed: `allow_private` or `tls_skip_verify`. */
  readonly allowPrivate: boolean;
  /** PEM certificates trusted beside the system's roots. Node ignores what it cannot read: check it beforehand. */
  readonly ca?: string | undefined;
  /** Whether the upstream's certificate is verified: all but `tls_skip_verify`. */
  readonly rejectUnauthorized: boolean;
  /** Covers name resolution, TCP, the egress proxy and the TLS handshake together. */
  readonly connectTimeoutMs: number;
  readonly lookup?: LookupAll | undefined;
  /** Told of each socket's gate right before bytes are read from it. */
  readonly onRead?: ((gate: ReadGate) => void) | undefined;
  /** `http:` or `https:`, optionally with user name and password. */
  readonly egressProxy?: URL | undefined;
}

/**
 * Makes the `connect` of an undici Pool or Client that decides where bytes go, on every connect, on the address.
 *
 * Without an egress proxy a name's addresses are filtered by the policy before any is tried, so that a name which
 * resolves to something else than a moment ago (DNS rebinding) gains nothing, and the address in use is checked once
 * more before the socket is given out.
 *
 * With an egress proxy the proxy resolves the name and connects, and its own address is exempt. The name or literal is
 * checked first. Then the name is resolved here as well, and if that gives addresses, all must be allowed, because it
 * is unknown which of them the proxy will take. A name that does not resolve here passes: behind a proxy there is
 * often no public DNS at all, and the proxy, which alone can reach the destination, decides.
 *
 * Refusals reach the callback as VaultProxyError `destination_blocked`, a missed deadline as `upstream_timeout`, all
 * else as Node gives it. The server name is always that of the destination; what undici takes from a `Host` header is
 * not used. ALPN offers HTTP/1.1 only.
 */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { allowPrivate, connectTimeoutMs, egressProxy } = options;
  const lookup = options.lookup ?? systemLookup;
  const connectSocket = buildConnector({
    allowH2: false,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: LIMITS.attemptTimeoutMs,
    lookup: lookupAllowed(lookup, (address) => isAllowedAddress(address, allowPrivate)),
    maxCachedSessions: LIMITS.cachedSessions,
    rejectUnauthorized: options.rejectUnauthorized,
    secureContext: secureContext(options.ca),
    timeout: connectTimeoutMs,
  });

  return function connect(requested, giveSocket) {
    const { onRead } = options;
    const callback: buildConnector.Callback = (...outcome) => {
      const [error, socket] = outcome;
      if (error === null && onRead !== undefined) gateReads(socket, onRead);
      giveSocket(...outcome);
    };
    const destination = { ...requested, servername: serverName(requested.hostname) };
    try {
      assertDestination({ hostname: destination.hostname, allowPrivate });
      if (destination.protocol !== "https:" && !allowPrivate) {
        throw new VaultProxyError(
          "destination_blocked",
          "address not allowed: plain http needs allow_private",
        );
      }
    } catch (error) {
      process.nextTick(callback, error, null);
      return;
    }
    if (egressProxy === undefined) {
      connectSocket(destination, (error, socket) => {
        if (error === null) giveChecked(socket, allowPrivate, callback);
        else callback(error, null);
      });
    } else {
      connectThroughProxy(
        { destination, egressProxy, allowPrivate, connectTimeoutMs, lookup, connectSocket },
        callback,
      );
    }
  };
}

/** The last look at the address in use, before anything is sent on it. */
function giveChecked(socket: Socket, allowPrivate: boolean, callback: buildConnector.Callback): void {
  const address = socket.remoteAddress;
  if (address !== undefined && isAllowedAddress(address, allowPrivate)) {
    callback(null, socket);
    return;
  }
  discard(socket);
  const refusal =
    address === undefined
      ? new VaultProxyError("upstream_failed", "the upstream closed the connection")
      : destinationBlocked(address);
  callback(refusal, null);
}

interface ProxiedConnect {
  readonly destination: buildConnector.Options;
  readonly egressProxy: URL;
  readonly allowPrivate: boolean;
  readonly connectTimeoutMs: number;
  readonly lookup: LookupAll;
  readonly connectSocket: buildConnector.connector;
}

function connectThroughProxy(plan: ProxiedConnect, callback: buildConnector.Callback): void {
  const { destination, egressProxy: proxy, connectSocket } = plan;
  const deadline = new AbortController();
  let tunnel: Socket | undefined;
  let settled = false;

  const timer = setTimeout(() => {
    const late = new VaultProxyError(
      "upstream_timeout",
      "the upstream did not accept the connection in time",
    );
    deadline.abort(late);
    settle(late, null);
  }, plan.connectTimeoutMs);
  const settle = (...outcome: [null, Socket] | [Error, null]): void => {
    const [error, socket] = outcome;
    if (settled) {
      if (socket !== null) discard(socket);
      return;
    }
    settled = true;
    clearTimeout(timer);
    if (error !== null && tunnel !== undefined) discard(tunnel);
    callback(...outcome);
  };

  const open = async (): Promise<void> => {
    await assertLocalAnswer(plan);
    const { hostname, protocol } = destination;
    const port = Number(destination.port || (protocol === "https:" ? 443 : 80));
    tunnel = await openEgressTunnel({ proxy, target: { hostname, port }, signal: deadline.signal });
    if (protocol === "https:") connectSocket({ ...destination, httpSocket: tunnel }, settle);
    else settle(null, tunnel);
  };
  open().catch((error: unknown) => {
    settle(error instanceof Error ? error : new Error("the tunnel failed", { cause: error }), null);
  });
}

/** @throws VaultProxyError `destination_blocked` if the name resolves here to any address that is not allowed. */
async function assertLocalAnswer(plan: ProxiedConnect): Promise<void> {
  const { allowPrivate, connectTimeoutMs, lookup } = plan;
  const { hostname } = plan.destination;
  if (isIP(hostname) !== 0) return;
  const addresses = await new Promise<readonly LookupAddress[]>((resolve) => {
    const timer = setTimeout(resolve, Math.min(LIMITS.localResolutionMs, connectTimeoutMs / 2), []);
    lookup(hostname, { all: true }, (error, found) => {
      clearTimeout(timer);
      resolve(error === null ? found : []);
    });
  });
  if (!addresses.every(({ address }) => isAllowedAddress(address, allowPrivate)))
    throw destinationBlocked(hostname);
}

/** A socket that is going away may still report an error; nobody is left to hear it. */
function discard(socket: Socket): void {
  socket.on("error", () => undefined).destroy();
}
