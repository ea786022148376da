import { Client } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isAllowedAddress } from "./address-policy.js";
import { lookupAllowed, type LookupAll } from "./allowed-lookup.js";
import { createConnector } from "./connector.js";
import { answers, createLoopbackUpstreams, fails } from "./testing/loopback-upstreams.js";
import { describeUpstreamError } from "./upstream-errors.js";

const upstreams = createLoopbackUpstreams();
const { ask } = upstreams;
let httpsPort: number;
let httpPort: number;

beforeAll(async () => {
  httpsPort = await upstreams.listenHttps("DNS:api.example,DNS:localhost,IP:127.0.0.1");
  httpPort = await upstreams.listenHttp();
});

afterAll(() => upstreams.close());

describe("a direct connection", () => {
  test("verifies the certificate against the service's CA, with the right server name and HTTP/1.1", async () => {
    const answer = await ask(`https://api.example:${httpsPort}`, { lookup: answers("127.0.0.1") });
    expect(answer).toEqual({ servername: "api.example", alpnProtocol: "http/1.1", url: "/a%2Fb" });
  });

  test("takes a final dot in the name", async () => {
    const answer = await ask(`https://api.example.:${httpsPort}`, { lookup: answers("127.0.0.1") });
    expect(answer).toMatchObject({ servername: "api.example" });
  });

  test("verifies an address against the certificate's addresses", async () => {
    expect(await ask(`https://127.0.0.1:${httpsPort}`)).toMatchObject({ servername: false });
  });

  test("resolves with the system where no lookup is given", async () => {
    expect(await ask(`https://localhost:${httpsPort}`)).toMatchObject({ servername: "localhost" });
  });

  test("tries the next address when one refuses", async () => {
    const answer = await ask(`https://api.example:${httpsPort}`, {
      lookup: answers("127.0.0.2", "::1", "127.0.0.1"),
    });
    expect(answer).toMatchObject({ servername: "api.example" });
  });
});

describe("a bad certificate", () => {
  const failure = (message: string): unknown => ({ code: "upstream_failed", message });

  test("of an unknown authority is refused", async () => {
    expect(await ask(`https://127.0.0.1:${httpsPort}`, { ca: undefined })).toEqual(
      failure("the upstream's certificate is not signed by a trusted authority"),
    );
  });

  test("for another name is refused", async () => {
    expect(await ask(`https://other.example:${httpsPort}`, { lookup: answers("127.0.0.1") })).toEqual(
      failure("the upstream's certificate is for another name"),
    );
  });

  test("that has expired is refused", async () => {
    const port = await upstreams.listenHttps("IP:127.0.0.1", { expired: true });
    expect(await ask(`https://127.0.0.1:${port}`)).toEqual(failure("the upstream's certificate has expired"));
  });

  test("is taken where verification is off", async () => {
    const options = { ca: undefined, rejectUnauthorized: false, lookup: answers("127.0.0.1") };
    expect(await ask(`https://other.example:${httpsPort}`, options)).toMatchObject({
      servername: "other.example",
    });
  });

  test("cannot be got around by talking plaintext", async () => {
    expect(await ask(`https://127.0.0.1:${httpPort}`)).toEqual(
      failure("no TLS connection to the upstream could be made"),
    );
  });
});

