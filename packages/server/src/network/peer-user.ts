import { closeSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { isIP } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import ipaddr from "ipaddr.js";

/**
 * A row of `/proc/net/tcp` or `/proc/net/tcp6` (Linux proc_pid_net(5)): both ends, the state `TCP_ESTABLISHED` (Linux
 * include/net/tcp_states.h), the user, and an inode: a row without one belongs to no process any more, and says user 0.
 */
const OWNED_ROW = /^ *\d+: (\S+ \S+) 01 \S+ \S+ \S+ +(\d+) +\d+ +[1-9]\d*(?: |$)/gm;
const TABLES = ["tcp", "tcp6"] as const;
const READ_BYTES = 64 * 1024;
/** How long it reads at once. */
const SLICE_MS = 2;

/**
 * The users of a table's established sockets, by their own and their far end as the table spells them; undefined where
 * two users have the same ends.
 */
export type SocketOwners = ReadonlyMap<string, number | undefined>;

/** Rejects where there is no such table. */
export type ReadTcpTable = (table: "tcp" | "tcp6") => Promise<SocketOwners>;

export interface LoopbackConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * Runs one read of a table at a time, for each takes milliseconds when many connections are open, which is when many
 * ask. Who asks meanwhile shares the next one: a read that has begun may have passed
 * the place of a connection that was not there yet.
 */
export function shareReads(read: ReadTcpTable): ReadTcpTable {
  const running = new Map<string, Promise<SocketOwners>>();
  const next = new Map<string, Promise<SocketOwners>>();

  return (table) => {
    const waiting = next.get(table);
    if (waiting !== undefined) return waiting;
    const start = (): Promise<SocketOwners> => {
      next.delete(table);
      const reading = read(table).finally(() => running.delete(table));
      running.set(table, reading);
      return reading;
    };
    const current = running.get(table);
    if (current === undefined) return start();
    const following = current.then(start, start);
    next.set(table, following);
    return following;
  };
}

/**
 * Reads the running kernel's table. It gives a page at a time, some tens of microseconds each, which is less than handing the
 * read to another thread and back takes; other work has its turn every few milliseconds.
 */
export async function readTcpTable(table: "tcp" | "tcp6", sliceMs = SLICE_MS): Promise<SocketOwners> {
  const file = openSync(`/proc/net/${table}`, "r");
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let text = "";
    let turnEnd = performance.now() + sliceMs;
    for (;;) {
      const bytesRead = readSync(file, buffer, 0, buffer.length, null);
      if (bytesRead === 0) return parseTcpTable(text);
      text += buffer.toString("latin1", 0, bytesRead);
      if (performance.now() < turnEnd) continue;
      await nextTurn();
      turnEnd = performance.now() + sliceMs;
    }
  } finally {
    closeSync(file);
  }
}

export function parseTcpTable(text: string): SocketOwners {
  const owners = new Map<string, number | undefined>();
  for (const [, ends = "", user] of text.matchAll(OWNED_ROW)) {
    const uid = Number(user);
    owners.set(ends, owners.has(ends) && owners.get(ends) !== uid ? undefined : uid);
  }
  return owners;
}

/**
 * The numeric user who owns the other end of a loopback TCP connection, on Linux.
 *
 * @param connection as seen from our end
 * @returns `undefined` where this cannot be told: another system, no loopback connection, the peer gone
 */
export async function findPeerUid(
  connection: LoopbackConnection & { readonly readTable: ReadTcpTable },
): Promise<number | undefined> {
  const ours = tableEndpoints(connection.localAddress, connection.localPort);
  const theirs = tableEndpoints(connection.remoteAddress, connection.remotePort);

  const found = new Set<number | undefined>();
  for (const table of TABLES) {
    // A connection stands in one table only, and the kernel takes milliseconds to write one.
    if (theirs.length === 0 || found.size > 0) break;
    const owners = await connection.readTable(table).catch((): SocketOwners => new Map());
    for (const [spelling, own] of theirs.entries()) {
      const ends = `${own} ${ours[spelling] ?? ""}`;
      if (owners.has(ends)) found.add(owners.get(ends));
    }
  }
  const [owner] = found;
  return found.size === 1 ? owner : undefined;
}

/**
 * The spellings that a loopback end can have in a table, none for another address. `0100007F:1F90`: the address in
 * 32-bit words of the machine's byte order, the port as a number, both hexadecimal. IPv4 comes as such, or mapped.
 */
function tableEndpoints(address: string, port: number): readonly string[] {
  if (isIP(address) === 0) return [];
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "loopback") return [];
  const spell = (octets: readonly number[]): string => {
    const words = Buffer.from(octets);
    if (endianness() === "LE") words.swap32();
    return `${words.toString("hex")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
  };
  if (!(parsed instanceof ipaddr.IPv4)) return [spell(parsed.toByteArray())];
  return [spell(parsed.toByteArray()), spell(parsed.toIPv4MappedAddress().toByteArray())];
}
