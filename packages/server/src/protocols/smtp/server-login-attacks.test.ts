import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import {
  createTestAuthority,
  type TestAuthority,
  type TestCertificate,
} from "../../network/testing/test-certificates.js";
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

let authority: TestAuthority;
let certificate: TestCertificate;
beforeAll(() => {
  authority = createTestAuthority();
  certificate = authority.issue("IP:127.0.0.1");
});
afterAll(() => authority.close());

const trust = (): FarServerOptions => ({ ca: authority.ca });

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

describe("TLS", () => {
  test("after STARTTLS makes all forgotten that was said in the clear", async () => {
    const offer = "250-mail.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
    const { server, loggedIn } = await logInUpTo(offer, { smtp_tls: "starttls" }, trust());
    await server.hear("STARTTLS\r\n");
    server.say("220 go ahead\r\n");
    server.serveTls(certificate);
    await server.hear(EHLO);
    server.say("250-mail.test\r\n250 AUTH LOGIN\r\n");
    await server.hear("AUTH LOGIN\r\n");
    server.say("334 \r\n");
    await server.hear(`${Buffer.from(USER).toString("base64")}\r\n`);
    server.say("334 \r\n");
    await server.hear(`${Buffer.from(PASSWORD).toString("base64")}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250-mail.test\r\n250 SIZE\r\n");
    expect((await loggedIn).announcement.extensions).toMatchObject([{ keyword: "SIZE" }]);
  });

  test("comes before the greeting where it is implicit", async () => {
    const { server, loggedIn } = await logIn({ smtp_tls: "implicit" }, trust());
    server.serveTls(certificate);
    server.say("220 mail.test\r\n");
    await server.hear(EHLO);
    server.say("250-mail.test\r\n250-STARTTLS\r\n250 AUTH CRAM-MD5 PLAIN\r\n");
    await server.hear(`AUTH PLAIN ${PLAIN}\r\n`);
    server.say("235 ok\r\n");
    await server.hear(EHLO);
    server.say("250 mail.test\r\n");
    await loggedIn;
  });

  test("is not done without: a server that greets in the clear gets no command", async () => {
    const given = await logIn({ smtp_tls: "implicit" }, trust());
    given.server.say("220 mail.test\r\n");
    expect((await failureOf(given)).code).toBe("upstream_failed");
    expect(await given.server.rest()).not.toContain("EHLO");
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
    ["asks for the credential again and again", "PLAIN", `AUTH PLAIN ${PLAIN}\r\n`, "334 \r\n"],
    ["asks in several lines", "LOGIN", "AUTH LOGIN\r\n", "334-a\r\n334 b\r\n"],
  ])("that %s is left", async (_name, mechanism, command, challenge) => {
    const given = await logInUpTo(`250-mail.test\r\n250 AUTH ${mechanism}\r\n`);
    await given.server.hear(command);
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
test("whatever a server says and in whatever pieces, the log-in ends with our words or with the log-in", async () => {
  const script = [
    "220 mail.test\r\n",
    "250-a\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n",
    "334 PDE4OTYu\r\n",
    "235 ok\r\n",
  ];
  const step = fc.oneof(
    fc.constantFrom(...script, "250 a\r\n", "421 no\r\n", "535 no\r\n", "334 \r\n", "250-a\r\n", "\n", "\r"),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 8 }), async (isOrderly, steps) => {
      const { server, loggedIn } = await logIn();
      for (const text of isOrderly ? [...script.slice(0, 2), ...steps] : steps) {
        server.say(text);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      server.hangUp();
      const failure: unknown = await loggedIn.then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) expect(failure).toBeInstanceOf(VaultProxyError);
      server.destroy();
    }),
    { numRuns: 30 },
  );
});
