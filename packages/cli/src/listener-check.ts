import { readFile } from "node:fs/promises";
import { endianness } from "node:os";
import { isLoopbackHost } from "@vault-proxy/client";

import { CliError } from "./failures.js";
import { parseListeningSockets, type ListeningSocket } from "./listening-sockets.js";

export interface Delivery {
  /** What is about to be sent, as a message calls it. */
  readonly secret: string;
  /** What to do when the listener is the right one all the same. */
  readonly advice: string;
  /** Asked first when no listener is seen; may throw a better reason. */
  readonly whenNobodyIsSeen?: () => Promise<unknown>;
}

/**
 * Before a secret goes to a loopback port, makes sure on Linux that the listener belongs to this user or to root: any
 * user may listen on a port that vault-server left, and would harvest the secret. No other system tells the owner
 * without privileges, so there it does nothing.
 *
 * @param address the client's, e.g. `http://127.0.0.1:8390`
 * @param allowed `--listener-uid`: a further user id whose listener is meant, or `any`
 */
export async function assertTrustedListener(
  address: string,
  allowed: string | undefined,
  delivery: Delivery,
): Promise<void> {
  if (process.platform !== "linux" || process.getuid === undefined || allowed === "any") return;
  const port = loopbackPort(address);
  if (port === undefined) return;
  const sockets = await listeningSockets();
  const reason = distrust(sockets, port, [
    0,
    process.getuid(),
    ...(allowed === undefined ? [] : [Number(allowed)]),
  ]);
  if (reason === undefined) return;
  if (reason === NOBODY_SEEN) await delivery.whenNobodyIsSeen?.();
  throw new CliError(`refused to send ${delivery.secret} to port ${port}: ${reason}`, delivery.advice);
}

const NOBODY_SEEN = "cannot tell which user listens there";

/** Why a listener on a loopback port is not to be trusted; undefined when it is. Every one there has to be. */
export function distrust(
  sockets: readonly ListeningSocket[],
  port: number,
  trustedUids: readonly number[],
): string | undefined {
  const listeners = sockets.filter((socket) => socket.port === port && socket.loopback);
  if (listeners.length === 0) return NOBODY_SEEN;
  const stranger = listeners.find((socket) => !trustedUids.includes(socket.uid));
  return stranger && `the user with id ${stranger.uid} listens there, who is neither you nor root`;
}

/** The port, when the address is one of loopback; undefined for sockets and other hosts. */
export function loopbackPort(address: string): number | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== "http:" && protocol !== "https:") return undefined;
  if (!isLoopbackHost(hostname)) return undefined;
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/** Those of TCP on this machine; none where no table tells of them. */
export async function listeningSockets(): Promise<ListeningSocket[]> {
  const texts = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map(readTable));
  return texts.flatMap((text) => parseListeningSockets(text, endianness()));
}

async function readTable(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
