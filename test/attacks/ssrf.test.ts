import { isIPv4 } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ipv6FormsOf, spellingsOf } from "./address-forms.js";
import { startIsolatedNetwork, WORLD_PORTS, type IsolatedNetwork } from "./isolated-network.js";
import { openIsolatedVault, type IsolatedVault } from "./isolated-vault.js";
import { SERVICE_KINDS, type ServiceKind, type Use } from "./service-kinds.js";
import { IPV4_RANGES, IPV6_RANGES, METADATA_ADDRESSES, sampleAddresses } from "./special-purpose-ranges.js";

/*
 * What a service's host may be, decided where it is stored (400) and where it is connected to (403). The vault runs in
 * a network in which every address leads to one listener, so that a connection to any address would be seen, and a
 * public address can be used without leaving the machine.
 */

const PUBLIC = { ipv4: "8.8.8.8", ipv6: "2606:4700::1111" };
const NAME = "moving.world.test";
const BLOCKED: Use = "403 destination_blocked";
const NOT_STORED = "400 invalid_request";
const ALL_RANGES = [...IPV4_RANGES, ...IPV6_RANGES].map((range) => {
  const [first = "", middle = "", last = ""] = sampleAddresses(range);
  return {
    ...range,
    title: `${range.block}, ${range.name} (${range.source})`,
    forbidden: range.standsForIPv4 === true ? [first, last] : sampleAddresses(range),
    allowed: range.standsForIPv4 === true ? [middle] : [],
  };
});

let network: IsolatedNetwork;
let direct: IsolatedVault;
let behindProxy: IsolatedVault;

beforeAll(async () => {
  network = await startIsolatedNetwork(SERVICE_KINDS.map((kind) => kind.port).filter(isNotServed));
  direct = await openIsolatedVault(network);
  const egressProxy = `http://127.0.0.9:${WORLD_PORTS.egressProxy}`;
  behindProxy = await openIsolatedVault(network, ["--http-proxy", egressProxy]);
});

// A test that fails must not make the next one fail.
beforeEach(async () => {
  await network.takeConnections();
});

afterAll(async () => {
  await direct.server.stop();
  await behindProxy.server.stop();
  await network.close();
});

function isNotServed(port: number): boolean {
  return !Object.values<number>(WORLD_PORTS).includes(port);
}

/** What comes of each host: the status with which it is not stored, or else what a call of it gives. */
async function tryHosts(
  kind: ServiceKind,
  hosts: Readonly<Record<string, string>>,
  settings: object = {},
): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  for (const [title, host] of Object.entries(hosts)) {
    const stored = await direct.store({ ...kind.define("literal", host, network.ca), ...settings });
    outcomes[`${title}: ${host}`] =
      stored.status === 201
        ? await kind.use(direct.server, direct.token, "literal")
        : `${stored.status} ${String(stored.code)}`;
  }
  return outcomes;
}

const isRefused = (outcome: string): boolean => outcome === NOT_STORED || outcome === BLOCKED;

function notRefused(outcomes: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(outcomes).filter(([, outcome]) => !isRefused(outcome));
}

/** What comes of a call while the name resolves to each of the addresses. */
async function tryAnswers(
  use: () => Promise<Use>,
  addresses: readonly string[],
): Promise<Record<string, Use>> {
  const outcomes: Record<string, Use> = {};
  for (const address of addresses) {
    await network.resolve(NAME, [address]);
    outcomes[address] = await use();
  }
  return outcomes;
}

const all = (addresses: readonly string[], outcome: Use): Record<string, Use> =>
  Object.fromEntries(addresses.map((address) => [address, outcome]));