describe("the destination policy", () => {
  const blocked = (what: string): unknown => ({
    code: "destination_blocked",
    message: `address not allowed: ${what}`,
  });
  const guarded = { allowPrivate: false };

  async function withoutConnecting(run: () => Promise<unknown>): Promise<unknown> {
    const before = upstreams.connectionCount();
    const outcome = await run();
    expect(upstreams.connectionCount()).toBe(before);
    return outcome;
  }

  test.each(["127.0.0.1", "[::1]", "10.1.2.3", "[::ffff:127.0.0.1]"])(
    "refuses the literal %s",
    async (host) => {
      const outcome = await withoutConnecting(() => ask(`https://${host}:${httpsPort}`, guarded));
      expect(outcome).toMatchObject({ code: "destination_blocked" });
    },
  );

  test.each(["169.254.169.254", "[fe80::1]", "metadata.google.internal", "[fd00:ec2::254]"])(
    "refuses %s even where private addresses are allowed",
    async (host) => {
      expect(await ask(`https://${host}`, { lookup: answers("127.0.0.1") })).toMatchObject({
        code: "destination_blocked",
      });
    },
  );

  test("refuses a name whose addresses are all private, whatever TLS would say", async () => {
    const lookup = answers("127.0.0.1", "::1");
    const outcome = await withoutConnecting(() =>
      ask(`https://api.example:${httpsPort}`, { ...guarded, lookup }),
    );
    expect(outcome).toEqual(blocked("api.example"));
  });

  test("refuses a name that resolves to a metadata address, allow_private or not", async () => {
    expect(await ask("https://api.example", { lookup: answers("169.254.169.254") })).toEqual(
      blocked("api.example"),
    );
  });

  test("gives net.connect the allowed ones among several addresses, and no others", async () => {
    const seen = await new Promise((resolve, reject) => {
      const lookup = lookupAllowed(
        answers("127.0.0.1", "8.8.8.8", "fe80::1", "2606:4700::1111", "0.0.0.0"),
        (address) => isAllowedAddress(address, false),
      );
      lookup("api.example", { all: true }, (error, addresses) =>
        error === null ? resolve(addresses) : reject(error),
      );
    });
    expect(seen).toEqual([
      { address: "8.8.8.8", family: 4 },
      { address: "2606:4700::1111", family: 6 },
    ]);
  });

  test("does not give out a connection to another address than was checked", async () => {
    let reads = 0;
    const shifty = {
      family: 4,
      get address() {
        reads += 1;
        return reads === 1 ? "8.8.8.8" : "127.0.0.1";
      },
    };
    const lookup: LookupAll = (_hostname, _options, callback) => process.nextTick(callback, null, [shifty]);
    const outcome = await ask(`https://api.example:${httpsPort}`, { ...guarded, lookup });
    expect(outcome).toEqual(blocked("127.0.0.1"));
    expect(reads).toBeGreaterThan(1);
  });

  test("asks anew on every connect, so that a rebinding name gains nothing", async () => {
    let asked = 0;
    const rebinding: LookupAll = (hostname, options, callback) => {
      asked += 1;
      answers(asked === 1 ? "127.0.0.1" : "169.254.169.254")(hostname, options, callback);
    };
    const connect = createConnector({
      allowPrivate: true,
      ca: upstreams.ca,
      rejectUnauthorized: true,
      connectTimeoutMs: 5_000,
      lookup: rebinding,
    });
    const askWith = async (): Promise<unknown> => {
      const client = new Client(`https://api.example:${httpsPort}`, { connect });
      try {
        return (await client.request({ method: "GET", path: "/" })).statusCode;
      } catch (error) {
        return describeUpstreamError(error).code;
      } finally {
        await client.destroy();
      }
    };
    expect(await askWith()).toBe(200);
    expect(await askWith()).toBe("destination_blocked");
    expect(asked).toBe(2);
  });

  test("refuses plain http unless private addresses are allowed", async () => {
    const lookup = answers("127.0.0.1");
    expect(await ask(`http://api.example:${httpPort}`, { ...guarded, lookup })).toEqual(
      blocked("plain http needs allow_private"),
    );
    expect(await ask(`http://api.example:${httpPort}`, { lookup })).toBe("plain");
  });

  test("a name without addresses, or that is not found, is an upstream failure", async () => {
    const unresolved = { code: "upstream_failed", message: "the upstream's name cannot be resolved" };
    expect(await ask("https://api.example", { lookup: answers() })).toEqual(unresolved);
    expect(await ask("https://api.example", { lookup: fails("ENOTFOUND") })).toEqual(unresolved);
  });
});

describe("the deadline", () => {
  const late = { code: "upstream_timeout", message: "the upstream did not accept the connection in time" };

  test("covers the TLS handshake", async () => {
    expect(
      await ask(`https://127.0.0.1:${await upstreams.listenSilently()}`, { connectTimeoutMs: 100 }),
    ).toEqual(late);
  });

  test("covers name resolution", async () => {
    expect(await ask("https://api.example", { connectTimeoutMs: 100, lookup: () => undefined })).toEqual(
      late,
    );
  });
});
