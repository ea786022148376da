import { afterEach, describe, expect, test } from "vitest";
import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import { Secret } from "../../redaction/secret.js";
import { plainMessage, xoauth2Message } from "../sasl/messages.js";
import { LIMITS } from "./limits.js";
import { connectAndLogIn, type LoggedInServer } from "./server-login.js";
import { farEnd, toolsFor, type FarEnd } from "../testing/far-end.js";

const USER = "user@mail.test";
const PASSWORD = "s3cret password";
const EHLO = "EHLO [127.0.0.1]\r\n";
const PLAIN = plainMessage(USER, PASSWORD).toString("base64");

const opened: FarEnd[] = [];
afterEach(() => {
  for (const far of opened.splice(0)) far.destroy();
});

function configOf(changes: Partial<SmtpConfig> = {}): SmtpConfig {
  const password = changes.oauth_service === undefined ? { smtp_password: new Secret(PASSWORD) } : {};
  return {
    type: "smtp",
    smtp_host: "127.0.0.1",
    smtp_user: USER,
    smtp_tls: "none",
    smtp_auth: "auto",
    ...password,
    ...changes,
  };
}

interface LogIn {
  readonly server: FarEnd;
  readonly loggedIn: Promise<LoggedInServer>;
}

async function logIn(changes: Partial<SmtpConfig> = {}, accessToken?: string): Promise<LogIn> {
  const server = await farEnd("server");
  opened.push(server);
  const loggedIn = connectAndLogIn(configOf(changes), toolsFor(server.wire, { accessToken }));
  loggedIn.catch(() => undefined);
  return { server, loggedIn };
}

/** Up to the AUTH command. */
async function logInUpTo(
  extensions: string,
  changes: Partial<SmtpConfig> = {},
  accessToken?: string,
): Promise<LogIn> {
  const given = await logIn(changes, accessToken);
  given.server.say("220 mail.test ESMTP\r\n");
  await given.server.hear(EHLO);
  given.server.say(extensions);
  return given;
}

async function failureOf({ loggedIn }: LogIn): Promise<{ code: string; message: string }> {
  const error: unknown = await loggedIn.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof VaultProxyError)) throw new Error(`not a VaultProxyError: ${String(error)}`);
  expect(error.message).not.toContain(PASSWORD);
  return { code: error.code, message: error.message };
}

