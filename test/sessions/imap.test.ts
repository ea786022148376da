import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { curl } from "../real-servers/curl.js";
import { startDovecot, type RunningDovecot } from "../real-servers/dovecot.js";
import { MAIL_PASSWORDS, OAUTH_USER } from "../real-servers/mail-users.js";
import { listenerOf, openImapSession, tokenFields, userFields } from "./imap-session.js";

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

describe.each(["implicit", "starttls", "none"] as const)("with TLS %s", (tls) => {
  test.each(["login", "plain"])("imap_auth %s logs in, and curl lists the folders", async (imap_auth) => {
    const session = await open({ ...listenerOf(server, tls), ...userFields("plain@mail.test"), imap_auth });
    const result = await curl(session.url);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.stdout).toContain("INBOX");
    expect(session.failures).toEqual([]);
  });

  test.each(["xoauth2", "oauthbearer"] as const)(
    "imap_auth %s logs in with an access token",
    async (mechanism) => {
      server.tokens.set("active-token", OAUTH_USER);
      const session = await open(
        { ...listenerOf(server, tls), ...tokenFields(mechanism) },
        { accessToken: (name) => Promise.resolve(name === "mail-provider" ? "active-token" : "") },
      );
      const result = await curl(session.url);
      expect(result.exitCode, result.stderr).toBe(0);
      expect(result.stdout).toContain("INBOX");
    },
  );
});
