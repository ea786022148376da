import { isIP, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";

/**
 * What may be connected to:
 * - `public`: always
 * - `private`: only for a service with `allow_private`; every special-purpose range (IANA special-purpose address
 *   registries, RFC 6890) and all of IPv6 that is not allocated for global unicast
 * - `never`: link-local and cloud metadata, and whatever is no address
 */
export type AddressClass = "public" | "private" | "never";

type IPv4 = ipaddr.IPv4;
type IPv6 = ipaddr.IPv6;

/** Link-local (RFC 3927) and the metadata addresses of AWS, GCP, Azure, Alibaba, Oracle and their like. */
const NEVER_IPV4: readonly [IPv4, number][] = [
  ipaddr.IPv4.parseCIDR("169.254.0.0/16"),
  ipaddr.IPv4.parseCIDR("100.100.100.200/32"),
  ipaddr.IPv4.parseCIDR("168.63.129.16/32"),
  ipaddr.IPv4.parseCIDR("192.0.0.192/32"),
];
const NEVER_IPV6: readonly [IPv6, number][] = [
  ipaddr.IPv6.parseCIDR("fe80::/10"),
  ipaddr.IPv6.parseCIDR("fd00:ec2::254/128"),
  ipaddr.IPv6.parseCIDR("fd20:ce::254/128"),
];
/** All that IANA gives out for global unicast (RFC 3587); the rest of IPv6 leads nowhere public. */
const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * IPv6 forms that carry an IPv4 address, and the octets where it stands. `reachesPublic` says that traffic to the
 * form goes to the carried address and nowhere else, so that a public one makes the form public.
 */
const EMBEDDING_FORMS: readonly {
  readonly range: [IPv6, number];
  readonly positions: readonly (readonly [number, number, number, number])[];
  readonly inverted?: boolean;
  readonly reachesPublic: boolean;
}[] = [
  // IPv4-mapped (RFC 4291 §2.5.5.2): the kernel connects to the IPv4 address itself.
  { range: ipaddr.IPv6.parseCIDR("::ffff:0:0/96"), positions: [[12, 13, 14, 15]], reachesPublic: true },
  // NAT64 (RFC 6052 §2.1): how an IPv6-only host reaches public IPv4, so these must pass.
  { range: ipaddr.IPv6.parseCIDR("64:ff9b::/96"), positions: [[12, 13, 14, 15]], reachesPublic: true },
  // Local-use NAT64 (RFC 8215): the prefix length is the operator's choice, so every one of RFC 6052 §2.2 is read.
  {
    range: ipaddr.IPv6.parseCIDR("64:ff9b:1::/48"),
    positions: [
      [6, 7, 9, 10],
      [7, 9, 10, 11],
      [9, 10, 11, 12],
      [12, 13, 14, 15],
    ],
    reachesPublic: false,
  },
  // 6to4 (RFC 3056 §2).
  { range: ipaddr.IPv6.parseCIDR("2002::/16"), positions: [[2, 3, 4, 5]], reachesPublic: false },
  // Teredo (RFC 4380 §4): the server in clear, the client with every bit inverted.
  { range: ipaddr.IPv6.parseCIDR("2001::/32"), positions: [[4, 5, 6, 7]], reachesPublic: false },
  {
    range: ipaddr.IPv6.parseCIDR("2001::/32"),
    positions: [[12, 13, 14, 15]],
    inverted: true,
    reachesPublic: false,
  },
  // SIIT (RFC 2765 §2.1) and IPv4-compatible (RFC 4291 §2.5.5.1), both obsolete.
  { range: ipaddr.IPv6.parseCIDR("::ffff:0:0:0/96"), positions: [[12, 13, 14, 15]], reachesPublic: false },
  { range: ipaddr.IPv6.parseCIDR("::/96"), positions: [[12, 13, 14, 15]], reachesPublic: false },
];

const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(["metadata", "metadata.google.internal"]);

/** The most of a refused host that a message shows (RFC 1035 §2.3.4 allows 255 octets). */
const MAX_SHOWN_LENGTH = 255;

/** The class of an address as the kernel would connect to it; a zone (`%eth0`) makes no difference. */
export function classifyAddress(address: string): AddressClass {
  const family = isIP(address);
  if (family === 4) return classifyIPv4(ipaddr.IPv4.parse(address));
  if (family === 6) return classifyIPv6(ipaddr.IPv6.parse(canonicalIPv6(address)));
  return "never";
}

function classifyIPv4(address: IPv4): AddressClass {
  if (NEVER_IPV4.some((range) => address.match(range))) return "never";
  return address.range() === "unicast" ? "public" : "private";
}

function classifyIPv6(address: IPv6): AddressClass {
  if (NEVER_IPV6.some((range) => address.match(range))) return "never";
  const carried = EMBEDDING_FORMS.filter((form) => address.match(form.range));
  if (carried.length === 0) {
    return address.range() === "unicast" && address.match(GLOBAL_UNICAST_IPV6) ? "public" : "private";
  }
  const octets = address.toByteArray();
  const classes = carried.flatMap((form) =>
    form.positions.map((position) => {
      const embedded = position.map((index) => (octets[index] ?? 0) ^ (form.inverted === true ? 0xff : 0));
      return classifyIPv4(new ipaddr.IPv4(embedded));
    }),
  );
  if (classes.includes("never")) return "never";
  return classes.includes("private") || !carried.every((form) => form.reachesPublic) ? "private" : "public";
}

/**
 * RFC 5952 text without zone. It has no dotted part, which the address library would read wrongly: it takes
 * `::8.8.8.8` for `::ffff:8.8.8.8`.
 *
 * @param address valid by `isIPv6`
 */
function canonicalIPv6(address: string): string {
  const percent = address.indexOf("%");
  const bare = percent === -1 ? address : address.slice(0, percent);
  return new URL(`http://[${bare}]/`).hostname.slice(1, -1);
}

/** Names of metadata services: refused whether or not they resolve, in any case, with or without a final dot. */
export function isForbiddenName(hostname: string): boolean {
  return FORBIDDEN_NAMES.has(canonicalName(hostname));
}

/** RFC 6761 §6.3: `localhost` and all names under it are loopback, whoever resolves them. */
function isLoopbackName(hostname: string): boolean {
  const name = canonicalName(hostname);
  return name === "localhost" || name.endsWith(".localhost");
}

function canonicalName(hostname: string): string {
  let end = hostname.length;
  while (hostname[end - 1] === ".") end -= 1;
  const name = hostname.slice(0, end);
  return (domainToASCII(name) || name).toLowerCase();
}

/**
 * The address that `host` spells, in its canonical form without brackets and zone; `undefined` for a name. Takes all
 * that `inet_aton` and the WHATWG URL host parser take: decimal, octal, hexadecimal, short forms, full-width digits,
 * percent-encoding, a final dot.
 */
export function parseHostLiteral(host: string): string | undefined {
  // inet_aton stops reading at white space.
  const text = host.trimStart().split(/\s/, 1)[0] ?? "";
  const bare = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (isIPv6(bare)) return canonicalIPv6(bare);
  // These end a URL's host, so that the URL parser would read only a part of the text.
  if (/[/\\?#@:]/.test(text)) return undefined;
  const url = `http://${text}/`;
  if (!URL.canParse(url)) return undefined;
  const { hostname } = new URL(url);
  return isIP(hostname) === 4 ? hostname : undefined;
}

/**
 * Checks a destination before anything is resolved or sent: its name, and its address if it is written as one.
 * @throws VaultProxyError `destination_blocked`
 */
export function assertDestination(destination: {
  /** A name or an address, with or without brackets. */
  readonly hostname: string;
  readonly allowPrivate: boolean;
  /** The rule for addresses, where it is not that for HTTP. */
  readonly isAllowed?: (address: string, allowPrivate: boolean) => boolean;
}): void {
  const { hostname, allowPrivate, isAllowed = isAllowedAddress } = destination;
  if (hostname === "" || isForbiddenName(hostname)) throw destinationBlocked(hostname);
  const literal = parseHostLiteral(hostname);
  if (literal === undefined) {
    if (!allowPrivate && isLoopbackName(hostname)) throw destinationBlocked(hostname);
  } else if (!isAllowed(literal, allowPrivate)) {
    throw destinationBlocked(literal);
  }
}

export function isAllowedAddress(address: string, allowPrivate: boolean): boolean {
  const addressClass = classifyAddress(address);
  return addressClass === "public" || (addressClass === "private" && allowPrivate);
}

/** Private use (RFC 1918, RFC 4193) and shared address space (RFC 6598): machines of one's own. */
const OWN_NETWORKS: ReadonlySet<string> = new Set(["private", "carrierGradeNat", "uniqueLocal"]);

/**
 * Whether a session of a protocol other than HTTP may go to an address. It has a log-in of its own, and databases stand
 * in private networks, so these are allowed; loopback, where the vault's own neighbours are, is not.
 */
export function isAllowedForSessions(address: string, allowPrivate: boolean): boolean {
  if (isAllowedAddress(address, allowPrivate)) return true;
  if (isIP(address) === 0 || classifyAddress(address) === "never") return false;
  return OWN_NETWORKS.has(ipaddr.process(isIPv6(address) ? canonicalIPv6(address) : address).range());
}

/** The refusal of a destination. Shows the host only if it can forge nothing where it is shown. */
export function destinationBlocked(host: string): VaultProxyError {
  const shown = /^[\x21-\x7e]+$/.test(host) ? host.slice(0, MAX_SHOWN_LENGTH) : "the given host";
  const reason = isNeverAllowed(host) ? " (link-local and metadata addresses never are)" : "";
  return new VaultProxyError("destination_blocked", `address not allowed: ${shown}${reason}`);
}

/** Whether `allow_private` makes no difference. */
function isNeverAllowed(host: string): boolean {
  const literal = parseHostLiteral(host);
  return isForbiddenName(host) || (literal !== undefined && classifyAddress(literal) === "never");
}
