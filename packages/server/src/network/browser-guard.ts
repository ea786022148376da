import { isIP } from "node:net";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

const OAUTH_CALLBACK_PATH = "/auth/oauth2/callback";
/** Values of `Sec-Fetch-Site` that no other site's page can cause: the vault's own pages, and the user's own hand. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

export interface BrowserGuardOptions {
  /** DNS names of the listener's certificate, X.509 wildcards included; addresses need not be named. */
  readonly tlsNames: readonly string[];
  /** `--allowed-hosts`: names, optionally with a `*.` in front and a port behind, which is ignored. */
  readonly allowedHosts: readonly string[];
  /** Whether the listener is a unix socket, which no web page can reach: its `Host` is not checked. */
  readonly unixSocket: boolean;
}

/**
 * @param rawHeaders flat: name, value, name, value …
 * @param target the raw request target, with or without its query
 * @returns why the request is refused: `invalid_request` for a bad `Host`, else `forbidden`
 */
export type BrowserGuard = (
  rawHeaders: readonly string[],
  method: string,
  target: string,
) => VaultProxyError | undefined;

interface HostAndPort {
  /** Lower case, without brackets and without a final dot. */
  readonly name: string;
  /** "" where none is written. */
  readonly port: string;
}

/**
 * Makes the check that keeps web pages from driving the vault: `Host` against DNS rebinding, `Origin` (RFC 6454) and
 * `Sec-Fetch-Site` (W3C Fetch Metadata) against cross-site requests. The OAuth callback may be opened by a provider's
 * page, as a top-level navigation only.
 */
export function createBrowserGuard(options: BrowserGuardOptions): BrowserGuard {
  const names = new Set(["localhost"]);
  const wildcardParents = new Set<string>();
  for (const entry of [...options.tlsNames, ...options.allowedHosts]) {
    const name = parseHost(entry.trim().replace(/^\*\./, "wildcard."))?.name;
    if (name === undefined) continue;
    // RFC 9525 §6.3: the `*` is a whole label, the first, and stands for exactly one; never over a bare top level.
    if (!entry.trim().startsWith("*.")) names.add(name);
    else if (name.split(".").length > 2) wildcardParents.add(name.slice("wildcard.".length));
  }

  return function checkBrowser(rawHeaders, method, target) {
    const { hosts, origins, sites, modes, destinations } = readFields(rawHeaders);
    const [hostHeader] = hosts;
    if (hosts.length > 1) return new VaultProxyError("invalid_request", "more than one Host header");
    const host = hostHeader === undefined ? undefined : parseHost(hostHeader);
    if (!options.unixSocket) {
      if (hostHeader === undefined) return new VaultProxyError("invalid_request", "no Host header");
      if (host === undefined) return new VaultProxyError("invalid_request", "the Host header is not valid");
      if (!isKnownHost(host.name, names, wildcardParents)) {
        return new VaultProxyError("forbidden", "this Host is not served here; see --allowed-hosts");
      }
    }
    if (origins.length === 0 && sites.length === 0) return undefined;
    const isTopLevelNavigation = isOnly(modes, "navigate") && isOnly(destinations, "document");
    if (method === "GET" && isTopLevelNavigation && pathOf(target) === OAUTH_CALLBACK_PATH) return undefined;
    if (origins.length > 1 || origins.some((origin) => !isSameOrigin(origin, host))) {
      return new VaultProxyError("forbidden", "web pages may not use the vault (foreign Origin)");
    }
    if (sites.some((site) => !OWN_SITES.has(site.trim().toLowerCase()))) {
      return new VaultProxyError("forbidden", "web pages may not use the vault (Sec-Fetch-Site)");
    }
    return undefined;
  };
}

/** All values of each field that the guard looks at, in order. */
interface GuardedFields {
  readonly hosts: string[];
  readonly origins: string[];
  readonly sites: string[];
  readonly modes: string[];
  readonly destinations: string[];
}

function readFields(rawHeaders: readonly string[]): GuardedFields {
  const fields: GuardedFields = { hosts: [], origins: [], sites: [], modes: [], destinations: [] };
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const value = rawHeaders[index + 1] ?? "";
    switch (rawHeaders[index]?.toLowerCase()) {
      case "host":
        fields.hosts.push(value);
        break;
      case "origin":
        fields.origins.push(value);
        break;
      case "sec-fetch-site":
        fields.sites.push(value);
        break;
      case "sec-fetch-mode":
        fields.modes.push(value);
        break;
      case "sec-fetch-dest":
        fields.destinations.push(value);
        break;
      default:
        break;
    }
  }
  return fields;
}

function isKnownHost(
  name: string,
  names: ReadonlySet<string>,
  wildcardParents: ReadonlySet<string>,
): boolean {
  if (names.has(name) || isIP(name) !== 0) return true;
  const dot = name.indexOf(".");
  return dot > 0 && wildcardParents.has(name.slice(dot + 1));
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query === -1 ? target : target.slice(0, query);
}

function isOnly(values: readonly string[], expected: string): boolean {
  return values.length === 1 && values[0] === expected;
}

function isSameOrigin(origin: string, host: HostAndPort | undefined): boolean {
  const match = /^(https?):\/\/(.+)$/i.exec(origin);
  const from = parseHost(match?.[2] ?? "");
  if (host === undefined || from === undefined) return false;
  // A port that is not written is the scheme's; a Host header does not say its scheme, so the Origin's holds.
  const defaultPort = match?.[1]?.toLowerCase() === "https" ? "443" : "80";
  return from.name === host.name && (from.port || defaultPort) === (host.port || defaultPort);
}

/** RFC 9110 §7.2 `uri-host [ ":" port ]`, for names, IPv4, and IPv6 in brackets. */
function parseHost(text: string): HostAndPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/?#@[\]\\,]+))(?::(\d{0,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [, ipv6, plain, port = ""] = match;
  if (ipv6 !== undefined) return isIP(ipv6) === 6 ? { name: ipv6.toLowerCase(), port } : undefined;
  const name = (plain ?? "").toLowerCase();
  return { name: name.endsWith(".") ? name.slice(0, -1) : name, port };
}
