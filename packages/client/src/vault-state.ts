import { arrayAnswer, objectAnswer, optionalNumberField, stringField } from "./answer.js";
import type { TokenStatus } from "./services.js";
import { issuedToken, type IssuedToken } from "./tokens.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

export interface Health {
  readonly status: "locked" | "unlocked";
  /** False before the first unlock, which creates the vault with the password it is given. */
  readonly initialized: boolean;
  readonly version: string;
  /** How the server does: for the token of an admin only. */
  readonly details?: HealthDetails;
}

/** Sizes in bytes, times in RFC 3339. */
export interface HealthDetails {
  readonly started_at: string;
  readonly uptime_seconds: number;
  readonly unlocked_at?: string;
  readonly node_version: string;
  readonly memory: {
    readonly rss: number;
    readonly heap_used: number;
    readonly heap_total: number;
    readonly external: number;
  };
  /** Of the last 30 to 60 seconds. */
  readonly event_loop_lag: { readonly mean_seconds: number; readonly max_seconds: number };
  readonly services: number;
  readonly tokens: number;
  readonly policies: number;
  readonly files: number;
  readonly vault: {
    readonly file_bytes?: number;
    readonly generation: number;
    readonly last_saved_at?: string;
    readonly backup_present: boolean;
  };
  readonly audit: {
    readonly state: "on" | "off" | "failing";
    readonly file_bytes?: number;
    readonly queued_lines?: number;
    readonly queued_bytes?: number;
    readonly lost_entries?: number;
  };
  readonly calls_running: number;
  readonly connections_open: number;
  readonly sessions_open: number;
  readonly ssh_connections_open: number;
  /** Of access tokens, since the server started. */
  readonly refresh_failures: number;
}

/** How long a service's access token is still valid. */
export interface TokenHealth {
  readonly name: string;
  readonly auth_type: string;
  /** Unix seconds; absent if there is no token yet. */
  readonly expires_at?: number;
  readonly token_status: TokenStatus;
}

export interface LockOptions extends CallOptions {
  /** Revoke every token as well; by default they work again after the next unlock. */
  readonly revokeTokens?: boolean | undefined;
}

export interface UnlockOptions extends CallOptions {
  /** A Go duration such as `15m`: the token is refused once nobody used it for so long. By default it may be idle. */
  readonly idleTimeout?: string | undefined;
}

export async function health(transport: Transport, options: CallOptions = {}): Promise<Health> {
  const answer = await transport.json({ ...options, method: "GET", target: "/health" });
  stringField(answer, "status");
  return objectAnswer(answer) as unknown as Health;
}

/** Metrics in the text format of Prometheus. */
export async function metrics(transport: Transport, options: CallOptions = {}): Promise<string> {
  const response = await transport.raw({
    ...options,
    method: "GET",
    target: "/metrics",
    rejects: "failures",
  });
  return response.text();
}

/** One entry for each service whose credential expires. */
export async function healthTokens(transport: Transport, options: CallOptions = {}): Promise<TokenHealth[]> {
  const answer = await transport.json({ ...options, method: "GET", target: "/health/tokens" });
  return arrayAnswer(answer).map((token) => {
    for (const field of ["name", "auth_type", "token_status"]) stringField(token, field);
    optionalNumberField(token, "expires_at");
    return objectAnswer(token) as unknown as TokenHealth;
  });
}

export async function unlock(
  transport: Transport,
  password: string,
  options: UnlockOptions = {},
): Promise<IssuedToken> {
  const { idleTimeout, ...call } = options;
  const answer = await transport.json({
    ...call,
    method: "POST",
    target: "/auth/unlock",
    body: { password, ...(idleTimeout === undefined ? {} : { idle_timeout: idleTimeout }) },
    confidential: true,
  });
  return issuedToken(answer);
}

export async function changePassword(
  transport: Transport,
  current: string,
  next: string,
  options: CallOptions = {},
): Promise<void> {
  const body = { current, new: next };
  await transport.json({ ...options, method: "POST", target: "/auth/password", body, confidential: true });
}

export async function createRecoveryKey(
  transport: Transport,
  password: string,
  options: CallOptions = {},
): Promise<string> {
  const target = "/auth/recovery-key";
  const body = { password };
  const answer = await transport.json({ ...options, method: "POST", target, body, confidential: true });
  return stringField(answer, "recovery_key");
}

export async function lock(transport: Transport, options: LockOptions = {}): Promise<void> {
  const { revokeTokens, ...call } = options;
  const body = revokeTokens === true ? { revoke_tokens: true } : undefined;
  await transport.json({ ...call, method: "POST", target: "/auth/lock", body });
}
