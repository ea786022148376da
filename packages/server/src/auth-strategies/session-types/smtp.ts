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

/** Submission (RFC 6409 §3.1), submissions (RFC 8314 §7.3), and plain SMTP. */
const DEFAULT_PORTS = { starttls: 587, implicit: 465, none: 25 } as const;

const schema = z.strictObject({
  type: z.literal("smtp"),
  smtp_host: hostSchema,
  smtp_port: portSchema
    .optional()
    .openapi({ description: "Default 587 with STARTTLS, 465 with implicit TLS, 25 without." }),
  smtp_user: userSchema,
  smtp_password: passwordSchema.optional(),
  smtp_tls: z.enum(["starttls", "implicit", "none"]).default("starttls"),
  smtp_auth: z.enum(["auto", "plain", "login", "cram-md5", "xoauth2"]).default("auto"),
  oauth_service: oauthServiceSchema.optional(),
});

export type SmtpConfig = z.output<typeof schema>;

export function smtpPort(config: SmtpConfig): number {
  return config.smtp_port ?? DEFAULT_PORTS[config.smtp_tls];
}

/** A server that mail is handed to, reached by sessions (RFC 5321, RFC 6409). */
export const smtpType: AuthStrategy<SmtpConfig> = {
  type: "smtp",
  schema,
  secretFields: ["smtp_password"],
  session: {
    protocol: "smtp",
    server: (config) => ({ host: config.smtp_host, port: smtpPort(config) }),
  },
  check({ smtp_auth, smtp_password, oauth_service }) {
    checkPasswordOrToken("smtp", {
      password: smtp_password,
      oauthService: oauth_service,
      takesToken: smtp_auth === "xoauth2",
    });
  },
  warnings: ({ smtp_tls }) =>
    smtp_tls === "none" ? ["smtp_tls none sends the credential in the clear"] : [],
  describe: (config) => ({
    smtp_host: config.smtp_host,
    smtp_port: smtpPort(config),
    smtp_user: config.smtp_user,
    smtp_tls: config.smtp_tls,
    smtp_auth: config.smtp_auth,
    ...(config.oauth_service === undefined ? {} : { oauth_service: config.oauth_service }),
  }),
  secrets: ({ smtp_password }) => (smtp_password === undefined ? [] : [smtp_password]),
  generated: () => [],
  createInjector: refuseHttp("smtp"),
};
