import type { GoType } from "./go-json.js";

/* The structs of a Go client, as the contract names their fields. */

export const TOKEN: GoType = {
  fields: { id: "string", scope: "string", created_at: "time", expires_at: "time" },
};
export const TOKEN_INFO: GoType = {
  fields: { id_prefix: "string", scope: "string", created_at: "time", expires_at: "time" },
};
export const SERVICE: GoType = {
  fields: {
    ...{
      name: "string",
      base_url: "string",
      auth_type: "string",
      tls_skip_verify: "bool",
      session_cookies: "bool",
    },
    ...{ expires_at: "int", token_status: "string", scopes: { listOf: "string" }, header_name: "string" },
    ...{
      username: "string",
      ssh_host: "string",
      ssh_port: "int",
      ssh_user: "string",
      ssh_key_file_ref: "string",
    },
    ...{
      ssh_connected: "bool",
      imap_host: "string",
      imap_port: "int",
      imap_user: "string",
      imap_tls: "string",
    },
    ...{ smtp_host: "string", smtp_port: "int", smtp_user: "string", smtp_tls: "string" },
    ...{
      redis_host: "string",
      redis_port: "int",
      redis_username: "string",
      redis_db: "int",
      redis_tls: "bool",
    },
    ...{ postgres_host: "string", postgres_port: "int", postgres_user: "string", postgres_db: "string" },
    postgres_tls: "string",
  },
};
export const STATUS: GoType = { fields: { status: "string" } };
export const HEALTH: GoType = { fields: { status: "string", initialized: "bool", version: "string" } };
export const FILE: GoType = { fields: { name: "string", mime_type: "string", size: "int" } };
export const SESSION: GoType = { fields: { addr: "string", expires_at: "time" } };
export const EXEC: GoType = {
  fields: { stdout: "string", stderr: "string", exit_code: "int", duration_ms: "int" },
};
export const UPLOAD: GoType = { fields: { ok: "bool", bytes: "int", remote_path: "string" } };
export const ERROR: GoType = { fields: { error: "string" } };
export const TOKEN_STATE: GoType = {
  fields: { name: "string", auth_type: "string", expires_at: "int", token_status: "string" },
};
export const AUTHORIZATION: GoType = {
  fields: { auth_url: "string", state: "string", redirect_uri: "string", message: "string" },
};
export const ECHO: GoType = { fields: { echoed: "string" } };
