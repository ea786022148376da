import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { curl } from "../real-servers/curl.js";
import { startDovecot, STARTTLS_HOST, type RunningDovecot } from "../real-servers/dovecot.js";
import { freePorts } from "../real-servers/loopback-ports.js";
import { MAIL_PASSWORDS, OAUTH_USER } from "../real-servers/mail-users.js";
import { listenerOf, openImapSession, tokenFields } from "./imap-session.js";

const USER = { imap_user: "plain@mail.test", imap_password: MAIL_PASSWORDS["plain@mail.test"] };
/** What curl ends with when the server says BYE instead of a greeting. */
const WEIRD_REPLY = 8;
const LOGIN_REFUSED = 67;

let server: RunningDovecot;
const sessions: LoopbackSession[] = [];

beforeAll(async () => {
  server = await startDovecot();
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});
afterAll(async () => {
  await server.stop();
});

async function open(...[fields, options]: Parameters<typeof openImapSession>): Promise<LoopbackSession> {
  const session = await openImapSession(fields, { ca: server.ca, ...options });
  sessions.push(session);
  return session;
}

async function expectFolders(session: LoopbackSession): Promise<void> {
  const result = await curl(session.url);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stdout).toContain("INBOX");
  expect(session.failures).toEqual([]);
}

describe.each(["implicit", "starttls", "none"] as const)("with TLS %s", (tls) => {
  test.each(["login", "plain"])("imap_auth %s logs in, and curl lists the folders", async (imap_auth) => {
    await expectFolders(await open({ ...listenerOf(server, tls), ...USER, imap_auth }));
  });

  test.each(["xoauth2", "oauthbearer"] as const)(
    "imap_auth %s logs in with an access token",
    async (mechanism) => {
      server.tokens.set("active-token", OAUTH_USER);
      const accessToken = (name: string): Promise<string> =>
        Promise.resolve(name === "mail-provider" ? "active-token" : "");
      await expectFolders(
        await open({ ...listenerOf(server, tls), ...tokenFields(mechanism) }, { accessToken }),
      );
    },
  );
});

describe.each(Object.entries(MAIL_PASSWORDS))("the password of %j", (imap_user, imap_password) => {
  test.each(["login", "plain"])("is sent as it is by imap_auth %s", async (imap_auth) => {
    const fields = { ...listenerOf(server, "none"), imap_user, imap_password, imap_auth };
    await expectFolders(await open(fields));
  });
});

describe("a client is told why it cannot be served:", () => {
  const told = async (...options: Parameters<typeof openImapSession>): Promise<string> => {
    const session = await open(...options);
    const result = await curl(session.url);
    expect(result.exitCode).toBe(WEIRD_REPLY);
    expect(result.stderr).not.toContain("Unexpected");
    return /\* BYE (.*)\r?\n/.exec(result.stderr)?.[1]?.trim() ?? result.stderr;
  };
  const REFUSED = "the server refused the stored credential";

  test.each(["login", "plain"])("a wrong password, by imap_auth %s", async (imap_auth) => {
    const imap_password = "a wrong password";
    expect(await told({ ...listenerOf(server, "implicit"), ...USER, imap_password, imap_auth })).toBe(
      REFUSED,
    );
  });

  test.each(["xoauth2", "oauthbearer"] as const)(
    "an access token that is not active, by %s",
    async (mechanism) => {
      const accessToken = (): Promise<string> => Promise.resolve("expired-token");
      expect(
        await told({ ...listenerOf(server, "implicit"), ...tokenFields(mechanism) }, { accessToken }),
      ).toBe(REFUSED);
    },
  );

  test("a certificate of an unknown authority", async () => {
    const other = { ...listenerOf(server, "implicit"), ...USER };
    const session = await openImapSession(other);
    sessions.push(session);
    expect((await curl(session.url)).stderr).toContain(
      "* BYE the upstream's certificate is not signed by a trusted",
    );
  });

  test("LOGINDISABLED", async () => {
    const fields = { ...listenerOf(server, "starttls"), ...USER, imap_tls: "none" };
    expect(await told(fields)).toBe("the server does not allow LOGIN on this connection");
  });

  test("TLS where there is none", async () => {
    const fields = {
      imap_host: STARTTLS_HOST,
      imap_port: server.starttlsPort,
      imap_tls: "implicit",
      ...USER,
    };
    expect(await told(fields)).toBe("no TLS connection to the upstream could be made");
  });

  test("nobody there", async () => {
    const [imap_port] = await freePorts(1);
    const fields = { imap_host: "127.0.0.1", imap_port, imap_tls: "none", ...USER };
    expect(await told(fields)).toBe("the upstream refused the connection");
  });
});

describe("a session with a password", () => {
  const login = { username: "session user", password: new Secret('p"a s\\s') };

  test("takes whoever has its URL", async () => {
    await expectFolders(await open({ ...listenerOf(server, "implicit"), ...USER }, { login }));
  });

  test("takes nobody else, and asks the server nothing for them", async () => {
    const before = server.log().length;
    const session = await open({ ...listenerOf(server, "implicit"), ...USER }, { login });
    const result = await curl(`imap://127.0.0.1:${session.port}`, "--user", `session user:wrong`);
    expect(result.exitCode).toBe(LOGIN_REFUSED);
    expect(server.log().slice(before)).not.toContain("Login");
  });
});
