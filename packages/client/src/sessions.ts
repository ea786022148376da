import { arrayAnswer, numberField, objectAnswer, optionalStringFields, stringField } from "./answer.js";
import { pathSegment } from "./request-target.js";
import type { CallOptions } from "./call.js";
import type { Transport } from "./transport.js";

/** What is spoken on a session's port. */
export type SessionProtocol = "imap" | "smtp" | "redis" | "postgres";

export interface SessionOptions extends CallOptions {
  /**
   * Seconds in which the client must connect: 30 by default, at most 300. With `maxConnections` above 1: how long the
   * session lives, at most a day.
   */
  readonly timeout?: number | undefined;
  /** 1: one client in all, the default. More: so many at a time, until the session expires. */
  readonly maxConnections?: number | undefined;
  /** Whether clients must log in with the user name and password of the answer. */
  readonly requirePassword?: boolean | undefined;
  /** Without a byte either way for so long, a connection is closed: `10m`. */
  readonly idleTimeout?: string | undefined;
}

/** A port that is logged in. */
export interface OpenedSession {
  readonly id: string;
  /** `host:port` */
  readonly addr: string;
  /** RFC 3339 */
  readonly expires_at: string;
  /** What client libraries take; with the password if there is one. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

export interface SessionInfo {
  readonly id: string;
  readonly protocol: SessionProtocol;
  readonly service: string;
  readonly addr: string;
  /** Prefix of the token that opened it. */
  readonly token: string;
  readonly opened_at: string;
  readonly expires_at: string;
  readonly max_connections: number;
  /** Open now. */
  readonly connections: number;
  /** Bytes from clients, and to them. */
  readonly bytes_in: number;
  readonly bytes_out: number;
}

export async function openSession(
  transport: Transport,
  protocol: SessionProtocol,
  service: string,
  { timeout, maxConnections, requirePassword, idleTimeout, ...options }: SessionOptions = {},
): Promise<OpenedSession> {
  const query = timeout === undefined ? "" : `?timeout=${encodeURIComponent(timeout)}`;
  const answer = await transport.json({
    ...options,
    method: "POST",
    target: `/${pathSegment(protocol)}/${pathSegment(service)}/session${query}`,
    body: { max_connections: maxConnections, require_password: requirePassword, idle_timeout: idleTimeout },
  });
  for (const field of ["id", "addr", "expires_at", "url"]) stringField(answer, field);
  optionalStringFields(answer, "username", "password");
  return objectAnswer(answer) as unknown as OpenedSession;
}

export async function listSessions(transport: Transport, options: CallOptions = {}): Promise<SessionInfo[]> {
  const answer = await transport.json({ ...options, method: "GET", target: "/sessions" });
  return arrayAnswer(answer).map((session) => {
    for (const field of ["id", "protocol", "service", "addr", "expires_at"]) stringField(session, field);
    for (const field of ["connections", "max_connections"]) numberField(session, field);
    return objectAnswer(session) as unknown as SessionInfo;
  });
}

export async function closeSession(
  transport: Transport,
  id: string,
  options: CallOptions = {},
): Promise<void> {
  await transport.json({ ...options, method: "DELETE", target: `/sessions/${pathSegment(id)}` });
}
