/*
 * A redirect (RFC 9110 §10.2.2) as the caller must read it, whose base is the vault and not the upstream:
 *
 *   same origin, below the base path   → /proxy/{service}/…, so that the next call goes through the vault as well
 *   same origin, elsewhere             → the upstream's full URL: the vault's own paths are none of its business
 *   another origin                     → as it is
 *   relative to the request's path     → as it is; it means the same below /proxy/{service}
 *
 * Nothing is decoded or normalised.
 */

export interface LocationContext {
  readonly service: string;
  /** Canonical, as `URL.origin` gives it. */
  readonly origin: string;
  /** As it went out for this call: "" or beginning with "/", without a trailing slash. */
  readonly basePath: string;
}

const ABSOLUTE = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)(.*)$/is;
const DOT_SEGMENT = /^[^?#]*\/(?:\.|%2e){1,2}(?:[/?#]|$)/i;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** The value of a `Location` or `Content-Location` field for the caller. */
export function rewriteLocation(location: string, context: LocationContext): string {
  const { origin } = context;
  // Browsers read these as slashes: at the beginning a path as a host, elsewhere a path as another one.
  if (location.includes("\\")) return /^\/[^/\\]/.test(location) ? `${origin}${location}` : location;
  const scheme = origin.slice(0, origin.indexOf(":"));
  const isNetworkPath = location.startsWith("//");
  const absolute = ABSOLUTE.exec(isNetworkPath ? `${scheme}:${location}` : location);
  if (absolute !== null) {
    const [, ownScheme = "", authority = "", rest = ""] = absolute;
    if (!isSameOrigin(`${ownScheme}://${authority}`, origin)) return isNetworkPath ? absolute[0] : location;
    return below(rest, context) ?? absolute[0];
  }
  if (SCHEME.test(location) || !location.startsWith("/")) return location;
  return below(location, context) ?? `${origin}${location}`;
}

/** The place below `/proxy/{service}` of what stands behind the upstream's authority, if it is and stays below the base path. */
function below(rest: string, { service, basePath }: LocationContext): string | undefined {
  if (!rest.startsWith(basePath)) return undefined;
  const behind = rest.slice(basePath.length);
  const next = behind.charAt(0);
  if (next !== "" && next !== "/" && next !== "?" && next !== "#") return undefined;
  // Whoever resolves these (RFC 3986 §5.2.4) leaves the service.
  if (DOT_SEGMENT.test(behind)) return undefined;
  return `/proxy/${service}${behind}`;
}

function isSameOrigin(written: string, origin: string): boolean {
  if (written === origin) return true;
  // A user name in it would be sent along by the caller; such a URL is the upstream's, not the vault's.
  return !written.includes("@") && URL.canParse(written) && new URL(written).origin === origin;
}
