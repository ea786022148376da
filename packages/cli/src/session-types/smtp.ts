import type { SmtpAuth } from "@vault-proxy/client";

import type { SessionType } from "./session-type.js";

export const smtp: SessionType = {
  summary: "a mail server to send by, by sessions",
  tls: {
    starttls: "after a command, port 587",
    implicit: "from the first byte, port 465",
    none: "in the clear, port 25",
  },
  // RFC 8314 §7.3.
  tlsOfPort: { 465: "implicit" },
  auth: ["auto", "plain", "login", "cram-md5", "xoauth2"],
  tokenAuth: ["xoauth2"],
  needsUser: true,
  database: undefined,
  define: (flags, password) => ({
    type: "smtp",
    smtp_host: flags.host ?? "",
    smtp_port: flags.port,
    smtp_user: flags.user ?? "",
    smtp_password: password,
    smtp_tls: flags.tls as SmtpAuth["smtp_tls"],
    smtp_auth: flags.auth as SmtpAuth["smtp_auth"],
    oauth_service: flags.oauthService,
  }),
};
