import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** The kernel's state `TCP_ESTABLISHED` (Linux include/net/tcp_states.h). */
const ESTABLISHED = "01";
const TABLES = ["tcp", "tcp6"] as const;

/** The text of `/proc/net/tcp` or `/proc/net/tcp6` (Linux proc_pid_net(5)); rejects where there is none. */
export type ReadTcpTable = (table: "tcp" | "tcp6") => Promise<string>;

export interface LoopbackConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Reads the running kernel's table. */
export function readTcpTable(table: "tcp" | "tcp6"): Promise<string> {
  return readFile(`/proc/net/${table}`, "latin1");
}

/**
 * The numeric user who owns the other end of a loopback TCP connection, on Linux. Only an established socket that
 * still has an inode counts: a row without one belongs to no process any more, and says user 0.
 *
 * @param connection as seen from our end
 * @returns `undefined` where this cannot be told: another system, no loopback connection, the peer gone
 */
export async function findPeerUid(
  connection: LoopbackConnection & { readonly readTable: ReadTcpTable },
): Promise<number | undefined> {
  const ours = endpoint(connection.localAddress, connection.localPort);
  const theirs = endpoint(connection.remoteAddress, connection.remotePort);
  if (ours === undefined || theirs === undefined) return undefined;

  const owners = new Set<number>();
  for (const table of TABLES) {
    const text = await connection.readTable(table).catch(() => "");
    for (const row of text.split("\n").slice(1)) {
      const uid = ownerOf(row, theirs, ours);
      if (uid !== undefined) owners.add(uid);
    }
  }
  const [owner] = owners;
  return owners.size === 1 ? owner : undefined;
}

/** The user of a table row whose own end is `own` and whose far end is `far`. */
function ownerOf(row: string, own: string, far: string): number | undefined {
  const [, local, remote, state, , , , uid, , inode] = row.trim().split(/\s+/);
  if (local === undefined || remote === undefined || state !== ESTABLISHED) return undefined;
  if (inode === undefined || !/^[1-9]\d*$/.test(inode) || uid === undefined || !/^\d+$/.test(uid))
    return undefined;
  return tableEndpoint(local) === own && tableEndpoint(remote) === far ? Number(uid) : undefined;
}

/** A loopback address in one spelling, with its port; IPv4-mapped IPv6 is IPv4 here. */
function endpoint(address: string, port: number): string | undefined {
  if (isIP(address) === 0) return undefined;
  const parsed = ipaddr.process(address);
  return parsed.range() === "loopback" ? `${parsed.toString()} ${port}` : undefined;
}

/** `0100007F:1F90`: the address in 32-bit words of the machine's byte order, the port as a number, both hexadecimal. */
function tableEndpoint(text: string): string | undefined {
  const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text);
  if (match === null) return undefined;
  const [, address = "", port = ""] = match;
  const octets = Buffer.from(address, "hex");
  if (endianness() === "LE") octets.swap32();
  return endpoint(ipaddr.fromByteArray([...octets]).toString(), Number.parseInt(port, 16));
}
