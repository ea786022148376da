import { afterEach, describe, expect, test } from "vitest";
import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { Secret } from "../../redaction/secret.js";
import { plainMessage, xoauth2Message } from "../sasl/messages.js";
import type { FarEnd, FarServerOptions } from "../testing/far-end.js";
import { LIMITS } from "./limits.js";
import {
  attemptLogIn,
  EHLO,
  failureOf,
  greet,
  PASSWORD,
  USER,
  type LogInAttempt,
} from "./testing/log-in-attempt.js";

const PLAIN = plainMessage(USER, PASSWORD).toString("base64");

const opened: FarEnd[] = [];
afterEach(() => {
  for (const far of opened.splice(0)) far.destroy();
});

async function logIn(changes?: Partial<SmtpConfig>, options?: FarServerOptions): Promise<LogInAttempt> {
  const attempt = await attemptLogIn(changes, options);
  opened.push(attempt.server);
  return attempt;
}

/** Up to the AUTH command. */
async function logInUpTo(extensions: string, ...given: Parameters<typeof logIn>): Promise<LogInAttempt> {
  const attempt = await logIn(...given);
  await greet(attempt, extensions);
  return attempt;
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
    const { server, loggedIn } = await logInUpTo(extensions, oauth, { accessToken: "ya29.token" });
    await server.hear(`AUTH XOAUTH2 ${message}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    await loggedIn;
  });

  test("answers the description of an error with an empty line, and is refused then", async () => {
    const given = await logInUpTo(extensions, oauth, { accessToken: "ya29.token" });
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
    const given = await logIn(oauth, { accessToken: "token\x01auth=Basic x" });
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
