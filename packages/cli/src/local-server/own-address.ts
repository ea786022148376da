import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { VaultClient } from "@vault-proxy/client";

import { listeningSockets, loopbackPort } from "../listener-check.js";
import { HEALTH_TIMEOUT_MS } from "../prompt-health.js";
import { listenFlag } from "./listen-flag.js";

/**
 * Whether a process of this machine is who answers at the client's address. On Linux the sockets of the process say so;
 * where they cannot be seen, that a server answers on this machine has to do.
 */
export async function answersAt(pid: number, client: VaultClient): Promise<boolean> {
  if (listenFlag(client.addr) === undefined) return false;
  const port = loopbackPort(client.addr);
  const own = port === undefined ? undefined : await socketsOf(pid);
  if (own === undefined) return answers(client);
  return (await listeningSockets()).some((socket) => socket.port === port && own.has(socket.inode));
}

async function answers(client: VaultClient): Promise<boolean> {
  return client.healthDetails({ timeoutMs: HEALTH_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}

/** Of `/proc/net/unix` (unix(7)): a socket that listens, with its inode. */
const UNIX_LISTENER = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+)/gm;

/** Whether a process can be seen to listen nowhere, as a server that stops: it takes no call any more. */
export async function listensNowhere(pid: number): Promise<boolean> {
  const own = await socketsOf(pid);
  if (own === undefined) return false;
  const unix = await readFile("/proc/net/unix", "utf8").catch(() => undefined);
  if (unix === undefined) return false;
  const inodes = [...unix.matchAll(UNIX_LISTENER)].map(([, inode]) => Number(inode));
  return ![...(await listeningSockets()).map(({ inode }) => inode), ...inodes].some((each) => own.has(each));
}

/** The inodes of its open sockets; undefined where they cannot be seen. */
async function socketsOf(pid: number): Promise<ReadonlySet<number> | undefined> {
  const directory = `/proc/${pid}/fd`;
  try {
    const names = await readdir(directory);
    const targets = await Promise.all(names.map((name) => readlink(join(directory, name)).catch(() => "")));
    return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []).map(Number));
  } catch {
    return undefined;
  }
}
