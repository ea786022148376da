import { connect } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { AUTHENTICATION_OK } from "./authentication-request.js";
import { int32, message } from "./message.js";
import { SSL_REQUEST } from "./startup-packet.js";
import type { LoopbackSession } from "../testing/loopback-session.js";
import { fatalOf, heardBy, startup, talk } from "./testing/raw-client.js";
import type { ScriptedServer } from "./testing/scripted-server.js";
import { scriptedUpstreams } from "./testing/scripted-upstream.js";

const GSSENC_REQUEST = Buffer.concat([int32(8), int32(80_877_104)]);
const GREETING = Buffer.concat([AUTHENTICATION_OK, message("Z", Buffer.from("I"))]);
const START = startup({ user: "x" });

const upstreams = scriptedUpstreams();
afterEach(() => upstreams.closeAll());

const open = (): Promise<LoopbackSession & { readonly server: ScriptedServer }> =>
  upstreams.open(async (connection) => {
    await connection.startup();
    await connection.send(GREETING);
    await connection.end();
  });

describe("a client", () => {
  test.each([
    ["nothing", [], ""],
    ["TLS", [SSL_REQUEST], "N"],
    ["GSSAPI and then TLS", [GSSENC_REQUEST, SSL_REQUEST], "NN"],
    ["TLS and then GSSAPI", [SSL_REQUEST, GSSENC_REQUEST], "NN"],
  ])("that asks first for %s is served in the clear", async (_name, requests, answers) => {
    const session = await open();
    expect(await talk(session.port, ...requests, START)).toEqual(
      Buffer.concat([Buffer.from(answers), GREETING]),
    );
  });

  test("may send byte by byte", async () => {
    const { port } = await open();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const heard = heardBy(socket);
    await once(socket, "connect");
    for (const byte of Buffer.concat([SSL_REQUEST, START])) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await heard).toEqual(Buffer.concat([Buffer.from("N"), GREETING]));
  });

  test.each([
    ["direct TLS", Buffer.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3), "0A000", /sslmode=disable/],
    ["protocol 2", Buffer.concat([int32(8), int32(0x2_0000)]), "0A000", /version 3/],
    ["replication", startup({ user: "x", replication: "true" }), "0A000", /replication/],
    ["replication of one database", startup({ user: "x", replication: "database" }), "0A000", /replication/],
  ])("that wants %s is told so, and the server hears nothing", async (_name, bytes, sqlState, text) => {
    const session = await open();
    const fatal = fatalOf(await talk(session.port, bytes));
    expect(fatal).toMatchObject({ S: "FATAL", V: "FATAL", C: sqlState });
    expect(fatal.M).toMatch(text);
    expect(session.server.count()).toBe(0);
  });

  test.each([
    ["speaks HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
    ["sends 2 GB", int32(0x7fff_ffff)],
    ["has a StartupMessage without an end", Buffer.concat([int32(12), int32(0x3_0000), Buffer.from("user")])],
    ["asks for encryption again and again", Buffer.concat([SSL_REQUEST, SSL_REQUEST, SSL_REQUEST, START])],
  ])("that %s gets no word, and the server hears nothing", async (_name, bytes) => {
    const session = await open();
    expect((await talk(session.port, bytes)).toString()).toMatch(/^N*$/);
    expect(session.failures).toEqual([expect.any(ProtocolViolation)]);
    expect(session.server.count()).toBe(0);
  });

  test("that goes away leaves nothing behind", async () => {
    const session = await open();
    const socket = connect(session.port, "127.0.0.1");
    socket.end(START.subarray(0, 10));
    expect(await heardBy(socket)).toEqual(Buffer.alloc(0));
    expect(session.server.count()).toBe(0);
  });
});
