import { isIPv6 } from "node:net";

/** A block of addresses that is not for public servers, as a registry of IANA lists it. */
export interface SpecialPurposeRange {
  /** In CIDR notation. */
  readonly block: string;
  /** As the registry names it. */
  readonly name: string;
  readonly source: string;
  /** Refused even where private addresses are allowed. */
  readonly refusedAlways?: true;
  /** What hosts of an organisation or a provider's customers have: reached by kinds of services that a home lab has. */
  readonly isPrivateNetwork?: true;
  /** Stands for IPv4 addresses, a public one among them (the middle one), which is as public there as it is alone. */
  readonly standsForIPv4?: true;
}

/** IANA IPv4 Special-Purpose Address Registry (RFC 6890, RFC 8190), and multicast, which has a registry of its own. */
export const IPV4_RANGES: readonly SpecialPurposeRange[] = [
  { block: "0.0.0.0/8", name: "This network", source: "RFC 791 §3.2" },
  { block: "0.0.0.0/32", name: "This host on this network", source: "RFC 1122 §3.2.1.3" },
  { block: "10.0.0.0/8", name: "Private-Use", source: "RFC 1918", isPrivateNetwork: true },
  { block: "100.64.0.0/10", name: "Shared Address Space", source: "RFC 6598", isPrivateNetwork: true },
  { block: "127.0.0.0/8", name: "Loopback", source: "RFC 1122 §3.2.1.3" },
  { block: "169.254.0.0/16", name: "Link Local", source: "RFC 3927", refusedAlways: true },
  { block: "172.16.0.0/12", name: "Private-Use", source: "RFC 1918", isPrivateNetwork: true },
  { block: "192.0.0.0/24", name: "IETF Protocol Assignments", source: "RFC 6890 §2.1" },
  { block: "192.0.0.0/29", name: "IPv4 Service Continuity Prefix", source: "RFC 7335" },
  { block: "192.0.0.8/32", name: "IPv4 dummy address", source: "RFC 7600" },
  { block: "192.0.0.9/32", name: "Port Control Protocol Anycast", source: "RFC 7723" },
  { block: "192.0.0.10/32", name: "Traversal Using Relays around NAT Anycast", source: "RFC 8155" },
  { block: "192.0.0.170/32", name: "NAT64/DNS64 Discovery", source: "RFC 8880, RFC 7050 §2.2" },
  { block: "192.0.0.171/32", name: "NAT64/DNS64 Discovery", source: "RFC 8880, RFC 7050 §2.2" },
  { block: "192.0.2.0/24", name: "Documentation (TEST-NET-1)", source: "RFC 5737" },
  { block: "192.31.196.0/24", name: "AS112-v4", source: "RFC 7535" },
  { block: "192.52.193.0/24", name: "AMT", source: "RFC 7450" },
  { block: "192.88.99.0/24", name: "Deprecated (6to4 Relay Anycast)", source: "RFC 7526" },
  { block: "192.88.99.2/32", name: "6a44-relay anycast address", source: "RFC 6751" },
  { block: "192.168.0.0/16", name: "Private-Use", source: "RFC 1918", isPrivateNetwork: true },
  { block: "192.175.48.0/24", name: "Direct Delegation AS112 Service", source: "RFC 7534" },
  { block: "198.18.0.0/15", name: "Benchmarking", source: "RFC 2544" },
  { block: "198.51.100.0/24", name: "Documentation (TEST-NET-2)", source: "RFC 5737" },
  { block: "203.0.113.0/24", name: "Documentation (TEST-NET-3)", source: "RFC 5737" },
  { block: "224.0.0.0/4", name: "Multicast", source: "RFC 5771" },
  { block: "240.0.0.0/4", name: "Reserved", source: "RFC 1112 §4" },
  { block: "255.255.255.255/32", name: "Limited Broadcast", source: "RFC 8190, RFC 919 §7" },
];

