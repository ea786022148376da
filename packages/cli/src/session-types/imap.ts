import type { ImapAuth } from "@vault-proxy/client";

import type { SessionType } from "./session-type.js";

export const imap: SessionType = {
  summary: "a mailbox, by sessions",
  tls: {
    implicit: "from the first byte, port 993",
    starttls: "after a command, port 143",
    none: "in the clear, port 143",
  },
  tlsOfPort: { 143: "starttls" },
  auth: ["login", "plain", "xoauth2", "oauthbearer"],
  tokenAuth: ["xoauth2", "oauthbearer"],
  needsUser: true,
  database: undefined,
  define: (flags, password) => ({
    type: "imap",
    imap_host: flags.host ?? "",
    imap_port: flags.port,
    imap_user: flags.user ?? "",
    imap_password: password,
    imap_tls: flags.tls as ImapAuth["imap_tls"],
    imap_auth: flags.auth as ImapAuth["imap_auth"],
    oauth_service: flags.oauthService,
  }),
};
