import { afterEach, describe, expect, test } from "vitest";
import { AUTHENTICATION_OK } from "./authentication-request.js";
import { errorResponse } from "./error-response.js";
import { POSTGRES_LIMITS } from "./limits.js";
import { cstring, int32, message } from "./message.js";
import type { StartupPacket } from "./startup-packet.js";
import { fatalOf, startup, talk } from "./testing/raw-client.js";
import type { ScriptedConnection } from "./testing/scripted-server.js";
import { scriptedUpstreams } from "./testing/scripted-upstream.js";

const READY = message("Z", Buffer.from("I"));
const STATUS = message("S", cstring("server_version"), cstring("15.0"));
const KEY = message("K", int32(7), int32(1234));
const NOTICE = message("N", Buffer.from("SWARNING\0Mcollation\0\0"));

const upstreams = scriptedUpstreams();
afterEach(() => upstreams.closeAll());

/** What a client hears of a server that lets it in and goes on with these bytes. */
async function heardOf(...bytes: readonly Buffer[]): Promise<Buffer> {
  const session = await upstreams.open(async (connection) => {
    await connection.startup();
    await connection.send(AUTHENTICATION_OK, ...bytes);
    await connection.end();
  });
  return talk(session.port, startup({ user: "x" }));
}

describe("the service's StartupMessage", () => {
  async function sent(bytes: Buffer, auth: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    let packet: StartupPacket | undefined;
    const script = async (connection: ScriptedConnection): Promise<void> => {
      packet = await connection.startup();
      await connection.send(AUTHENTICATION_OK, READY);
      await connection.end();
    };
    const session = await upstreams.open(script, { auth });
    await talk(session.port, bytes);
    if (packet?.kind !== "startup") throw new Error("no StartupMessage");
    return [
      packet.minorVersion,
      ...packet.parameters.map(({ name, value }) => `${name}=${value.toString()}`),
    ];
  }

  test("has the service's user and database, once, and what the client wants besides", async () => {
    const parameters = { database: "own", user: "me", options: "-c x=y", "_pq_.z": "1", TimeZone: "" };
    expect(await sent(startup(parameters, 2), { postgres_db: "dätabase" })).toEqual([
      2,
      "user=service_user",
      "database=dätabase",
      "options=-c x=y",
      "_pq_.z=1",
      "TimeZone=",
    ]);
  });

  test("names no database where the service does not", async () => {
    expect(await sent(startup({ user: "me", database: "own" }))).toEqual([0, "user=service_user"]);
  });
});

describe("what follows the log-in", () => {
  test("goes to the client as it is", async () => {
    const bytes = [STATUS, NOTICE, KEY, STATUS, READY, message("A", Buffer.from("and more"))];
    expect(await heardOf(...bytes)).toEqual(Buffer.concat([AUTHENTICATION_OK, ...bytes]));
  });

  test("may have no key in it, or one of 256 bytes", async () => {
    const long = message("K", int32(7), Buffer.alloc(POSTGRES_LIMITS.cancelKeyBytes, 9));
    expect(await heardOf(READY)).toEqual(Buffer.concat([AUTHENTICATION_OK, READY]));
    expect(await heardOf(long, READY)).toEqual(Buffer.concat([AUTHENTICATION_OK, long, READY]));
  });

  test("may be an error, whose text is not told", async () => {
    expect(fatalOf(await heardOf(STATUS, errorResponse({ sqlState: "3D000", text: "secret" })))).toEqual({
      S: "FATAL",
      V: "FATAL",
      C: "3D000",
      M: "the service's database does not exist",
    });
  });

  test.each([
    ["a message out of its place", [message("D", int32(0))], /unexpected message came after/],
    ["another request to log in", [message("R", int32(3))], /unexpected message came after/],
    ["a key of no bytes", [message("K", int32(7))], /impossible length/],
    ["a key of 257 bytes", [message("K", int32(7), Buffer.alloc(257))], /impossible length/],
    ["a key that is cut off", [message("K", Buffer.alloc(3))], /too short/],
    ["an error that is cut off", [message("E", Buffer.from("C3D000"))], /no end/],
    ["a message of 2 GB", [Buffer.concat([Buffer.from("S"), int32(0x7fff_ffff)])], /too long/],
    [
      "a message over the limit",
      [message("S", Buffer.alloc(POSTGRES_LIMITS.serverMessageBytes))],
      /too long/,
    ],
    ["too many messages", Array.from({ length: 1000 }, () => STATUS), /too many messages/],
    [
      "too many bytes",
      Array.from({ length: 10 }, () => message("S", Buffer.alloc(29_000))),
      /too many messages/,
    ],
    ["its end before it is ready", [STATUS], /ended in the middle/],
  ])("is refused with %s", async (_name, bytes, reason) => {
    const fatal = fatalOf(await heardOf(...bytes));
    expect(fatal.C).toBe("08001");
    expect(fatal.M).toMatch(reason);
    expect(fatal.M).toMatch(/^the server's part went wrong: /);
  });
});
