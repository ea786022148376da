import { z } from "@hono/zod-openapi";

export const tokenStatusSchema = z.enum(["valid", "expiring", "expired"]).openapi({
  description: "Of the access token: `expiring` within 30 minutes, `expired` also if there is none yet.",
});

/** What anyone with a token may see of a service: no secret. Fields that do not apply are absent. */
export const serviceInfoSchema = z
  .strictObject({
    name: z.string(),
    base_url: z
      .string()
      .optional()
      .openapi({ description: "Shows the `{token}` placeholder, never the token." }),
    auth_type: z.string(),
    description: z.string().optional(),
    tls_skip_verify: z.boolean(),
    session_cookies: z.boolean(),
    allow_private: z.boolean(),
    expires_at: z.number().optional().openapi({ description: "Of the access token, in unix seconds." }),
    token_status: tokenStatusSchema.optional(),
    scopes: z.array(z.string()).optional(),
    key_file: z.string().optional().openapi({ description: "Name of the uploaded private key." }),
    client_key_file: z.string().optional().openapi({
      description: "Name of the uploaded private key by which the OAuth2 client shows who it is.",
    }),
    file_ref: z
      .string()
      .optional()
      .openapi({ description: "Name of the uploaded key file of a service account." }),
    header_name: z.string().optional(),
    header_names: z.array(z.string()).optional(),
    username: z.string().optional(),
    query_params: z.array(z.string()).optional(),
    forward_cookies: z.boolean().optional(),
    scrub: z.literal("off").optional(),
    headers: z.record(z.string(), z.string()).optional(),
    connect_timeout: z.string().optional(),
    response_timeout: z.string().optional(),
    idle_timeout: z.string().optional(),
    max_request_bytes: z.number().optional(),
    imap_host: z.string().optional(),
    imap_port: z.number().optional(),
    imap_user: z.string().optional(),
    imap_tls: z.string().optional(),
    imap_auth: z.string().optional(),
    smtp_host: z.string().optional(),
    smtp_port: z.number().optional(),
    smtp_user: z.string().optional(),
    smtp_tls: z.string().optional(),
    smtp_auth: z.string().optional(),
    oauth_service: z.string().optional(),
    redis_host: z.string().optional(),
    redis_port: z.number().optional(),
    redis_username: z.string().optional(),
    redis_db: z.number().optional(),
    redis_tls: z.boolean().optional(),
    postgres_host: z.string().optional(),
    postgres_port: z.number().optional(),
    postgres_user: z.string().optional(),
    postgres_db: z.string().optional(),
    postgres_tls: z.string().optional(),
    ssh_host: z.string().optional(),
    ssh_port: z.number().optional(),
    ssh_user: z.string().optional(),
    ssh_key_file_ref: z.string().optional(),
    ssh_connected: z.boolean().optional().openapi({ description: "Whether a host key is kept." }),
    ssh_host_key: z.string().optional(),
    ssh_host_key_fingerprint: z.string().optional(),
    ssh_allowed_commands: z.array(z.string()).optional(),
    ssh_allowed_paths: z.array(z.string()).optional(),
    ssh_legacy_algorithms: z.array(z.string()).optional(),
    max_connections: z.number().optional(),
    require_password: z.boolean().optional(),
    any_local_user: z.boolean().optional(),
    warnings: z.array(z.string()).optional().openapi({
      description: "What the admin who stored the service should know; in the answer to that only.",
    }),
  })
  .openapi("ServiceInfo");

export type ServiceInfo = z.infer<typeof serviceInfoSchema>;
