import { afterEach, describe, expect, test, vi } from "vitest";
import type { SmtpConfig } from "../../auth-strategies/session-types/smtp.js";
import { VaultProxyError, type VaultProxyErrorOptions } from "../../errors/vault-proxy-error.js";
import type { ErrorCode } from "../../errors/error-codes.js";
import { Secret } from "../../redaction/secret.js";
import { plainMessage } from "../sasl/messages.js";
import type { ConnectedEnds, ConnectionTools } from "../session-driver.js";
import { LIMITS } from "./limits.js";
import { smtpDriver } from "./driver.js";
import { farEnd, toolsFor, type FarEnd } from "../testing/far-end.js";

const LOGIN = { username: "agent@x", password: new Secret("p/w:?") };
const config: SmtpConfig = {
  type: "smtp",
  smtp_host: "127.0.0.1",
  smtp_user: "user",
  smtp_password: new Secret("stored"),
  smtp_tls: "none",
  smtp_auth: "auto",
};

const opened: FarEnd[] = [];
afterEach(() => {
  for (const far of opened.splice(0)) far.destroy();
});

interface Connecting {
  readonly client: FarEnd;
  readonly server: FarEnd;
  readonly ends: Promise<ConnectedEnds | undefined>;
}

async function connecting(changes: Partial<ConnectionTools> = {}, login?: typeof LOGIN): Promise<Connecting> {
  const [client, server] = await Promise.all([farEnd("client"), farEnd("server")]);
  opened.push(client, server);
  const ends = smtpDriver.open(config, login).connect(client.wire, { ...toolsFor(server.wire), ...changes });
  ends.catch(() => undefined);
  return { client, server, ends };
}

async function logIn(server: FarEnd): Promise<void> {
  server.say("220 mail.test\r\n");
  await server.hear("EHLO [127.0.0.1]\r\n");
  server.say("250-mail.test\r\n250 AUTH PLAIN\r\n");
  await server.hear(`AUTH PLAIN ${plainMessage("user", "stored").toString("base64")}\r\n`);
  server.say("235 ok\r\n");
  await server.hear("EHLO [127.0.0.1]\r\n");
  server.say("250-mail.test\r\n250 SIZE\r\n");
}

describe("a connection", () => {
  test("hands over at the mail's first command, with all that came behind it", async () => {
    const { client, server, ends } = await connecting();
    client.say("EHLO a\r\nAUTH PLAIN AGEAYg==\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\n");
    await logIn(server);
    await client.hear(
      "220 mail.test ESMTP\r\n250-mail.test\r\n250-SIZE\r\n250 AUTH PLAIN LOGIN\r\n235 2.7.0 Logged in\r\n",
    );
    await server.hear("MAIL FROM:<a>\r\n");
    const connected = await ends;
    expect(connected?.client.detach().rest.toString()).toBe("RCPT TO:<b>\r\n");
    expect(connected?.server).toBe(server.wire);
  });

  test("that a client quits ends the server's in order", async () => {
    const { client, server, ends } = await connecting();
    await logIn(server);
    client.say("QUIT\r\n");
    expect(await ends).toBeUndefined();
    expect(await client.rest()).toBe("220 mail.test ESMTP\r\n221 2.0.0 Bye\r\n");
    expect(await server.rest()).toBe("QUIT\r\n");
  });

  test("of a client that breaks the protocol is closed at both ends, and the client told why", async () => {
    const { client, server, ends } = await connecting();
    await logIn(server);
    client.say("NOOP\n");
    await expect(ends).rejects.toMatchObject({ peer: "client", message: "a line ends with a bare LF" });
    expect(await client.rest()).toBe("220 mail.test ESMTP\r\n500 5.5.2 a line ends with a bare LF\r\n");
    expect(await server.rest()).toBe("");
  });

  test("that the server closes before the mail ends with 421, while the client dawdles", async () => {
    const { client, server, ends } = await connecting();
    await logIn(server);
    await client.hear("220 mail.test ESMTP\r\n");
    server.say("421 4.4.2 stored: too slow\r\n");
    server.hangUp();
    const message = "the server closed the connection before the mail";
    await expect(ends).rejects.toMatchObject({ code: "upstream_failed", message });
    expect(await client.rest()).toBe(`421 4.3.0 ${message}\r\n`);
    expect(await server.rest()).toBe("");
  });

  test("tells the client what the server said before the mail, as the answer to it", async () => {
    const { client, server, ends } = await connecting();
    await logIn(server);
    await client.hear("220 mail.test ESMTP\r\n");
    server.say("421 4.4.2 soon\r\n");
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.say("MAIL FROM:<a>\r\n");
    expect((await ends)?.server.detach().rest.toString()).toBe("421 4.4.2 soon\r\n");
  });

  test("is closed when the server talks without end before the mail", async () => {
    const { client, server, ends } = await connecting();
    await logIn(server);
    server.say("250 x\r\n".repeat(LIMITS.replyBytes / 7 + 1));
    await expect(ends).rejects.toMatchObject({ code: "upstream_failed" });
    expect(await client.rest()).toMatch(/^220 mail\.test ESMTP\r\n421 4\.3\.0 [^\r\n]*\r\n$/);
  });

  test("may take its time for the client's part from when nothing is missing for a mail", async () => {
    const onLoggedIn = vi.fn();
    const { client, server } = await connecting({ onLoggedIn }, LOGIN);
    await logIn(server);
    await client.hear("220 mail.test ESMTP\r\n");
    expect(onLoggedIn).not.toHaveBeenCalled();
    client.say(`AUTH PLAIN ${plainMessage("agent@x", "p/w:?").toString("base64")}\r\n`);
    await client.hear("235 2.7.0 Logged in\r\n");
    expect(onLoggedIn).toHaveBeenCalledTimes(1);
  });
});

