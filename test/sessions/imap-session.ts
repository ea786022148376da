import {
  imapPort,
  imapType,
  type ImapConfig,
} from "../../packages/server/src/auth-strategies/session-types/imap.js";
import { imapDriver } from "../../packages/server/src/protocols/imap/driver.js";
import type { LocalLogin } from "../../packages/server/src/protocols/session-driver.js";
import {
  openLoopbackSession,
  type LoopbackSession,
} from "../../packages/server/src/protocols/testing/loopback-session.js";
import { MAIL_PASSWORDS, OAUTH_USER, type MailUser } from "../real-servers/mail-users.js";
import { STARTTLS_HOST, type RunningDovecot } from "../real-servers/dovecot.js";

export type ImapFields = Readonly<Record<string, unknown>>;

/** Where a listener of Dovecot is, as fields of a service. */
export function listenerOf(server: RunningDovecot, tls: ImapConfig["imap_tls"]): ImapFields {
  const [host, port] = {
    implicit: ["127.0.0.1", server.tlsPort] as const,
    starttls: [STARTTLS_HOST, server.starttlsPort] as const,
    none: ["127.0.0.1", server.plaintextPort] as const,
  }[tls];
  return { imap_host: host, imap_port: port, imap_tls: tls };
}

export function userFields(user: MailUser): ImapFields {
  return { imap_user: user, imap_password: MAIL_PASSWORDS[user] };
}

export function tokenFields(mechanism: "xoauth2" | "oauthbearer"): ImapFields {
  return { imap_user: OAUTH_USER, imap_auth: mechanism, oauth_service: "mail-provider" };
}

/** A session for a service with these fields. */
export async function openImapSession(
  fields: ImapFields,
  options: {
    readonly ca?: string;
    readonly login?: LocalLogin;
    readonly accessToken?: (oauthService: string) => Promise<string>;
  } = {},
): Promise<LoopbackSession> {
  const config = imapType.schema.parse({ type: "imap", ...fields }) as ImapConfig;
  return openLoopbackSession({
    driver: imapDriver,
    config,
    server: { host: config.imap_host, port: imapPort(config) },
    ...options,
  });
}
