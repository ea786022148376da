import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assertDestination,
  classifyAddress,
  destinationBlocked,
  isAllowedForSessions,
  isForbiddenName,
  parseHostLiteral,
} from "./address-policy.js";

const CLASSES = {
  public: [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "192.167.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001:82a::200e",
    "::ffff:8.8.8.8",
    "::ffff:808:808",
    "64:ff9b::8.8.8.8",
  ],
  private: [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:8.8.8.8",
    "64:ff9b::10.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "64:ff9b:2::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:4:112::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:808:808::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "ff02::1%eth0",
    "::1%lo",
  ],
  never: [
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fd00:ec2::254",
    "FD00:0EC2:0::0254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::169.254.169.254",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:a9:fe:a9fe::",
    "64:ff9b:1::a9:fea9:fe00:0",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:0808:0808:0:0:5601:5601",
    "",
    "example.com",
    "[::1]",
    "0177.0.0.1",
    "127.1",
    "1.1.1.1 ",
    "1.1.1.1%eth0",
    "::1::",
  ],
} as const;

describe("classifyAddress", () => {
  for (const [addressClass, addresses] of Object.entries(CLASSES)) {
    test.each(addresses)(`%j is ${addressClass}`, (address) => {
      expect(classifyAddress(address)).toBe(addressClass);
    });
  }

  test("no text makes it throw, and what is no address is never allowed", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(classifyAddress(`x${text}`)).toBe("never");
      }),
    );
  });

  test("an IPv4 address behind the IPv4-mapped or NAT64 prefix has the class that it has alone", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(classifyAddress(`::ffff:${address}`)).toBe(classifyAddress(address));
        expect(classifyAddress(`64:ff9b::${address}`)).toBe(classifyAddress(address));
      }),
    );
  });

  test("no other form that carries a forbidden IPv4 address makes it allowed", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const expected = classifyAddress(address) === "never" ? "never" : "private";
        const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number];
        const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);
        expect(classifyAddress(`2002:${hex(a, b)}:${hex(c, d)}::1`)).toBe(expected);
        expect(classifyAddress(`64:ff9b:1::${address}`)).toBe(expected);
      }),
    );
  });
});

describe("isForbiddenName", () => {
  test.each([
    "metadata",
    "METADATA",
    "metadata.",
    "metadata.google.internal",
    "Metadata.Google.Internal.",
    "ｍetadata",
  ])("%s is a metadata service", (name) => expect(isForbiddenName(name)).toBe(true));

  test.each(["metadata.example.com", "mymetadata", "google.internal", "", "api.example.com"])(
    "%j is not",
    (name) => expect(isForbiddenName(name)).toBe(false),
  );
});

describe("parseHostLiteral", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["127.0.0.1.", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["017700000001", "127.0.0.1"],
    ["0x7f000001", "127.0.0.1"],
    ["0X7F.1", "127.0.0.1"],
    ["0177.0.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["127.0.1", "127.0.0.1"],
    ["0", "0.0.0.0"],
    ["0x", "0.0.0.0"],
    ["127.0.0.1 x", "127.0.0.1"],
    [" 127.0.0.1", "127.0.0.1"],
    ["１２７.0.0.1", "127.0.0.1"],
    ["127。0。0。1", "127.0.0.1"],
    ["%31%32%37.0.0.1", "127.0.0.1"],
    ["[::1]", "::1"],
    ["::1", "::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["[0:0:0:0:0:ffff:127.0.0.1]", "::ffff:7f00:1"],
    ["0xa9fea9fe", "169.254.169.254"],
  ])("%j spells %s", (host, address) => expect(parseHostLiteral(host)).toBe(address));

  test.each([
    "example.com",
    "localhost",
    "1.2.3.4.example.com",
    "256.1.1.1.1",
    "",
    "a",
    "127.0.0.1/x",
    "x@127.0.0.1",
  ])("%j spells no address", (host) => expect(parseHostLiteral(host)).toBeUndefined());

  test("every inet_aton spelling of an address gives that address", () => {
    const radix = fc.constantFrom<(value: number) => string>(
      (value) => String(value),
      (value) => `0x${value.toString(16)}`,
      (value) => `0X${value.toString(16).toUpperCase()}`,
      (value) => `0${value.toString(8)}`,
    );
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(
        fc.tuple(octet, octet, octet, octet),
        fc.tuple(radix, radix, radix, radix),
        fc.integer({ min: 1, max: 4 }),
        ([a, b, c, d], [ra, rb, rc, rd], parts) => {
          const spelled = {
            1: [ra(((a * 256 + b) * 256 + c) * 256 + d)],
            2: [ra(a), rb((b * 256 + c) * 256 + d)],
            3: [ra(a), rb(b), rc(c * 256 + d)],
            4: [ra(a), rb(b), rc(c), rd(d)],
          }[parts]!;
          expect(parseHostLiteral(spelled.join("."))).toBe(`${a}.${b}.${c}.${d}`);
        },
      ),
    );
  });
});

describe("assertDestination", () => {
  const refused = (hostname: string, allowPrivate: boolean): boolean => {
    try {
      assertDestination({ hostname, allowPrivate });
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: "destination_blocked" });
      return true;
    }
  };

  test.each([
    ["api.example.com", false, false],
    ["1.1.1.1", false, false],
    ["127.0.0.1", true, false],
    ["0x7f.1", true, false],
    ["::1", true, false],
    ["localhost", true, false],
    ["foo.LOCALHOST.", true, false],
    ["localhost.example.com", false, false],
    ["169.254.169.254", true, true],
    ["metadata", true, true],
    ["metadata.google.internal.", true, true],
    ["", true, true],
  ])("%j is refused: without allow_private %s, with it %s", (hostname, without, withPrivate) => {
    expect([refused(hostname, false), refused(hostname, true)]).toEqual([without, withPrivate]);
  });
});

describe("a session of another protocol than HTTP", () => {
  test.each([
    ["8.8.8.8", true, true],
    ["10.0.0.1", true, true],
    ["192.168.1.20", true, true],
    ["::ffff:10.0.0.1", true, true],
    ["100.64.0.1", true, true],
    ["fd12:3456::1", true, true],
    ["127.0.0.1", false, true],
    ["::1", false, true],
    ["::ffff:127.0.0.1", false, true],
    ["0.0.0.0", false, true],
    ["::10.0.0.1", false, true],
    ["64:ff9b::10.0.0.1", false, true],
    ["224.0.0.1", false, true],
    ["192.0.2.1", false, true],
    ["169.254.169.254", false, false],
    ["::ffff:169.254.169.254", false, false],
    ["fe80::1", false, false],
    ["fd00:ec2::254", false, false],
    ["100.100.100.200", false, false],
    ["db.internal", false, false],
  ])("may go to %s: without allow_private %s, with it %s", (address, without, withPrivate) => {
    expect([isAllowedForSessions(address, false), isAllowedForSessions(address, true)]).toEqual([
      without,
      withPrivate,
    ]);
  });
});

test("a refusal says which address is not allowed", () => {
  expect(() => assertDestination({ hostname: "10.0.0.1", allowPrivate: false })).toThrow(
    "address not allowed: 10.0.0.1",
  );
});

test("a host that could forge a log line is not shown", () => {
  expect(destinationBlocked("a\nlevel=info").message).toBe("address not allowed: the given host");
});
