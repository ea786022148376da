import { expect } from "vitest";
import type { SmtpConfig } from "../../../auth-strategies/session-types/smtp.js";
import { VaultProxyError } from "../../../errors/vault-proxy-error.js";
import { Secret } from "../../../redaction/secret.js";
import { farEnd, toolsFor, type FarEnd, type FarServerOptions } from "../../testing/far-end.js";
import { connectAndLogIn, type LoggedInServer } from "../server-login.js";

export const USER = "user@mail.test";
export const PASSWORD = "s3cret password";
export const EHLO = "EHLO [127.0.0.1]\r\n";

/** A log-in to a server whose part the test plays. */
export interface LogInAttempt {
  readonly server: FarEnd;
  readonly loggedIn: Promise<LoggedInServer>;
}

/** Without TLS, where `changes` do not say otherwise. The caller destroys the server. */
export async function attemptLogIn(
  changes: Partial<SmtpConfig> = {},
  options: FarServerOptions = {},
): Promise<LogInAttempt> {
  const server = await farEnd("server");
  const password = changes.oauth_service === undefined ? { smtp_password: new Secret(PASSWORD) } : {};
  const config: SmtpConfig = {
    type: "smtp",
    smtp_host: "127.0.0.1",
    smtp_user: USER,
    smtp_tls: "none",
    smtp_auth: "auto",
    ...password,
    ...changes,
  };
  const loggedIn = connectAndLogIn(config, toolsFor(server.wire, options));
  loggedIn.catch(() => undefined);
  return { server, loggedIn };
}

/** Goes on to the answer to the first EHLO. */
export async function greet({ server }: LogInAttempt, extensions: string): Promise<void> {
  server.say("220 mail.test ESMTP\r\n");
  await server.hear(EHLO);
  server.say(extensions);
}

/** What it failed with, which never holds the password. */
export async function failureOf({ loggedIn }: LogInAttempt): Promise<{ code: string; message: string }> {
  const error: unknown = await loggedIn.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof VaultProxyError)) throw new Error(`not a VaultProxyError: ${String(error)}`);
  expect(error.message).not.toContain(PASSWORD);
  return { code: error.code, message: error.message };
}
