import { randomBytes, X509Certificate } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestAuthority, type TestAuthority } from "../../network/testing/test-certificates.js";
import {
  AUTHENTICATION_OK,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
} from "./authentication-request.js";
import { tlsServerEndPoint } from "./channel-binding.js";
import { errorResponse } from "./error-response.js";
import { int32, message } from "./message.js";
import { md5Response, readSaslInitialResponse } from "./password-message.js";
import { deriveScramKeys } from "./scram-keys.js";
import { scramServer, type ScramVerifier } from "./scram-server.js";
import { fatalOf, messagesOf, startup, talk } from "./testing/raw-client.js";
import type { ScriptedConnection } from "./testing/scripted-server.js";
import { scriptedUpstreams, SERVICE_PASSWORD, SERVICE_USER } from "./testing/scripted-upstream.js";

const READY = message("Z", Buffer.from("I"));
const CLEARTEXT = message("R", int32(3));

let authority: TestAuthority;
let certificate: { cert: string; key: string };
let verifier: ScramVerifier;
const upstreams = scriptedUpstreams();

beforeAll(async () => {
  authority = createTestAuthority();
  certificate = authority.issue("IP:127.0.0.1");
  const parameters = { salt: randomBytes(16), iterations: 4096 };
  verifier = { ...parameters, ...(await deriveScramKeys(SERVICE_PASSWORD, parameters)) };
});
afterEach(() => upstreams.closeAll());
afterAll(() => authority.close());

type Script = (connection: ScriptedConnection) => Promise<void>;

/** The answer that a client gets, when the server does as the script says. */
async function outcome(script: Script, tls: "disable" | "require" = "disable"): Promise<Buffer> {
  const session = await upstreams.open(
    async (connection) => {
      if (tls === "require") {
        await connection.startup();
        await connection.secure(certificate);
      }
      expect(await connection.startup()).toMatchObject({ kind: "startup" });
      await script(connection);
      await connection.end();
    },
    { auth: { postgres_tls: tls }, ca: authority.ca },
  );
  return talk(session.port, startup({ user: "x" }));
}

const typesOf = (bytes: Buffer): string =>
  messagesOf(bytes)
    .map(({ type }) => type)
    .join("");
const proceed = (connection: ScriptedConnection): Promise<void> => connection.send(AUTHENTICATION_OK, READY);

describe("a password is given", () => {
  test("in the clear over TLS", async () => {
    const heard = await outcome(async (connection) => {
      await connection.send(CLEARTEXT);
      expect((await connection.message()).body.toString()).toBe(`${SERVICE_PASSWORD}\0`);
      await proceed(connection);
    }, "require");
    expect(typesOf(heard)).toBe("RZ");
  });

  test("hashed by MD5", async () => {
    const salt = Buffer.of(0, 1, 254, 255);
    const heard = await outcome(async (connection) => {
      await connection.send(message("R", int32(5), salt));
      expect((await connection.message()).body.toString()).toBe(
        `${md5Response(SERVICE_USER, SERVICE_PASSWORD, salt)}\0`,
      );
      await proceed(connection);
    });
    expect(typesOf(heard)).toBe("RZ");
  });

  test("not at all to a server that wants none", async () => {
    expect(typesOf(await outcome(proceed))).toBe("RZ");
  });

  test("never in the clear without TLS", async () => {
    const heard = await outcome(async (connection) => {
      await connection.send(CLEARTEXT);
      await connection.closed();
    });
    expect(fatalOf(heard)).toMatchObject({
      C: "28000",
      M: "the server asks for the password in the clear, over a connection without TLS",
    });
  });
});

