import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { findPeerUid, type ReadTcpTable } from "./network/peer-user.js";
import { isLoopbackAddress } from "./tcp-sessions/peer-check.js";

/** The Node request behind a Hono context: the listener above hands it over as binding. */
export function incomingOf(context: { readonly env: unknown }): IncomingMessage {
  return (context.env as HttpBindings).incoming;
}

/** The user at the other end of a loopback connection, where that can be told. */
export async function userIdOf(
  request: IncomingMessage,
  readTable: ReadTcpTable,
): Promise<number | undefined> {
  const { localAddress, localPort, remoteAddress, remotePort } = request.socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return findPeerUid({ localAddress, localPort, remoteAddress, remotePort, readTable });
}

/** Whom failed unlocks are counted for: the user at the other end of a loopback connection, where that can be told. */
export async function userOfCaller(request: IncomingMessage, readTable: ReadTcpTable): Promise<string> {
  const { localAddress, remoteAddress } = request.socket;
  if (localAddress === undefined) return UNIX_SOCKET_CALLER;
  if (remoteAddress === undefined) return callerKey(undefined);
  const uid = await userIdOf(request, readTable);
  // Whoever of this machine hides must not be counted with, and bar, those who come from elsewhere.
  return uid === undefined && isLoopbackAddress(remoteAddress) ? HIDDEN_LOCAL_CALLER : callerKey(uid);
}

/**
 * Node does not tell who is at the other end of a unix socket. Its mode has chosen the callers already, so all of them
 * are slowed and none is barred: otherwise one of them could bar the owner.
 */
export const UNIX_SOCKET_CALLER = "unix-socket";

const HIDDEN_LOCAL_CALLER = "local";

/** Whoever starts the server. A restart loop with an outdated password file must not bar anyone. */
export const PASSWORD_FILE_CALLER = "password-file";

export function callerKey(uid: number | undefined): string {
  return uid === undefined ? "unknown" : `uid:${uid}`;
}
