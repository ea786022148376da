import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LookupAll } from "../network/allowed-lookup.js";
import { describeUpstreamError } from "../network/upstream-errors.js";
import { dial } from "./dial.js";

const NEVER = new AbortController().signal;

let server: Server;
let port: number;
const accepted: Socket[] = [];
beforeAll(async () => {
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined).end("hello\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

const answers =
  (...addresses: readonly string[]): LookupAll =>
  (_hostname, _options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    process.nextTick(callback, null, found);
  };

describe("dialling", () => {
  test.each(["127.0.0.1", "localhost", "[127.0.0.1]"])(
    "reaches %s where private addresses are allowed",
    async (host) => {
      const wire = await dial(
        { host, port, allowPrivate: true },
        { signal: NEVER, lookup: answers("127.0.0.1") },
      );
      expect((await wire.readLine(100)).toString()).toBe("hello\n");
      wire.destroy();
    },
  );

  test.each([
    ["a loopback address", "127.0.0.1", undefined],
    ["a name of loopback", "localhost", undefined],
    ["a name that resolves to loopback", "db.example", ["127.0.0.1"]],
    ["a name that resolves to metadata alone", "db.example", ["169.254.169.254"]],
    ["an unspecified address", "0.0.0.0", undefined],
  ])("refuses %s", async (_name, host, addresses) => {
    const before = accepted.length;
    const lookup = addresses === undefined ? undefined : answers(...addresses);
    await expect(dial({ host, port, allowPrivate: false }, { signal: NEVER, lookup })).rejects.toMatchObject({
      code: "destination_blocked",
    });
    expect(accepted).toHaveLength(before);
  });

  test.each(["169.254.169.254", "metadata.google.internal", "fe80::1"])(
    "refuses %s also where private addresses are allowed",
    async (host) => {
      await expect(
        dial({ host, port: 80, allowPrivate: true }, { signal: NEVER, lookup: answers("127.0.0.1") }),
      ).rejects.toMatchObject({ code: "destination_blocked" });
    },
  );

  test("does not use a connection to another address than was looked up and checked", async () => {
    let reads = 0;
    const shifty = {
      family: 4,
      get address() {
        reads += 1;
        return reads === 1 ? "8.8.8.8" : "127.0.0.1";
      },
    };
    const lookup: LookupAll = (_hostname, _options, callback) => process.nextTick(callback, null, [shifty]);
    await expect(
      dial({ host: "db.example", port, allowPrivate: false }, { signal: NEVER, lookup }),
    ).rejects.toMatchObject({ code: "destination_blocked" });
  });

  test("gives up in time", async () => {
    const lookup: LookupAll = () => undefined;
    await expect(
      dial({ host: "db.example", port, allowPrivate: true }, { signal: NEVER, lookup, connectMs: 50 }),
    ).rejects.toMatchObject({ code: "upstream_timeout" });
  });

  test("gives up when it is told to, before and while it waits", async () => {
    const reason = new Error("locked");
    const control = new AbortController();
    const place = { host: "db.example", port, allowPrivate: true };
    const dialling = dial(place, { signal: control.signal, lookup: () => undefined });
    control.abort(reason);
    await expect(dialling).rejects.toBe(reason);
    const before = accepted.length;
    await expect(dial(place, { signal: control.signal, lookup: answers("127.0.0.1") })).rejects.toBe(reason);
    expect(accepted).toHaveLength(before);
  });

  test("tells a refused connection apart", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port: free } = closed.address() as AddressInfo;
    closed.close();
    const failure: unknown = await dial(
      { host: "127.0.0.1", port: free, allowPrivate: true },
      { signal: NEVER },
    ).catch((error: unknown) => error);
    expect(describeUpstreamError(failure).message).toBe("the upstream refused the connection");
  });
});