describe("SCRAM", () => {
  /** What the client chooses of the mechanisms offered, and the header of what it sends. */
  async function chosen(mechanisms: readonly string[], tls: "disable" | "require"): Promise<string> {
    let choice = "";
    const heard = await outcome(async (connection) => {
      await connection.send(authenticationSasl(mechanisms));
      const { mechanism, data } = readSaslInitialResponse((await connection.message()).body);
      choice = `${mechanism} ${data.toString().split(",,")[0] ?? ""}`;
      await connection.send(errorResponse({ sqlState: "28000", text: "" }));
    }, tls);
    fatalOf(heard);
    return choice;
  }

  test("is bound to the server's certificate wherever that is offered over TLS", async () => {
    const both = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
    expect(await chosen(both, "require")).toBe("SCRAM-SHA-256-PLUS p=tls-server-end-point");
    expect(await chosen(both, "disable")).toBe("SCRAM-SHA-256 n");
  });

  test("tells a server which does not offer the binding that it could be: an attacker may have cut it out", async () => {
    expect(await chosen(["SCRAM-SHA-256"], "require")).toBe("SCRAM-SHA-256 y");
    expect(await chosen(["SCRAM-SHA-256"], "disable")).toBe("SCRAM-SHA-256 n");
  });

  test("with binding alone is not done without TLS", async () => {
    const heard = await outcome(async (connection) => {
      await connection.send(authenticationSasl(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"]));
      await connection.closed();
    });
    expect(fatalOf(heard)).toMatchObject({
      C: "28000",
      M: "the server offers no SASL mechanism that is done here",
    });
  });

  test("binds to the hash of the certificate that was shown", async () => {
    let bound: Buffer | undefined;
    const heard = await outcome(async (connection) => {
      await connection.send(authenticationSasl(["SCRAM-SHA-256-PLUS"]));
      const { data } = readSaslInitialResponse((await connection.message()).body);
      const nonce = /r=(.*)$/.exec(data.toString())?.[1] ?? "";
      await connection.send(authenticationSaslContinue(Buffer.from(`r=${nonce}x,s=c2FsdA==,i=1`)));
      const final = (await connection.message()).body.toString();
      bound = Buffer.from(/^c=([^,]*)/.exec(final)?.[1] ?? "", "base64");
    }, "require");
    fatalOf(heard);
    const endPoint = tlsServerEndPoint(new X509Certificate(certificate.cert).raw);
    expect(bound).toEqual(
      Buffer.concat([Buffer.from("p=tls-server-end-point,,"), endPoint ?? Buffer.alloc(0)]),
    );
  });

  /** An honest exchange, up to the message that `hostile` changes. */
  const scram =
    (hostile: {
      readonly first?: (serverFirst: string) => string;
      readonly final?: (serverFinal: string) => Buffer[];
    }): Script =>
    async (connection) => {
      await connection.send(authenticationSasl(["SCRAM-SHA-256"]));
      const { data } = readSaslInitialResponse((await connection.message()).body);
      const challenge = scramServer(data, { verifier, serverNonce: "of the server".replaceAll(" ", "-") });
      const serverFirst = (hostile.first ?? ((text) => text))(challenge.serverFirst.toString());
      await connection.send(authenticationSaslContinue(Buffer.from(serverFirst)));
      const serverFinal = challenge.check((await connection.message()).body)?.toString() ?? "";
      expect(serverFinal).toMatch(/^v=/);
      const right = (text: string): Buffer[] => [authenticationSaslFinal(Buffer.from(text))];
      await connection.send(...(hostile.final ?? right)(serverFinal));
      await connection.send(AUTHENTICATION_OK, READY);
    };

  test("lets the service in where it is done right", async () => {
    expect(typesOf(await outcome(scram({})))).toBe("RZ");
  });

  test.each([
    [
      "iterations-2-to-the-31",
      { first: (text: string) => text.replace(/i=\d+/, "i=2147483648") },
      /too many/,
    ],
    ["nonce-not-ours", { first: (text: string) => text.replace("r=", "r=x") }, /nonce/],
    [
      "signature-wrong",
      { final: () => [authenticationSaslFinal(Buffer.from(`v=${"A".repeat(43)}=`))] },
      /does not know the password/,
    ],
    ["signature-missing", { final: () => [] }, /out of its order/],
    [
      "signature-of-an-error",
      { final: () => [authenticationSaslFinal(Buffer.from(`e=${SERVICE_PASSWORD}`))] },
      /SCRAM/,
    ],
    [
      "challenge-twice",
      { final: (text: string) => [authenticationSaslContinue(Buffer.from(text))] },
      /order/,
    ],
    [
      "asked-again-in-the-clear",
      { final: (text: string) => [authenticationSaslFinal(Buffer.from(text)), CLEARTEXT] },
      /goes on behind its end/,
    ],
  ])("%s is refused", async (_attack, hostile, reason) => {
    const fatal = fatalOf(await outcome(scram(hostile)));
    expect(fatal).toMatchObject({ S: "FATAL", V: "FATAL", C: "08001" });
    expect(fatal.M).toMatch(reason);
  });

  test.each([
    ["a challenge", authenticationSaslContinue(Buffer.from("r=x,s=c2FsdA==,i=1"))],
    ["an end", authenticationSaslFinal(Buffer.from("v=x"))],
  ])("that begins with %s is refused", async (_name, bytes) => {
    expect(fatalOf(await outcome((connection) => connection.send(bytes))).M).toMatch(
      /before SCRAM was begun/,
    );
  });
});

describe("a server that asks for something else", () => {
  test.each([
    [2, "Kerberos"],
    [7, "GSSAPI"],
    [9, "SSPI"],
  ])("of type %i is told by the name of %s", async (code, name) => {
    expect(fatalOf(await outcome((connection) => connection.send(message("R", int32(code)))))).toMatchObject({
      C: "28000",
      M: `the server asks for a log-in by ${name}, which is not done here`,
    });
  });

  test("unknown is refused", async () => {
    expect(fatalOf(await outcome((connection) => connection.send(message("R", int32(99))))).M).toMatch(
      /unknown way to log in/,
    );
  });

  test.each(["D", "S", "K", "Z", "T", "W"])("than a message of the log-in, %s, is refused", async (type) => {
    expect(fatalOf(await outcome((connection) => connection.send(message(type, Buffer.alloc(5))))).M).toMatch(
      /unexpected message/,
    );
  });
});

describe("an ErrorResponse of the server", () => {
  test.each([
    ["28P01", "28000", "the server refused the stored credential"],
    ["28000", "28000", "the server refused the stored credential"],
    ["53300", "53300", "the server has too many connections"],
    ["57P03", "57P03", "the server takes no connections now: it is starting up or being shut down"],
    ["XX000", "08001", "the server refused the connection"],
  ])("with %s is told as %s, and its text is not", async (sqlState, told, text) => {
    const heard = await outcome(async (connection) => {
      await connection.send(CLEARTEXT);
      const echo = (await connection.message()).body.toString("latin1").replaceAll("\0", "");
      await connection.send(
        message("N", Buffer.from(`M${echo}\0\0`)),
        errorResponse({ sqlState, text: echo }),
      );
    }, "require");
    expect(fatalOf(heard)).toEqual({ S: "FATAL", V: "FATAL", C: told, M: text });
    expect(heard.includes("of the service")).toBe(false);
  });
});

describe("NegotiateProtocolVersion", () => {
  const negotiate = message("v", int32(0x3_0000), int32(1), Buffer.from("_pq_.x\0"));

  test("goes to the client before AuthenticationOk", async () => {
    const heard = await outcome((connection) => connection.send(negotiate, AUTHENTICATION_OK, READY));
    expect(heard).toEqual(Buffer.concat([negotiate, AUTHENTICATION_OK, READY]));
  });

  test.each([
    ["twice", [negotiate, negotiate], /two versions/],
    ["after the log-in", [AUTHENTICATION_OK, negotiate], /unexpected message/],
    ["with 2^31 options", [message("v", int32(0), int32(0x8000_0000))], /string in a message/],
    [
      "with fewer options than it says",
      [message("v", int32(0), int32(2), Buffer.from("a\0"))],
      /string in a/,
    ],
    ["with more options than it says", [message("v", int32(0), int32(0), Buffer.from("a\0"))], /more in it/],
  ])("%s is refused", async (_name, bytes, reason) => {
    const fatal = fatalOf(await outcome((connection) => connection.send(...bytes)));
    expect(fatal.C).toBe("08001");
    expect(fatal.M).toMatch(reason);
  });
});
