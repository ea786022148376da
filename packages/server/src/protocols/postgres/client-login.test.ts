import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../redaction/secret.js";
import { WireSocket } from "../../wire/wire-socket.js";
import { AUTHENTICATION_OK, readAuthenticationRequest } from "./authentication-request.js";
import { int32, message, messageParser } from "./message.js";
import { passwordMessage, saslInitialResponse, saslResponse } from "./password-message.js";
import { scramClient } from "./scram-client.js";
import { deriveScramKeys, hmac, xor } from "./scram-keys.js";
import type { LoopbackSession } from "../testing/loopback-session.js";
import { fatalOf, startup, talk } from "./testing/raw-client.js";
import type { ScriptedServer } from "./testing/scripted-server.js";
import { scriptedUpstreams } from "./testing/scripted-upstream.js";

const login = { username: "agent", password: new Secret("random password") };
const GREETING = Buffer.concat([AUTHENTICATION_OK, message("Z", Buffer.from("I"))]);
const MECHANISM = "SCRAM-SHA-256";
const parse = messageParser(10_000);

const upstreams = scriptedUpstreams();
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await upstreams.closeAll();
});

const open = (): Promise<LoopbackSession & { readonly server: ScriptedServer }> =>
  upstreams.open(
    async (connection) => {
      await connection.startup();
      await connection.send(message("v", int32(0x3_0000), int32(0)), GREETING);
    },
    { login },
  );

interface Attempt {
  readonly salt: string;
  /** Letters of the messages after the challenge. */
  readonly end: string;
  readonly text: string | undefined;
}

/** Logs in by SCRAM, as libpq does. */
async function attempt(port: number, user: string, password: string): Promise<Attempt> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  const wire = new WireSocket(socket, "server");
  const next = async (): Promise<Buffer> => {
    const request = readAuthenticationRequest((await wire.read(parse, 10_000)).body);
    return "data" in request ? request.data : Buffer.alloc(0);
  };
  await wire.write(startup({ user }));
  expect(readAuthenticationRequest((await wire.read(parse, 10_000)).body)).toEqual({
    kind: "sasl",
    mechanisms: [MECHANISM],
  });
  const exchange = scramClient({
    password,
    nonce: "of-the-client",
    binding: { flag: "n" },
    runHeavy: (work) => work(),
  });
  await wire.write(saslInitialResponse(MECHANISM, exchange.clientFirst));
  const serverFirst = await next();
  const { clientFinal, verify } = await exchange.answer(serverFirst);
  await wire.write(saslResponse(clientFinal));
  const salt = /s=([^,]*)/.exec(serverFirst.toString())?.[1] ?? "";
  const messages = [];
  do messages.push(await wire.read(parse, 10_000));
  while (!/[EZ]/.test(messages.at(-1)?.type ?? ""));
  const end = messages.map(({ type }) => type).join("");
  const [first, last] = [messages[0], messages.at(-1)];
  if (first?.type === "R") {
    const request = readAuthenticationRequest(first.body);
    if (request.kind !== "sasl_final") throw new Error("no signature");
    verify(request.data);
  }
  return { salt, end, text: last?.type === "E" ? fatalOf(last.bytes).M : undefined };
}

describe("a client of a session with a password", () => {
  test("gets in with it, and then hears the server", async () => {
    const session = await open();
    // AuthenticationSASLFinal, NegotiateProtocolVersion, AuthenticationOk, ReadyForQuery.
    expect(await attempt(session.port, "agent", "random password")).toMatchObject({ end: "RvRZ" });
  });

  test.each([
    ["another password", "agent", "random passwore"],
    ["no password", "agent", ""],
    ["another user", "agenu", "random password"],
    ["no user", "", "random password"],
  ])("does not get in with %s, and the server hears nothing", async (_name, user, password) => {
    const session = await open();
    expect(await attempt(session.port, user, password)).toMatchObject({
      end: "E",
      text: "the user or the password is not the session's",
    });
    expect(session.server.count()).toBe(0);
    expect(session.failures).toMatchObject([{ code: "unauthorized", sqlState: "28P01" }]);
  });

  test("cannot tell by the salt whether a user exists", async () => {
    const { port } = await open();
    const salts: string[] = [];
    for (const user of ["agent", "nobody", "agent", "nobody", "somebody"])
      salts.push((await attempt(port, user, "wrong")).salt);
    expect(salts[0]).toBe(salts[2]);
    expect(salts[1]).toBe(salts[3]);
    expect(new Set(salts).size).toBe(3);
  });

  test("does not get in under another name with the right user's salt and password", async () => {
    const { port } = await open();
    const { salt } = await attempt(port, "agent", "wrong");
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    const wire = new WireSocket(socket, "server");
    const next = async (): Promise<Buffer> => (await wire.read(parse, 10_000)).body.subarray(4);
    await wire.write(startup({ user: "agenu" }));
    await next();
    await wire.write(saslInitialResponse(MECHANISM, Buffer.from("n,,n=,r=x")));
    const serverFirst = (await next()).toString();
    const nonce = /^r=([^,]*)/.exec(serverFirst)?.[1] ?? "";
    const keys = await deriveScramKeys("random password", {
      salt: Buffer.from(salt, "base64"),
      iterations: 4096,
    });
    const signature = hmac(keys.storedKey, `n=,r=x,${serverFirst},c=biws,r=${nonce}`);
    const proof = xor(keys.clientKey, signature).toString("base64");
    await wire.write(saslResponse(Buffer.from(`c=biws,r=${nonce},p=${proof}`)));
    expect(fatalOf((await wire.read(parse, 10_000)).bytes).C).toBe("28P01");
  });

  const OTHER = saslInitialResponse("SCRAM-SHA-1", Buffer.from("n,,n=,r=x"));
  test.each([
    ["a query in the answer's place", message("Q", Buffer.from("SELECT 1\0")), /something else/],
    ["a password in the clear", passwordMessage("random password"), /message is too short/],
    ["a mechanism that is not offered", OTHER, /was chosen that is not offered/],
    ["a message of 2 GB", Buffer.concat([Buffer.from("p"), int32(0x7fff_ffff)]), /too long/],
    ["a message over the limit", message("p", Buffer.alloc(4096)), /too long/],
    ["nonsense for SCRAM", saslInitialResponse(MECHANISM, Buffer.from("nonsense")), /SCRAM/],
  ])("is refused with %s", async (_name, bytes, reason) => {
    const session = await open();
    const fatal = fatalOf(await talk(session.port, startup({ user: "agent" }), bytes));
    expect(fatal).toMatchObject({ S: "FATAL", C: "08P01" });
    expect(fatal.M).toMatch(reason);
    expect(session.server.count()).toBe(0);
  });
});
