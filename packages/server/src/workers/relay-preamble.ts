import { timingSafeEqual } from "node:crypto";
import { WORKER_LIMITS } from "./limits.js";

/** Bytes of the key that shows a connection to be a worker's. */
export const RELAY_KEY_BYTES = 32;
const LENGTH_BYTES = 2;

/** The connection that a relayed request came by. All absent for a unix socket. */
export interface RelayedPeer {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Whether it came by TLS. */
  readonly encrypted: boolean;
}

export interface Preamble {
  readonly peer: RelayedPeer;
  /** Where the request begins. */
  readonly end: number;
}

/** What a relayed connection begins with: the key, two bytes of length, and the peer as JSON. */
export function encodePreamble(key: Buffer, peer: RelayedPeer): Buffer {
  const text = Buffer.from(JSON.stringify(peer));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(text.length);
  return Buffer.concat([key, length, text]);
}

/**
 * @returns undefined until all of it has come
 * @throws RangeError for anything that is no preamble with this key; its length is not read before the key is right
 */
export function decodePreamble(key: Buffer, bytes: Buffer): Preamble | undefined {
  if (bytes.length < key.length) return undefined;
  if (!timingSafeEqual(key, bytes.subarray(0, key.length))) throw new RangeError("not a worker's connection");
  const start = key.length + LENGTH_BYTES;
  if (bytes.length < start) return undefined;
  const length = bytes.readUInt16BE(key.length);
  if (length > WORKER_LIMITS.preambleBytes) throw new RangeError("the preamble is too long");
  if (bytes.length < start + length) return undefined;
  const peer = JSON.parse(bytes.toString("utf8", start, start + length)) as RelayedPeer;
  return { peer, end: start + length };
}
