import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { imapType, type ImapConfig } from "../../auth-strategies/session-types/imap.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import {
  createTestAuthority,
  type TestAuthority,
  type TestCertificate,
} from "../../network/testing/test-certificates.js";
import { farEnd, toolsFor, type FarEnd, type FarServerOptions } from "../testing/far-end.js";
import { IMAP_LIMITS } from "./limits.js";
import { connectAndLogIn, type LoggedIn } from "./server-login.js";

const PASSWORD = "the stored password";
const TOKEN = "ya29.stored-token";

let authority: TestAuthority;
let certificate: TestCertificate;
const ends: FarEnd[] = [];

beforeAll(() => {
  authority = createTestAuthority();
  certificate = authority.issue("IP:127.0.0.1");
});
afterAll(() => authority.close());
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy();
});

interface Attempt {
  readonly server: FarEnd;
  readonly result: Promise<LoggedIn>;
  /** What it failed with. */
  readonly failure: Promise<VaultProxyError>;
}

async function logIn(fields: object = {}, options: FarServerOptions = {}): Promise<Attempt> {
  const server = await farEnd("server");
  ends.push(server);
  const config = imapType.schema.parse({
    ...{ type: "imap", imap_host: "mail.test", imap_user: "user", imap_tls: "none" },
    ...("oauth_service" in fields ? {} : { imap_password: PASSWORD }),
    ...fields,
  }) as ImapConfig;
  const result = connectAndLogIn(
    config,
    toolsFor(server.wire, { accessToken: TOKEN, ca: authority.ca, ...options }),
  );
  const failure = result.then(
    () => {
      throw new Error("it logged in");
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(VaultProxyError);
      return error as VaultProxyError;
    },
  );
  failure.catch(() => undefined);
  return { server, result, failure };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("LOGIN", () => {
  test("asks for capabilities that it was not told, before and after", async () => {
    const { server, result } = await logIn();
    server.say("* OK ready\r\n");
    await server.hear("v1 CAPABILITY\r\n");
    server.say("* CAPABILITY IMAP4rev1 LOGIN-REFERRALS\r\nv1 OK done\r\n");
    await server.hear(`v2 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say("v2 OK in\r\n");
    await server.hear("v3 CAPABILITY\r\n");
    server.say("* CAPABILITY IMAP4rev1 IDLE\r\nv3 OK done\r\n");
    expect((await result).capabilities).toEqual(["IMAP4rev1", "IDLE"]);
  });

  test("needs one round trip where the server tells its capabilities by itself", async () => {
    const { server, result } = await logIn();
    server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say("v1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    expect((await result).capabilities).toEqual(["IMAP4rev1", "IDLE"]);
  });

  test("takes capabilities that come on their own, and skips what else comes before the answer", async () => {
    const { server, result } = await logIn();
    server.say('* OK [CAPABILITY IMAP4rev1] ready\r\n* OK by the way\r\n* ID ("x" {3}\r\n)\r\n)\r\n');
    await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say("* NO careful\r\n* CAPABILITY IMAP4rev1 IDLE\r\n* 1 EXISTS\r\nv1 OK in\r\n");
    expect((await result).capabilities).toEqual(["IMAP4rev1", "IDLE"]);
  });

  test("leaves to the client what comes after the answer", async () => {
    const { server, result } = await logIn();
    server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say("v1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n* 1 EXISTS\r\n");
    const { wire } = await result;
    expect((await wire.readLine(100)).toString()).toBe("* 1 EXISTS\r\n");
  });

  test("sends literals when the server asks for each", async () => {
    const { server, result } = await logIn({ imap_user: "ü", imap_password: "first\r\nsecond" });
    server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    await server.hear("v1 LOGIN {2}\r\n");
    server.say("+ go on\r\n");
    await server.hear("\xc3\xbc {13}\r\n");
    server.say("* OK wait\r\n+\r\n");
    await server.hear("first\r\nsecond\r\n");
    server.say("v1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    await result;
  });

  test("sends literals at once with LITERAL+", async () => {
    const { server, result } = await logIn({ imap_user: "ü", imap_password: "first\r\nsecond" });
    server.say("* OK [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n");
    await server.hear("v1 LOGIN {2+}\r\n\xc3\xbc {13+}\r\nfirst\r\nsecond\r\n");
    server.say("v1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    await result;
  });

  test("heeds LOGINDISABLED", async () => {
    const { server, failure } = await logIn();
    server.say("* OK [CAPABILITY IMAP4rev1 LoginDisabled] ready\r\n");
    expect((await failure).message).toBe("the server does not allow LOGIN on this connection");
    expect(await server.rest()).toBe("");
  });
});

describe("AUTHENTICATE", () => {
  const plain = base64(`\0user\0${PASSWORD}`);
  const xoauth2 = base64(`user=user\x01auth=Bearer ${TOKEN}\x01\x01`);
  const oauthBearer = base64(`n,a=user,\x01host=mail.test\x01port=143\x01auth=Bearer ${TOKEN}\x01\x01`);

  test.each([
    ["plain", {}, plain],
    ["xoauth2", { oauth_service: "tokens" }, xoauth2],
    ["oauthbearer", { oauth_service: "tokens" }, oauthBearer],
  ])("with %s waits to be asked, or not with SASL-IR", async (imap_auth, fields, message) => {
    const mechanism = imap_auth.toUpperCase();
    const first = await logIn({ imap_auth, ...fields });
    first.server.say(`* OK [CAPABILITY IMAP4rev1 AUTH=${mechanism}] ready\r\n`);
    await first.server.hear(`v1 AUTHENTICATE ${mechanism}\r\n`);
    first.server.say("+ \r\n");
    await first.server.hear(`${message}\r\n`);
    first.server.say("v1 OK [CAPABILITY IMAP4rev1] in\r\n");
    await first.result;

    const second = await logIn({ imap_auth, ...fields });
    second.server.say(`* OK [CAPABILITY IMAP4rev1 AUTH=${mechanism} SASL-IR] ready\r\n`);
    await second.server.hear(`v1 AUTHENTICATE ${mechanism} ${message}\r\n`);
    second.server.say("v1 OK [CAPABILITY IMAP4rev1] in\r\n");
    await second.result;
  });

  test.each([
    ["xoauth2", ""],
    ["oauthbearer", "AQ=="],
  ])("with %s answers the description of the error, then is refused", async (imap_auth, answer) => {
    const { server, failure } = await logIn({ imap_auth, oauth_service: "tokens" });
    server.say(`* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=${imap_auth.toUpperCase()}] ready\r\n`);
    await server.hear(`v1 AUTHENTICATE ${imap_auth.toUpperCase()} `);
    await server.hear(`${imap_auth === "xoauth2" ? xoauth2 : oauthBearer}\r\n`);
    server.say(`+ ${base64('{"status":"401"}')}\r\n`);
    await server.hear(`${answer}\r\n`);
    server.say("v1 NO [AUTHENTICATIONFAILED] bad\r\n");
    expect(await failure).toMatchObject({ code: "upstream_login_failed" });
  });

  test.each(["plain", "xoauth2", "oauthbearer"])(
    "sends nothing where %s is not offered",
    async (imap_auth) => {
      const fields = imap_auth === "plain" ? {} : { oauth_service: "tokens" };
      const { server, failure } = await logIn({ imap_auth, ...fields });
      server.say("* OK [CAPABILITY IMAP4rev1 AUTH=GSSAPI SASL-IR] ready\r\n");
      expect(await failure).toMatchObject({
        code: "upstream_failed",
        message: `the server does not offer AUTHENTICATE ${imap_auth.toUpperCase()} on this connection`,
      });
      expect(await server.rest()).toBe("");
    },
  );

  test("field injection: a token that could end its field is not sent", async () => {
    const fields = { imap_auth: "xoauth2", oauth_service: "tokens" };
    const { server, failure } = await logIn(fields, { accessToken: "token\x01user=root" });
    expect((await failure).message).toBe("the access token holds characters that cannot be sent");
    server.destroy();
  });
});

describe("a refusal", () => {
  test.each([
    ["NO", "upstream_login_failed", "the server refused the stored credential"],
    ["NO [AUTHENTICATIONFAILED]", "upstream_login_failed", "the server refused the stored credential"],
    ["NO [EXPIRED]", "upstream_login_failed", "the server refused the stored credential"],
    ["NO [UNAVAILABLE]", "upstream_failed", "the server lets nobody log in at the moment"],
    ["NO [limit]", "upstream_failed", "the server lets nobody log in at the moment"],
    ["NO [PRIVACYREQUIRED]", "upstream_failed", "the server wants TLS before the log-in"],
    ["BAD", "upstream_failed", "the server rejected the log-in command"],
  ])("%s is %s: %s", async (answer, code, message) => {
    const { server, failure } = await logIn();
    server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    await server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
    server.say(`v1 ${answer} your password is ${PASSWORD}\r\n`);
    const error = await failure;
    expect(error).toMatchObject({ code, message });
    expect(JSON.stringify([error.message, String(error.cause)])).not.toContain(PASSWORD);
  });
});

describe("STARTTLS", () => {
  const fields = { imap_tls: "starttls", imap_auth: "plain" };
  const message = base64(`\0user\0${PASSWORD}`);

  test("forgets what was said in the clear, and logs in over TLS", async () => {
    const { server, result } = await logIn(fields);
    server.say("* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=LOGIN] ready\r\n");
    await server.hear("v1 STARTTLS\r\n");
    server.say("v1 OK begin\r\n");
    server.serveTls(certificate);
    await server.hear("v2 CAPABILITY\r\n");
    server.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\nv2 OK done\r\n");
    await server.hear(`v3 AUTHENTICATE PLAIN ${message}\r\n`);
    server.say("v3 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    expect((await result).capabilities).toEqual(["IMAP4rev1", "IDLE"]);
  });

  test("asks whether it is there", async () => {
    const { server, failure } = await logIn(fields);
    server.say("* OK ready\r\n");
    await server.hear("v1 CAPABILITY\r\n");
    server.say("* CAPABILITY IMAP4rev1 starttls\r\nv1 OK done\r\n");
    await server.hear("v2 STARTTLS\r\n");
    server.say("v2 NO not now\r\n");
    expect((await failure).message).toBe("the server refused STARTTLS");
  });

  test("starttls-stripping: no credential goes to a server that does not offer it", async () => {
    const { server, failure } = await logIn(fields);
    server.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n");
    expect((await failure).message).toBe("the server does not offer STARTTLS on this connection");
    expect(await server.rest()).toBe("");
  });

  test("starttls-injection: bytes in the clear before the handshake are fatal", async () => {
    const { server, failure } = await logIn(fields);
    server.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
    await server.hear("v1 STARTTLS\r\n");
    server.say("v1 OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nv2 OK done\r\n");
    expect((await failure).message).toContain("bytes came in the clear before the TLS handshake");
    expect(await server.rest()).toBe("");
  });

  test("starttls-bypass: a server that greets with PREAUTH is refused", async () => {
    const { server, failure } = await logIn(fields);
    server.say("* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n");
    expect((await failure).message).toBe("the server is logged in before it was given a credential");
    expect(await server.rest()).toBe("");
  });
});

test("implicit TLS comes before the greeting, and a server without it gets nothing", async () => {
  const first = await logIn({ imap_tls: "implicit" });
  first.server.serveTls(certificate);
  first.server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
  await first.server.hear(`v1 LOGIN "user" "${PASSWORD}"\r\n`);
  first.server.say("v1 OK [CAPABILITY IMAP4rev1] in\r\n");
  await first.result;

  const second = await logIn({ imap_tls: "implicit" });
  second.server.say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
  expect(await second.failure).toMatchObject({ code: "upstream_failed" });
  expect(await second.server.rest()).not.toContain("LOGIN");
});

describe("a hostile server", () => {
  const READY = "* OK [CAPABILITY IMAP4rev1] ready\r\n";
  const failureAfter = async (said: string, fields: object = {}): Promise<string> => {
    const { server, failure } = await logIn(fields);
    server.say(said);
    return (await failure).message;
  };
  const wrong = (how: string): string => `the server's part went wrong: ${how}`;

  test.each([
    [
      "preauth: somebody else's mailbox",
      "* PREAUTH in\r\n",
      "the server is logged in before it was given a credential",
    ],
    ["a BYE for a greeting", "* BYE busy\r\n", "the server ended the connection before the log-in"],
    ["a BYE in the middle", `${READY}* BYE\r\n`, "the server ended the connection before the log-in"],
    ["a warning for a greeting", "* NO what\r\n", wrong("the greeting is not one")],
    ["a tagged greeting", "v1 OK ready\r\n", wrong("the greeting is not one")],
    ["data for a greeting", "* 1 EXISTS\r\n", wrong("the greeting is not one")],
    ["a greeting of another protocol", "220 mail ESMTP\r\n", wrong("a response is not IMAP")],
    [
      "tag-correlation: an answer to what was never sent",
      `${READY}v2 OK in\r\n`,
      wrong("it answers a command that was not sent"),
    ],
    ["an answer that is none", `${READY}v1 PREAUTH\r\n`, wrong("a response is not IMAP")],
    ["a question that has no answer", `${READY}+ what?\r\n`, wrong("it asks for more than there is")],
  ])("%s", async (_name, said, message) => {
    expect(await failureAfter(said)).toBe(message);
  });

  test("agrees before it has the password", async () => {
    expect(await failureAfter(`${READY}v1 OK in\r\n`, { imap_password: "ü" })).toBe(
      wrong("it agrees to what it was not sent"),
    );
  });

  test("agrees after it has described an error", async () => {
    const { server, failure } = await logIn({ imap_auth: "xoauth2", oauth_service: "tokens" });
    server.say("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready\r\n+ e30=\r\nv1 OK in\r\n");
    expect((await failure).message).toBe(wrong("it agrees to what it was not sent"));
  });

  test("describes its error twice", async () => {
    const { server, failure } = await logIn({ imap_auth: "xoauth2", oauth_service: "tokens" });
    server.say("* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR] ready\r\n+ e30=\r\n+ e30=\r\n");
    expect((await failure).message).toBe(wrong("it asks for more than there is"));
  });

  test("does not tell its capabilities", async () => {
    const { server, failure } = await logIn();
    server.say("* OK ready\r\nv1 OK none\r\n");
    expect((await failure).message).toBe(wrong("it does not tell its capabilities"));
  });

  test("hangs up", async () => {
    const { server, failure } = await logIn();
    server.say(READY);
    server.hangUp();
    expect((await failure).message).toBe(wrong("the connection ended in the middle"));
  });

  test("says more than is bearable, in one response", async () => {
    expect(await failureAfter(`* OK ${"x".repeat(IMAP_LIMITS.responseBytes)}`)).toBe(
      wrong("a message is too long"),
    );
  });

  test("says more than is bearable, in many", async () => {
    expect(await failureAfter(READY + "* 1 EXISTS\r\n".repeat(IMAP_LIMITS.responses))).toBe(
      wrong("too many responses before the log-in"),
    );
  });

  test("literal bomb: announces more than is bearable", async () => {
    expect(await failureAfter(`${READY}* X {2147483648}\r\n`)).toBe(wrong("a literal is too long"));
  });
});
