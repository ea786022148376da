import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestAuthority, type TestAuthority } from "../network/testing/test-certificates.js";
import { secureContext } from "../network/tls-trust.js";
import { describeUpstreamError } from "../network/upstream-errors.js";
import { startTls, type TlsTrust } from "./start-tls.js";
import { WireSocket } from "./wire-socket.js";

const NEVER = new AbortController().signal;
let authority: TestAuthority;
beforeAll(() => {
  authority = createTestAuthority();
});
afterAll(() => authority.close());

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

/** A connection to a server that does TLS with a certificate for `names` when it is told to. */
async function plainConnection(
  names: string,
): Promise<{ wire: WireSocket; far: Socket; serveTls: () => TLSSocket }> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepting = once(listener, "connection") as Promise<[Socket]>;
  const near = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const [far] = await accepting;
  far.on("error", () => undefined);
  listener.close();
  opened.push(near, far);
  const serveTls = (): TLSSocket => {
    const secured = new TLSSocket(far, { isServer: true, ...authority.issue(names) });
    secured.on("error", () => undefined);
    return secured;
  };
  return { wire: new WireSocket(near, "server"), far, serveTls };
}

const trust = (host: string, more: Partial<TlsTrust> = {}): TlsTrust => ({
  host,
  secureContext: secureContext(authority.ca),
  rejectUnauthorized: true,
  ...more,
});

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const failure: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return describeUpstreamError(failure).message;
}

describe("TLS on a connection", () => {
  test.each([
    ["db.example", "DNS:db.example"],
    ["127.0.0.1", "IP:127.0.0.1"],
    ["[::1]", "IP:::1"],
  ])("is made with %s by its certificate, which is given", async (host, names) => {
    const { wire, serveTls } = await plainConnection(names);
    const far = serveTls();
    const secured = await startTls(wire, trust(host), NEVER);
    far.write("hello\n");
    expect((await secured.wire.readLine(100)).toString()).toBe("hello\n");
    expect(secured.certificate?.[0]).toBe(0x30);
    secured.wire.destroy();
  });

  test.each([
    ["db.example", "DNS:other.example"],
    ["db.example", "IP:127.0.0.1"],
    ["127.0.0.1", "DNS:localhost"],
    ["127.0.0.1", "IP:127.0.0.2"],
    ["localhost", "IP:127.0.0.1"],
  ])("is not made with %s by a certificate for %s, unless no certificate is checked", async (host, names) => {
    const first = await plainConnection(names);
    first.serveTls();
    expect(await failureOf(startTls(first.wire, trust(host), NEVER))).toBe(
      "the upstream's certificate is for another name",
    );
    const second = await plainConnection(names);
    second.serveTls();
    const secured = await startTls(second.wire, trust(host, { rejectUnauthorized: false }), NEVER);
    secured.wire.destroy();
  });

  test("is not made with a certificate of an unknown authority", async () => {
    const { wire, serveTls } = await plainConnection("DNS:db.example");
    serveTls();
    const own = trust("db.example", { secureContext: secureContext(undefined) });
    expect(await failureOf(startTls(wire, own, NEVER))).toBe(
      "the upstream's certificate is not signed by a trusted authority",
    );
  });

  test("starttls injection: bytes in the clear before the handshake are fatal", async () => {
    const { wire, far } = await plainConnection("DNS:db.example");
    far.write("220 go ahead\r\n250 injected\r\n");
    await wire.readLine(100);
    await expect(startTls(wire, trust("db.example"), NEVER)).rejects.toThrow(
      "bytes came in the clear before the TLS handshake",
    );
  });

  test("ends when the connection does, or when it is told to", async () => {
    const first = await plainConnection("DNS:db.example");
    const ended = startTls(first.wire, trust("db.example"), NEVER);
    first.far.end();
    await expect(ended).rejects.toThrow();

    const second = await plainConnection("DNS:db.example");
    const control = new AbortController();
    const reason = new Error("locked");
    const aborted = startTls(second.wire, trust("db.example"), control.signal);
    control.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await once(second.far.resume(), "close");
  });
});
