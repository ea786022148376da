import type { SmtpConfig } from "../../packages/server/src/auth-strategies/session-types/smtp.js";
import { smtpDriver } from "../../packages/server/src/protocols/smtp/driver.js";
import {
  openLoopbackSession,
  type LoopbackSession,
  type LoopbackSessionOptions,
} from "../../packages/server/src/protocols/testing/loopback-session.js";
import { Secret } from "../../packages/server/src/redaction/secret.js";
import { MAIL_PASSWORDS, type MailUser } from "../real-servers/mail-users.js";
import type { RunningPostfix } from "../real-servers/postfix.js";

/** What a session's clients must log in with, where they must. */
export const LOCAL_LOGIN = { username: "agent", password: new Secret("local-p4ssword") };

/** Where the server listens for each way of TLS. */
export function portFor(server: RunningPostfix, tls: SmtpConfig["smtp_tls"]): number {
  return { implicit: server.tlsPort, starttls: server.starttlsPort, none: server.plaintextPort }[tls];
}

/** With STARTTLS and as plain@mail.test, where nothing else is said. */
export function openSmtpSession(
  server: RunningPostfix,
  fields: Partial<SmtpConfig> = {},
  options: Partial<LoopbackSessionOptions<SmtpConfig>> = {},
): Promise<LoopbackSession> {
  const user: MailUser = "plain@mail.test";
  const tls = fields.smtp_tls ?? "starttls";
  const config: SmtpConfig = {
    type: "smtp",
    smtp_host: "127.0.0.1",
    smtp_port: portFor(server, tls),
    smtp_user: user,
    smtp_tls: tls,
    smtp_auth: "auto",
    ...(fields.oauth_service === undefined ? { smtp_password: new Secret(MAIL_PASSWORDS[user]) } : {}),
    ...fields,
  };
  return openLoopbackSession({
    driver: smtpDriver,
    config,
    server: { host: config.smtp_host, port: config.smtp_port ?? 0 },
    ca: server.ca,
    ...options,
  });
}
