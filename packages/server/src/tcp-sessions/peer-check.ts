import type { Socket } from "node:net";
import { findPeerUid, type ReadTcpTable } from "../network/peer-user.js";

export interface PeerCheckParts {
  readonly platform: NodeJS.Platform;
  /** Of the vault's process; undefined where there are no such users. */
  readonly ownUid: number | undefined;
  readonly readTable: ReadTcpTable;
}

/**
 * Whether a client may use a session by the user who runs it: the vault's, root, or the one who opened the session.
 * Where that cannot be told in principle (another system, a client from elsewhere), any may; what can be told here but
 * is not, because the client is gone, may not.
 */
export type IsAllowedPeer = (client: Socket, openerUid: number | undefined) => Promise<boolean>;

const ROOT = 0;

export function createPeerCheck({ platform, ownUid, readTable }: PeerCheckParts): IsAllowedPeer {
  return async function isAllowedPeer(client, openerUid) {
    const { localAddress, localPort, remoteAddress, remotePort } = client;
    if (platform !== "linux") return true;
    if (localAddress === undefined || localPort === undefined) return false;
    if (remoteAddress === undefined || remotePort === undefined) return false;
    if (!isLoopbackAddress(remoteAddress)) return true;
    const uid = await findPeerUid({ localAddress, localPort, remoteAddress, remotePort, readTable });
    return uid !== undefined && (uid === ROOT || uid === ownUid || uid === openerUid);
  };
}

export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}