describe("a failure before the greeting", () => {
  const failing = (
    code: ErrorCode,
    message: string,
    options?: VaultProxyErrorOptions,
  ): Partial<ConnectionTools> => ({
    connectServer: () => Promise.reject(new VaultProxyError(code, message, options)),
  });

  test.each([
    [
      "upstream_failed",
      "the upstream refused the connection",
      "421 4.3.0 the upstream refused the connection\r\n",
    ],
    [
      "upstream_login_failed",
      "the server refused the stored credential",
      "535 5.7.8 the server refused the stored credential\r\n",
    ],
    ["oauth2_reauthorization_required", "authorize again", "535 5.7.8 authorize again\r\n"],
    ["oauth2_refresh_failed", "no token", "421 4.3.0 no token\r\n"],
  ] as const)("of code %s is told to the client instead", async (code, message, reply) => {
    const { client, ends } = await connecting(failing(code, message));
    await expect(ends).rejects.toMatchObject({ code, message });
    expect(await client.rest()).toBe(reply);
  });

  test("is one reply, whatever the message is: response splitting", async () => {
    const { client, ends } = await connecting(failing("upstream_failed", "a\r\n220 b"));
    await expect(ends).rejects.toThrow();
    expect(await client.rest()).toBe("421 4.3.0 a??220 b\r\n");
  });

  test("has no word of the server in it", async () => {
    const { client, server, ends } = await connecting();
    server.say("220 mail.test\r\n");
    await server.hear("EHLO [127.0.0.1]\r\n");
    server.say("250-mail.test\r\n250 AUTH PLAIN\r\n");
    await server.hear(`AUTH PLAIN ${plainMessage("user", "stored").toString("base64")}\r\n`);
    server.say("535 5.7.8 the password stored is wrong\r\n");
    await expect(ends).rejects.toMatchObject({ code: "upstream_login_failed" });
    expect(await client.rest()).toBe("535 5.7.8 the server refused the stored credential\r\n");
  });
});

describe("the URL", () => {
  test("is the place alone where any login will do", () => {
    expect(smtpDriver.urlOf({ host: "127.0.0.1", port: 2525 }, config)).toBe("smtp://127.0.0.1:2525");
  });

  test("holds the login, in which no character is lost", () => {
    const url = new URL(smtpDriver.urlOf({ host: "::1", port: 2525 }, config, LOGIN));
    expect(url.host).toBe("[::1]:2525");
    expect(decodeURIComponent(url.username)).toBe("agent@x");
    expect(decodeURIComponent(url.password)).toBe("p/w:?");
  });
});