describe("the log-in", () => {
  test("sends PLAIN with the command, and takes the extensions of afterwards", async () => {
    const { server, loggedIn } = await logInUpTo("250-mail.test\r\n250-SIZE 10\r\n250 AUTH PLAIN LOGIN\r\n");
    await server.hear(`AUTH PLAIN ${PLAIN}\r\n`);
    server.say("235 2.7.0 welcome\r\n");
    await server.hear(EHLO);
    server.say("250-mail.test\r\n250-SIZE 99\r\n250 DSN\r\n");
    const { announcement } = await loggedIn;
    expect(announcement).toMatchObject({
      domain: "mail.test",
      extensions: [{ keyword: "SIZE", parameters: ["99"] }, { keyword: "DSN" }],
    });
  });

  test("keeps the extensions of before where the server takes no second EHLO", async () => {
    const { server, loggedIn } = await logInUpTo("250-mail.test\r\n250-SIZE 10\r\n250 AUTH PLAIN\r\n");
    await server.hear(`AUTH PLAIN ${PLAIN}\r\n`);
    server.say("235 welcome\r\n");
    await server.hear(EHLO);
    server.say("503 once is enough\r\n");
    expect((await loggedIn).announcement.extensions[0]?.keyword).toBe("SIZE");
  });

  test("takes a greeting of several lines, and AUTH in the old form", async () => {
    const { server, loggedIn } = await logIn();
    server.say("220-mail.test ESMTP\r\n220-no spam\r\n220 please\r\n");
    await server.hear(EHLO);
    server.say("250-mail.test\r\n250 AUTH=LOGIN PLAIN\r\n");
    await server.hear(`AUTH PLAIN ${PLAIN}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    expect((await loggedIn).announcement.extensions).toEqual([]);
  });

  test("sends LOGIN's user and password as they are asked for, however that is worded", async () => {
    const { server, loggedIn } = await logInUpTo("250-mail.test\r\n250 AUTH LOGIN\r\n");
    await server.hear("AUTH LOGIN\r\n");
    server.say("334 your name, please\r\n");
    await server.hear(`${Buffer.from(USER).toString("base64")}\r\n`);
    server.say("334 UGFzc3dvcmQ6\r\n");
    await server.hear(`${Buffer.from(PASSWORD).toString("base64")}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    await loggedIn;
  });

  test("answers CRAM-MD5 as RFC 2195 does", async () => {
    const { server, loggedIn } = await logInUpTo("250-mail.test\r\n250 AUTH PLAIN CRAM-MD5\r\n", {
      smtp_user: "tim",
      smtp_password: new Secret("tanstaaftanstaaf"),
    });
    await server.hear("AUTH CRAM-MD5\r\n");
    server.say("334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n");
    await server.hear("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n");
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    await loggedIn;
  });

  test("gives a credential that is too long for a command when it is asked for", async () => {
    const password = "x".repeat(400);
    const { server, loggedIn } = await logInUpTo("250-a\r\n250 AUTH PLAIN\r\n", {
      smtp_password: new Secret(password),
    });
    await server.hear("AUTH PLAIN\r\n");
    server.say("334 \r\n");
    await server.hear(`${plainMessage(USER, password).toString("base64")}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    await loggedIn;
  });

  test.each([
    ["with the command", 372],
    ["by itself", 373],
  ])("sends a message %s, if the command has no more than 512 bytes then", async (where, length) => {
    const password = "x".repeat(length - USER.length - 2);
    const { server } = await logInUpTo("250-a\r\n250 AUTH PLAIN\r\n", {
      smtp_password: new Secret(password),
    });
    const message = plainMessage(USER, password).toString("base64");
    const whole = `AUTH PLAIN ${message}\r\n`;
    expect(whole.length <= LIMITS.authCommandBytes).toBe(where === "with the command");
    await server.hear(where === "with the command" ? whole : "AUTH PLAIN\r\n");
  });

  test("sends no more than a server must take in a line", async () => {
    const given = await logInUpTo("250-a\r\n250 AUTH PLAIN\r\n", {
      smtp_password: new Secret("\u5bc6".repeat(4096)),
    });
    await given.server.hear("AUTH PLAIN\r\n");
    given.server.say("334 \r\n");
    expect(await failureOf(given)).toEqual({
      code: "upstream_login_failed",
      message: "the stored credential is too long for SMTP",
    });
    expect(await given.server.rest()).toBe("");
  });
});

describe("XOAUTH2", () => {
  const oauth: Partial<SmtpConfig> = { smtp_auth: "xoauth2", oauth_service: "google" };
  const extensions = "250-mail.test\r\n250 AUTH PLAIN XOAUTH2\r\n";
  const message = xoauth2Message(USER, "ya29.token").toString("base64");

  test("sends the access token of the service", async () => {
    const { server, loggedIn } = await logInUpTo(extensions, oauth, "ya29.token");
    await server.hear(`AUTH XOAUTH2 ${message}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    await loggedIn;
  });

  test("answers the description of an error with an empty line, and is refused then", async () => {
    const given = await logInUpTo(extensions, oauth, "ya29.token");
    await given.server.hear(`AUTH XOAUTH2 ${message}\r\n`);
    given.server.say("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n");
    await given.server.hear("\r\n");
    given.server.say("535 5.7.8 ya29.token is no good\r\n");
    expect(await failureOf(given)).toEqual({
      code: "upstream_login_failed",
      message: "the server refused the stored credential",
    });
  });

  test("sends no token with characters that would end its field, and does not even connect", async () => {
    const given = await logIn(oauth, "token\x01auth=Basic x");
    given.server.say("220 mail.test\r\n");
    expect((await failureOf(given)).message).toBe("the access token holds characters that cannot be sent");
    given.server.wire.destroy();
    expect(await given.server.rest()).toBe("");
  });
});

describe("a server that refuses", () => {
  test.each([
    [
      "535 5.7.8 no: s3cret password\r\n",
      "upstream_login_failed",
      "the server refused the stored credential",
    ],
    ["550 5.7.1 locked\r\n", "upstream_login_failed", "the server refused the stored credential"],
    ["525 5.7.13 disabled\r\n", "upstream_login_failed", "the server refused the stored credential"],
    ["554 no\r\n", "upstream_login_failed", "the server refused the stored credential"],
    ["454 4.7.0 later\r\n", "upstream_failed", "the server lets nobody log in at the moment"],
    ["432 4.7.12 transition\r\n", "upstream_failed", "the server lets nobody log in at the moment"],
    ["421 4.3.2 bye\r\n", "upstream_failed", "the server is not available at the moment"],
    ["530 5.7.0 TLS\r\n", "upstream_failed", "the server wants TLS before the log-in"],
    ["538 5.7.11 TLS\r\n", "upstream_failed", "the server wants TLS before the log-in"],
    ["534 5.7.9 weak\r\n", "upstream_failed", "the server wants another way to log in"],
    ["501 5.5.2 what?\r\n", "upstream_failed", "the server rejected the log-in command"],
    ["250 ok\r\n", "upstream_failed", "the server's answer to the log-in is none"],
  ])("after AUTH, by %j, is told of in our words", async (reply, code, message) => {
    const given = await logInUpTo("250-mail.test\r\n250 AUTH PLAIN\r\n");
    await given.server.hear(`AUTH PLAIN ${PLAIN}\r\n`);
    given.server.say(reply);
    expect(await failureOf(given)).toEqual({ code, message });
    expect(await given.server.rest()).toBe("");
  });

  test("the mechanism before it has the credential says nothing of the credential", async () => {
    const given = await logInUpTo("250-mail.test\r\n250 AUTH LOGIN\r\n");
    await given.server.hear("AUTH LOGIN\r\n");
    given.server.say("550 no\r\n");
    expect((await failureOf(given)).message).toBe("the server rejected the log-in command");
  });

  test.each([
    ["554 no service\r\n", "the server takes no mail from here"],
    ["421 later\r\n", "the server is not available at the moment"],
    ["250 what?\r\n", "the server takes no mail from here"],
  ])("in its greeting, by %j, is told of", async (greeting, message) => {
    const given = await logIn();
    given.server.say(greeting);
    expect((await failureOf(given)).message).toBe(message);
    expect(await given.server.rest()).toBe("");
  });

  test("EHLO has no log-in either", async () => {
    const given = await logInUpTo("502 what?\r\n");
    expect((await failureOf(given)).message).toBe("the server does not take EHLO");
    expect(await given.server.rest()).toBe("");
  });

  test.each<[string, Partial<SmtpConfig>, string, string]>([
    ["offers no log-in", {}, "250 mail.test\r\n", "the server offers no log-in on this connection"],
    [
      "offers none of ours",
      {},
      "250-a\r\n250 AUTH GSSAPI\r\n",
      "the server does not offer the way to log in that the service wants",
    ],
    [
      "offers not the one wanted",
      { smtp_auth: "cram-md5" },
      "250-a\r\n250 AUTH PLAIN\r\n",
      "the server does not offer the way to log in that the service wants",
    ],
  ])("because it %s never gets the credential", async (_name, changes, extensions, message) => {
    const given = await logInUpTo(extensions, changes);
    expect((await failureOf(given)).message).toBe(message);
    expect(await given.server.rest()).toBe("");
  });
});

describe("STARTTLS", () => {
  const starttls: Partial<SmtpConfig> = { smtp_tls: "starttls" };

  test("stripping: without the offer nothing is sent in the clear", async () => {
    const given = await logInUpTo("250-mail.test\r\n250 AUTH PLAIN\r\n", starttls);
    expect((await failureOf(given)).message).toBe("the server does not offer STARTTLS");
    expect(await given.server.rest()).toBe("");
  });

  test.each(["454 4.7.0 not now\r\n", "502 what?\r\n", "250 ok\r\n"])(
    "refused by %j ends it",
    async (reply) => {
      const given = await logInUpTo("250-mail.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", starttls);
      await given.server.hear("STARTTLS\r\n");
      given.server.say(reply);
      expect((await failureOf(given)).message).toBe("the server refused STARTTLS");
      expect(await given.server.rest()).toBe("");
    },
  );

  test("injection: what comes in the clear behind the agreement is fatal", async () => {
    const given = await logInUpTo("250-mail.test\r\n250 STARTTLS\r\n", starttls);
    await given.server.hear("STARTTLS\r\n");
    given.server.say("220 go ahead\r\n250-mail.test\r\n250 AUTH PLAIN\r\n");
    expect((await failureOf(given)).message).toBe(
      "the server's part went wrong: bytes came in the clear before the TLS handshake",
    );
    expect(await given.server.rest()).toBe("");
  });
});

describe("a hostile server", () => {
  test.each([
    ["a reply split by a bare LF", "250-mail.test\n250 AUTH PLAIN\r\n", "a line ends with a bare LF"],
    ["a reply split by a bare CR", "250-mail.test\r250 AUTH PLAIN\r\n", "a line holds a bare CR"],
    [
      "a reply ahead of its command",
      "250-a\r\n250 AUTH PLAIN\r\n235 ok\r\n",
      "a reply came before its command",
    ],
    ["a reply without end", "250-a\r\n".repeat(LIMITS.replyLines), "a reply has too many lines"],
    ["a line without end", "x".repeat(LIMITS.replyBytes + 1), "a message is too long"],
    ["no SMTP", "HTTP/1.1 400 Bad Request\r\n", "a line is no SMTP reply"],
  ])("that sends %s gets no credential", async (_name, reply, message) => {
    const given = await logInUpTo(reply);
    expect(await failureOf(given)).toEqual({
      code: "upstream_failed",
      message: `the server's part went wrong: ${message}`,
    });
    expect(await given.server.rest()).toBe("");
  });

  test.each([
    ["asks for the credential again and again", "334 \r\n"],
    ["asks in several lines", "334-a\r\n334 b\r\n"],
  ])("that %s is left", async (_name, challenge) => {
    const given = await logInUpTo("250-mail.test\r\n250 AUTH PLAIN\r\n");
    await given.server.hear(`AUTH PLAIN ${PLAIN}\r\n`);
    given.server.say(challenge);
    expect((await failureOf(given)).message).toContain("a challenge is not of the mechanism");
    expect(await given.server.rest()).toBe("");
  });

  test("that asks for XOAUTH2's second answer twice is left", async () => {
    const oauth: Partial<SmtpConfig> = { smtp_auth: "xoauth2", oauth_service: "google" };
    const given = await logInUpTo("250-a\r\n250 AUTH XOAUTH2\r\n", oauth);
    await given.server.hear(`AUTH XOAUTH2 ${xoauth2Message(USER, "token").toString("base64")}\r\n`);
    given.server.say("334 e30=\r\n");
    await given.server.hear("\r\n");
    given.server.say("334 e30=\r\n");
    expect((await failureOf(given)).message).toContain("a challenge is not of the mechanism");
  });

  test("that hangs up is told of", async () => {
    const given = await logInUpTo("250-mail.test\r\n");
    given.server.hangUp();
    expect((await failureOf(given)).message).toContain("the connection ended in the middle");
  });
});