/** IANA IPv6 Special-Purpose Address Registry, and what RFC 4291 and its successors set apart besides. */
export const IPV6_RANGES: readonly SpecialPurposeRange[] = [
  { block: "::1/128", name: "Loopback Address", source: "RFC 4291" },
  { block: "::/128", name: "Unspecified Address", source: "RFC 4291" },
  { block: "::ffff:0:0/96", name: "IPv4-mapped Address", source: "RFC 4291", standsForIPv4: true },
  { block: "64:ff9b::/96", name: "IPv4-IPv6 Translat.", source: "RFC 6052", standsForIPv4: true },
  { block: "64:ff9b:1::/48", name: "IPv4-IPv6 Translat.", source: "RFC 8215" },
  { block: "100::/64", name: "Discard-Only Address Block", source: "RFC 6666" },
  { block: "100:0:0:1::/64", name: "Dummy IPv6 Prefix", source: "RFC 9780" },
  { block: "2001::/23", name: "IETF Protocol Assignments", source: "RFC 2928" },
  { block: "2001::/32", name: "TEREDO", source: "RFC 4380, RFC 8190" },
  { block: "2001:1::1/128", name: "Port Control Protocol Anycast", source: "RFC 7723" },
  { block: "2001:1::2/128", name: "Traversal Using Relays around NAT Anycast", source: "RFC 8155" },
  { block: "2001:1::3/128", name: "DNS-SD Service Registration Protocol Anycast", source: "RFC 9665" },
  { block: "2001:2::/48", name: "Benchmarking", source: "RFC 5180" },
  { block: "2001:3::/32", name: "AMT", source: "RFC 7450" },
  { block: "2001:4:112::/48", name: "AS112-v6", source: "RFC 7535" },
  { block: "2001:10::/28", name: "Deprecated (previously ORCHID)", source: "RFC 4843" },
  { block: "2001:20::/28", name: "ORCHIDv2", source: "RFC 7343" },
  { block: "2001:30::/28", name: "Drone Remote ID Protocol Entity Tags", source: "RFC 9374" },
  { block: "2001:db8::/32", name: "Documentation", source: "RFC 3849" },
  { block: "2002::/16", name: "6to4", source: "RFC 3056" },
  { block: "2620:4f:8000::/48", name: "Direct Delegation AS112 Service", source: "RFC 7534" },
  { block: "3fff::/20", name: "Documentation", source: "RFC 9637" },
  { block: "5f00::/16", name: "Segment Routing (SRv6) SIDs", source: "RFC 9602" },
  { block: "fc00::/7", name: "Unique-Local", source: "RFC 4193, RFC 8190", isPrivateNetwork: true },
  { block: "fe80::/10", name: "Link-Local Unicast", source: "RFC 4291", refusedAlways: true },
  { block: "fec0::/10", name: "Deprecated (Site-Local Unicast)", source: "RFC 3879" },
  { block: "ff00::/8", name: "Multicast", source: "RFC 4291 §2.7" },
  { block: "::/96", name: "Deprecated (IPv4-compatible)", source: "RFC 4291 §2.5.5.1" },
  { block: "::ffff:0:0:0/96", name: "IPv4-translated", source: "RFC 2765 §2.1" },
  { block: "4000::/3", name: "Reserved by IETF", source: "RFC 3587, RFC 4291" },
];

/** Metadata services of clouds, refused always: their addresses lie in ranges that may be private otherwise. */
export const METADATA_ADDRESSES: Readonly<Record<string, string>> = {
  "AWS, Azure, Google Cloud and most others": "169.254.169.254",
  "AWS ECS task credentials": "169.254.170.2",
  "AWS EC2 over IPv6": "fd00:ec2::254",
  "Google Cloud over IPv6": "fd20:ce::254",
  "Alibaba Cloud": "100.100.100.200",
  "Azure WireServer": "168.63.129.16",
  "Oracle Cloud (classic)": "192.0.0.192",
};

/** The first, a middle and the last address of a block; one where it has only one. */
export function sampleAddresses({ block }: SpecialPurposeRange): readonly string[] {
  const [base = "", length = ""] = block.split("/");
  const bits = isIPv6(base) ? 128n : 32n;
  const size = 1n << (bits - BigInt(length));
  const first = toNumber(base);
  const numbers = new Set([first, first + size / 2n, first + size - 1n]);
  return [...numbers].map((number) => (bits === 32n ? formatIPv4(number) : formatIPv6(number)));
}

function toNumber(address: string): bigint {
  if (!isIPv6(address)) return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = "", tail] = address.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const [before, behind] = [groups(head), groups(tail ?? "")];
  const zeros = Array<string>(8 - before.length - behind.length).fill("0");
  return [...before, ...zeros, ...behind].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

function formatIPv4(number: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => ((number >> shift) & 255n).toString()).join(".");
}

function formatIPv6(number: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => (number >> BigInt(112 - 16 * index)) & 0xffffn);
  return groups.map((group) => group.toString(16)).join(":");
}
