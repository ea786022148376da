import { z } from "@hono/zod-openapi";
import type { AuthStrategy } from "../auth-strategy.js";
import {
  checkPasswordOrToken,
  hostSchema,
  oauthServiceSchema,
  passwordSchema,
  portSchema,
  refuseHttp,
  userSchema,
} from "./session-type.js";

const schema = z.strictObject({
  type: z.literal("imap"),
  imap_host: hostSchema,
  imap_port: portSchema.optional().openapi({ description: "Default 993 with implicit TLS, 143 otherwise." }),
  imap_user: userSchema,
  imap_password: passwordSchema.optional(),
  imap_tls: z.enum(["implicit", "starttls", "none"]).default("implicit"),
  imap_auth: z.enum(["login", "plain", "xoauth2", "oauthbearer"]).default("login"),
  oauth_service: oauthServiceSchema.optional(),
});

export type ImapConfig = z.output<typeof schema>;

export function imapPort(config: ImapConfig): number {
  return config.imap_port ?? (config.imap_tls === "implicit" ? 993 : 143);
}

/** A mailbox, reached by sessions (RFC 9051). */
export const imapType: AuthStrategy<ImapConfig> = {
  type: "imap",
  schema,
  secretFields: ["imap_password"],
  session: {
    protocol: "imap",
    server: (config) => ({ host: config.imap_host, port: imapPort(config) }),
  },
  check({ imap_auth, imap_password, oauth_service }) {
    checkPasswordOrToken("imap", {
      password: imap_password,
      oauthService: oauth_service,
      takesToken: imap_auth === "xoauth2" || imap_auth === "oauthbearer",
    });
  },
  warnings: ({ imap_tls }) =>
    imap_tls === "none" ? ["imap_tls none sends the credential in the clear"] : [],
  describe: (config) => ({
    imap_host: config.imap_host,
    imap_port: imapPort(config),
    imap_user: config.imap_user,
    imap_tls: config.imap_tls,
    imap_auth: config.imap_auth,
    ...(config.oauth_service === undefined ? {} : { oauth_service: config.oauth_service }),
  }),
  secrets: ({ imap_password }) => (imap_password === undefined ? [] : [imap_password]),
  generated: () => [],
  createInjector: refuseHttp("imap"),
};