function inBrackets(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

describe.each(SERVICE_KINDS)("$kind", (kind) => {
  const useOf = (vault: IsolatedVault, name: string) => () => kind.use(vault.server, vault.token, name);
  const named = "named";

  beforeAll(async () => {
    await direct.keep(kind.define(named, NAME, network.ca));
    await behindProxy.keep(kind.define(named, NAME, network.ca));
    for (const [name, settings] of Object.entries(kind.allowing)) {
      await direct.keep({ ...kind.define(name, NAME, network.ca), ...settings });
    }
    await network.takeConnections();
  });

  test.each(Object.values(PUBLIC))("a name that resolves to %s is reached there", async (address) => {
    expect(await tryAnswers(useOf(direct, named), [address])).toEqual({ [address]: "reached" });
    const connections = await network.takeConnections();
    expect(connections).toEqual([{ address, port: kind.port }]);
  });

  const ranges = ALL_RANGES.filter(
    (range) => !(kind.reachesPrivateNetworks && range.isPrivateNetwork === true),
  );
  const always = ranges.filter((range) => range.refusedAlways === true);
  const embedded = ranges.filter(({ block }) => !block.includes(":"));

  describe("a name that resolves into a range of the registries is refused", () => {
    test.each(ranges)("$title", async ({ forbidden, allowed }) => {
      expect(await tryAnswers(useOf(direct, named), forbidden)).toEqual(all(forbidden, BLOCKED));
      expect(await tryAnswers(useOf(behindProxy, named), forbidden)).toEqual(all(forbidden, BLOCKED));
      expect(await network.takeConnections()).toEqual([]);
      // What stands for a public IPv4 address is one.
      expect(await tryAnswers(useOf(direct, named), allowed)).toEqual(all(allowed, "reached"));
      expect(await network.takeConnections()).toHaveLength(allowed.length);
    });

    test.each(embedded)("$title, as an IPv6 address that carries it", async ({ forbidden }) => {
      const carriers = forbidden.flatMap((address) => Object.values(ipv6FormsOf(address)));
      expect(await tryAnswers(useOf(direct, named), carriers)).toEqual(all(carriers, BLOCKED));
      expect(await network.takeConnections()).toEqual([]);
    });

    test.each(always)("$title, whatever is allowed", async ({ forbidden }) => {
      const carriers = forbidden.filter(isIPv4).flatMap((address) => Object.values(ipv6FormsOf(address)));
      const addresses = [...forbidden, ...carriers, ...Object.values(METADATA_ADDRESSES)];
      for (const name of Object.keys(kind.allowing)) {
        expect(await tryAnswers(useOf(direct, name), addresses)).toEqual(all(addresses, BLOCKED));
      }
      expect(await network.takeConnections()).toEqual([]);
    });

    test("and would be reached where private addresses are allowed, which would be seen", async () => {
      const [allowing = named] = Object.keys(kind.allowing);
      const addresses = ["10.0.0.1", "127.0.0.1", "192.168.255.255", "100.64.0.0", "203.0.113.1", "0.1.2.3"];
      addresses.push("::1", "fc00::1", "2001:db8::1", "2002:a00:1::1", "64:ff9b:1::1", "::ffff:10.0.0.2");
      expect(await tryAnswers(useOf(direct, allowing), addresses)).toEqual(all(addresses, "reached"));
      const connected = addresses.map((address) => address.replace("::ffff:", ""));
      expect((await network.takeConnections()).map(({ address }) => address)).toEqual(connected);
    });
  });

  if (kind.definedAs === undefined) {
    describe("a host that spells an address of a range is refused when the service is stored", () => {
      test.each(ranges)("$title", async ({ forbidden, refusedAlways }) => {
        const carriers = forbidden.filter(isIPv4).flatMap((address) => Object.entries(ipv6FormsOf(address)));
        const hosts = {
          ...Object.fromEntries(forbidden.map((address) => [address, inBrackets(address)])),
          ...Object.fromEntries(carriers.map(([form, text]) => [`${form} ${text}`, inBrackets(text)])),
        };
        for (const settings of refusedAlways === true ? [{}, ...Object.values(kind.allowing)] : [{}]) {
          const outcomes = await tryHosts(kind, hosts, settings);
          expect(Object.entries(outcomes).filter(([, outcome]) => outcome !== NOT_STORED)).toEqual([]);
        }
      });
    });

    describe("no spelling hides an address", () => {
      test.each(["127.0.0.1", "127.45.67.89", "0.0.0.0", "203.0.113.9"])("%s", async (address) => {
        expect(notRefused(await tryHosts(kind, spellingsOf(address)))).toEqual([]);
        expect(await network.takeConnections()).toEqual([]);
      });

      const settings = { ...kind.allowing, "nothing allowed": {} };
      test.each(Object.entries(settings))("of a metadata service, with %s", async (_title, setting) => {
        for (const address of Object.values(METADATA_ADDRESSES)) {
          const forms = isIPv4(address) ? Object.entries(ipv6FormsOf(address)) : [];
          const hosts = isIPv4(address)
            ? {
                ...spellingsOf(address),
                ...Object.fromEntries(forms.map(([form, text]) => [form, `[${text}]`])),
              }
            : {
                plain: `[${address}]`,
                "upper case": `[${address.toUpperCase()}]`,
                zone: `[${address}%25lo]`,
              };
          expect(notRefused(await tryHosts(kind, hosts, setting))).toEqual([]);
        }
        expect(await network.takeConnections()).toEqual([]);
      });
    });
  }

  describe("a name that is local by itself is refused", () => {
    test.each([
      ...[
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "b.c.LocalHost.",
        "ｌocalhost",
        "%6cocalhost",
      ],
      // From the file of hosts, without any DNS.
      ...["in-the-hosts-file.test", "IN-THE-HOSTS-FILE.test", "ip6-localhost", "ip6-loopback"],
    ])("%s", async (host) => {
      expect(notRefused(await tryHosts(kind, { host }))).toEqual([]);
      expect(await network.takeConnections()).toEqual([]);
    });
  });

  describe("a metadata service's name is refused, even where it resolves to a public address", () => {
    const hosts = [
      ...["metadata", "METADATA.", "metadata.google.internal", "Metadata.Google.Internal.", "ｍetadata"],
      ...["metadata。google。internal", "%6detadata.google.internal", "meta\u00addata.google.internal"],
    ];
    test.each(hosts)("%s", async (host) => {
      await network.resolve("metadata", [PUBLIC.ipv4]);
      await network.resolve("metadata.google.internal", [PUBLIC.ipv4]);
      for (const settings of [{}, ...Object.values(kind.allowing)]) {
        expect(notRefused(await tryHosts(kind, { host }, settings))).toEqual([]);
      }
      expect(await network.takeConnections()).toEqual([]);
    });
  });

  describe("a name with several answers", () => {
    const mixed = [
      ["127.0.0.1", PUBLIC.ipv4],
      [PUBLIC.ipv4, "127.0.0.1"],
      ["::1", "169.254.169.254", "192.0.2.1", PUBLIC.ipv4, "fe80::1"],
      ["::ffff:127.0.0.1", PUBLIC.ipv6],
    ];
    test.each(mixed.map((addresses) => ({ addresses })))(
      "$addresses is reached at the public one only",
      async ({ addresses }) => {
        await network.resolve(NAME, addresses);
        expect(await useOf(direct, named)()).toBe("reached");
        const isPublic = (address: string): boolean => Object.values(PUBLIC).includes(address);
        expect(await network.takeConnections()).toEqual([
          { address: addresses.find(isPublic), port: kind.port },
        ]);
        // Which of them an egress proxy would take is not known.
        if (kind.usesEgressProxy) expect(await useOf(behindProxy, named)()).toBe(BLOCKED);
        expect(await network.takeConnections()).toEqual([]);
      },
    );

    test("all of them private is refused", async () => {
      await network.resolve(NAME, ["127.0.0.1", "::1", "0.0.0.0", "2001:db8::1"]);
      expect(await useOf(direct, named)()).toBe(BLOCKED);
      expect(await network.takeConnections()).toEqual([]);
    });

    test("does not fall back to the private one when the public one refuses", async () => {
      await direct.keep(kind.define("refused", `${NAME}:9`, network.ca));
      await network.resolve(NAME, [PUBLIC.ipv4, "127.0.0.1", "::1"]);
      expect(await useOf(direct, "refused")()).toBe("502 upstream_failed");
      expect(await network.takeConnections()).toEqual([]);
    });
  });

  describe("a name that is an alias", () => {
    test.each([["localhost"], ["inner.test"], ["twice.test"]])("of %s is refused", async (cname) => {
      await network.resolve("localhost", ["127.0.0.1"]);
      await network.resolve("inner.test", ["127.0.0.1", "::1"]);
      await network.resolve("twice.test", { cname: "inner.test" });
      await network.resolve(NAME, { cname });
      expect(await useOf(direct, named)()).toBe(BLOCKED);
      expect(await useOf(behindProxy, named)()).toBe(BLOCKED);
      expect(await network.takeConnections()).toEqual([]);
    });

    test("of a metadata service is refused, whatever is allowed", async () => {
      await network.resolve("inner.test", ["169.254.169.254", "fd00:ec2::254"]);
      await network.resolve(NAME, { cname: "inner.test" });
      for (const name of [named, ...Object.keys(kind.allowing)])
        expect(await useOf(direct, name)()).toBe(BLOCKED);
      expect(await network.takeConnections()).toEqual([]);
    });
  });

  describe("a name that changes", () => {
    test.each(["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1"])(
      "to %s right after its first answer is asked once a connection, and gains nothing",
      async (address) => {
        await network.resolve(NAME, [PUBLIC.ipv4], [address]);
        expect(await useOf(direct, named)()).toBe("reached");
        expect(await network.lookups(NAME)).toBe(1);
        expect(await useOf(direct, named)()).toBe(BLOCKED);
        expect(await network.lookups(NAME)).toBe(2);
        expect(await network.takeConnections()).toEqual([{ address: PUBLIC.ipv4, port: kind.port }]);
      },
    );

    test("from a private address to a public one is reached at the public one", async () => {
      await network.resolve(NAME, ["127.0.0.1"], [PUBLIC.ipv4]);
      expect([await useOf(direct, named)(), await useOf(direct, named)()]).toEqual([BLOCKED, "reached"]);
      expect(await network.takeConnections()).toEqual([{ address: PUBLIC.ipv4, port: kind.port }]);
    });

    test("with every lookup is never reached at its private address", async () => {
      const turns = Array.from({ length: 20 }, (_, turn) => [turn % 2 === 0 ? PUBLIC.ipv4 : "127.0.0.1"]);
      await network.resolve(NAME, ...turns);
      const outcomes = await Promise.all(turns.map(() => useOf(direct, named)()));
      expect(outcomes.filter((outcome) => outcome === BLOCKED)).not.toEqual([]);
      const connections = await network.takeConnections();
      expect(connections.filter(({ address }) => address !== PUBLIC.ipv4)).toEqual([]);
    });
  });
});
