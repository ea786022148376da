type Octets = readonly [number, number, number, number];

function octetsOf(ipv4: string): Octets {
  return ipv4.split(".").map(Number) as unknown as Octets;
}

function hex(high: number, low: number): string {
  return ((high << 8) | low).toString(16);
}

/** IPv6 addresses that carry an IPv4 address, by the standard's name for each. */
export function ipv6FormsOf(ipv4: string): Readonly<Record<string, string>> {
  const [a, b, c, d] = octetsOf(ipv4);
  const [high, low] = [hex(a, b), hex(c, d)];
  const inverted = [hex(a ^ 255, b ^ 255), hex(c ^ 255, d ^ 255)].join(":");
  return {
    "IPv4-mapped": `::ffff:${ipv4}`,
    "IPv4-mapped, hexadecimal": `0:0:0:0:0:FFFF:${high}:${low}`,
    "IPv4-compatible": `::${ipv4}`,
    "IPv4-translated": `::ffff:0:${ipv4}`,
    NAT64: `64:ff9b::${ipv4}`,
    "NAT64, hexadecimal": `0064:ff9b::${high}:${low}`,
    "local NAT64, /48": `64:ff9b:1:${high}:${hex(0, c)}:${hex(d, 0)}::`,
    "local NAT64, /56": `64:ff9b:1:${hex(0, a)}:${hex(0, b)}:${low}::`,
    "local NAT64, /64": `64:ff9b:1:0:${hex(0, a)}:${hex(b, c)}:${hex(d, 0)}:0`,
    "local NAT64, /96": `64:ff9b:1::${ipv4}`,
    "6to4": `2002:${high}:${low}::1`,
    "Teredo client": `2001:0:808:808:0:0:${inverted}`,
    "Teredo server": `2001:0:${high}:${low}:0:0:f7f7:f7f7`,
  };
}

/** Hosts that some URL parser or inet_aton(3) takes for an IPv4 address, by the kind of spelling. */
export function spellingsOf(ipv4: string): Readonly<Record<string, string>> {
  const octets = octetsOf(ipv4);
  const [a, b, c, d] = octets;
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const octal = (value: number): string => `0${value.toString(8)}`;
  const hexadecimal = (value: number): string => `0x${value.toString(16)}`;
  const inScript = (zero: number): string =>
    ipv4.replaceAll(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
  return {
    plain: ipv4,
    decimal: String(number),
    octal: octal(number),
    hexadecimal: hexadecimal(number),
    "hexadecimal, upper case": hexadecimal(number).toUpperCase(),
    "hexadecimal, zero-padded": `0x${number.toString(16).padStart(16, "0")}`,
    "octal parts": octets.map(octal).join("."),
    "octal parts, zero-padded": octets.map((part) => `000${part.toString(8)}`).join("."),
    "hexadecimal parts": octets.map(hexadecimal).join("."),
    "mixed parts": `${octal(a)}.${hexadecimal(b)}.${c}.${hexadecimal(d)}`,
    "two parts": `${a}.${(b * 256 + c) * 256 + d}`,
    "two parts, mixed": `${hexadecimal(a)}.${octal((b * 256 + c) * 256 + d)}`,
    "three parts": `${a}.${b}.${c * 256 + d}`,
    "final dot": `${ipv4}.`,
    "decimal, final dot": `${number}.`,
    "percent-encoded": ipv4.replaceAll(/./g, (sign) => `%${sign.charCodeAt(0).toString(16)}`),
    "percent-encoded dots": ipv4.replaceAll(".", "%2E"),
    "percent-encoded full-width": encodeURIComponent(inScript(0xff10)),
    "full-width digits": inScript(0xff10),
    "mathematical digits": inScript(0x1d7ce),
    "superscript-like circled digits": ipv4.replaceAll(/[1-9]/g, (digit) =>
      String.fromCodePoint(0x245f + Number(digit)),
    ),
    "ideographic dots": ipv4.replaceAll(".", "。"),
    "full-width dots": ipv4.replaceAll(".", "．"),
    "half-width dots": ipv4.replaceAll(".", "｡"),
    "soft hyphen": `${ipv4.slice(0, 1)}\u00ad${ipv4.slice(1)}`,
    "zero-width space": `${ipv4.slice(0, 1)}\u200b${ipv4.slice(1)}`,
    "word joiner": `${ipv4.slice(0, 1)}\u2060${ipv4.slice(1)}`,
    "variation selector": `${ipv4}\ufe0f`,
    "with a port": `${ipv4}:443`,
    "with an empty port": `${ipv4}:`,
    "in brackets": `[${ipv4}]`,
    "in brackets, mapped": `[::ffff:${ipv4}]`,
    "in brackets, mapped, written out": `[0000:0000:0000:0000:0000:FFFF:${ipv4}]`,
    "in brackets, mapped, with a zone": `[::ffff:${ipv4}%25lo]`,
    "in brackets, percent-encoded": `%5b::ffff:${ipv4}%5d`,
    "five parts": `${ipv4}.0`,
    "a part too large": `${a + 256}.${b}.${c}.${d}`,
    "a number too large": String(number + 2 ** 32),
    "NUL behind": `${ipv4}%00.public.test`,
    "slash behind": `${ipv4}%2f.public.test`,
    "number sign behind": `${ipv4}%23.public.test`,
    "space behind": `${ipv4}%20.public.test`,
    "line feed behind": `${ipv4}%0a.public.test`,
    "at sign before": `public.test%40${ipv4}`,
  };
}
