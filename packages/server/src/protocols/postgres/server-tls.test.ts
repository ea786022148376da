import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestAuthority, type TestAuthority } from "../../network/testing/test-certificates.js";
import { AUTHENTICATION_OK } from "./authentication-request.js";
import { errorResponse } from "./error-response.js";
import { message } from "./message.js";
import { fatalOf, messagesOf, startup, talk } from "./testing/raw-client.js";
import type { ScriptedConnection } from "./testing/scripted-server.js";
import { scriptedUpstreams } from "./testing/scripted-upstream.js";

const GREETING = [AUTHENTICATION_OK, message("Z", Buffer.from("I"))];

let authority: TestAuthority;
let certificate: { cert: string; key: string };
const upstreams = scriptedUpstreams();

beforeAll(() => {
  authority = createTestAuthority();
  certificate = authority.issue("IP:127.0.0.1");
});
afterEach(() => upstreams.closeAll());
afterAll(() => authority.close());

type Mode = "require" | "prefer" | "disable";

async function outcome(
  postgres_tls: Mode,
  script: (connection: ScriptedConnection) => Promise<void>,
): Promise<Buffer> {
  const session = await upstreams.open(script, { auth: { postgres_tls }, ca: authority.ca });
  return talk(session.port, startup({ user: "x" }));
}

const logIn = async (connection: ScriptedConnection): Promise<void> => {
  expect(await connection.startup()).toMatchObject({ kind: "startup" });
  await connection.send(...GREETING);
  await connection.end();
};
const asked = async (connection: ScriptedConnection): Promise<void> =>
  expect(await connection.startup()).toEqual({ kind: "encryption_request" });

const typesOf = (bytes: Buffer): string =>
  messagesOf(bytes)
    .map(({ type }) => type)
    .join("");

describe("TLS with the server", () => {
  test.each(["require", "prefer"] as const)("is used where the service says %s", async (mode) => {
    const heard = await outcome(mode, async (connection) => {
      await asked(connection);
      await connection.secure(certificate);
      await logIn(connection);
    });
    expect(typesOf(heard)).toBe("RZ");
  });

  test("is not asked for where the service says disable", async () => {
    expect(typesOf(await outcome("disable", logIn))).toBe("RZ");
  });

  test("is done without where the service would rather have it, and the server has none", async () => {
    const heard = await outcome("prefer", async (connection) => {
      await asked(connection);
      await connection.send(Buffer.from("N"));
      await logIn(connection);
    });
    expect(typesOf(heard)).toBe("RZ");
  });

  test("stripped by N is a failure where the service requires it, and nothing more is said", async () => {
    let said: unknown;
    const heard = await outcome("require", async (connection) => {
      await asked(connection);
      await connection.send(Buffer.from("N"));
      said = await connection.startup().catch(() => "nothing");
    });
    expect(fatalOf(heard)).toMatchObject({
      C: "08001",
      M: "the server does not offer TLS, which the service requires",
    });
    expect(said).toBe("nothing");
  });

  test("bytes in the clear behind S are refused", async () => {
    const heard = await outcome("require", async (connection) => {
      await asked(connection);
      await connection.send(Buffer.from("S"), ...GREETING);
      await connection.closed();
    });
    expect(fatalOf(heard)).toMatchObject({
      C: "08001",
      M: "the server's part went wrong: bytes came in the clear before the TLS handshake",
    });
  });

  test.each(["require", "prefer"] as const)("an error in its place is not read: %s", async (mode) => {
    const heard = await outcome(mode, async (connection) => {
      await asked(connection);
      await connection.send(errorResponse({ sqlState: "53300", text: "text of an attacker" }));
      await connection.closed();
    });
    expect(fatalOf(heard)).toMatchObject({
      C: "08001",
      M: "the server answered the request for TLS with an error",
    });
  });

  test.each(["T", "\0", "s"])("the answer %j is refused", async (answer) => {
    const heard = await outcome("prefer", async (connection) => {
      await asked(connection);
      await connection.send(Buffer.from(answer));
      await connection.closed();
    });
    expect(fatalOf(heard).M).toMatch(/neither yes nor no/);
  });

  test("a certificate of somebody else is refused before the credential is sent", async () => {
    const other = createTestAuthority();
    let tell = (_said: string): void => undefined;
    const said = new Promise<string>((resolve) => (tell = resolve));
    const heard = await outcome("prefer", async (connection) => {
      await asked(connection);
      tell(
        await connection
          .secure(other.issue("IP:127.0.0.1"))
          .then(() => connection.startup())
          .then(
            () => "something",
            () => "nothing",
          ),
      );
    });
    other.close();
    expect(fatalOf(heard)).toMatchObject({
      C: "08001",
      M: "the upstream's certificate is not signed by a trusted authority",
    });
    expect(await said).toBe("nothing");
  });
});
