import { lstat, unlink } from "node:fs/promises";
import { connect, type AddressInfo, type Server } from "node:net";
import type { ListenAddress } from "./config/listen-address.js";
import { VaultProxyError } from "./errors/vault-proxy-error.js";

/** Masks all but mode 0660, so that the socket is born with it. */
const SOCKET_UMASK = 0o117;

/**
 * Binds the server and gives the address it really has, as a client would write it.
 * @throws VaultProxyError `conflict` if the address is taken, `storage_failed` if the path is something else.
 */
export async function listen(
  server: Server,
  address: ListenAddress,
  scheme: "http" | "https",
): Promise<string> {
  if (address.kind === "unix") {
    await removeDeadSocket(address.path);
    const previous = process.umask(SOCKET_UMASK);
    try {
      await bind(server, { path: address.path }, address.path);
    } finally {
      process.umask(previous);
    }
    return `unix:${address.path}`;
  }
  await bind(server, { host: address.host, port: address.port }, `${address.host}:${address.port}`);
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${scheme}://${host}:${port}`;
}

function bind(
  server: Server,
  where: { path: string } | { host: string; port: number },
  shown: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason =
        ("path" in where ? SOCKET_FAILURES : PORT_FAILURES)[error.code ?? ""] ?? "cannot be listened on";
      reject(new VaultProxyError("conflict", `${shown} ${reason}`, { cause: error }));
    };
    server.once("error", onError);
    server.listen(where, () => {
      server.off("error", onError);
      resolve();
    });
  });
}

const IN_USE = "is already in use: is another vault-server running?";
const PORT_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: IN_USE,
  EACCES: "may not be listened on by this user",
  EADDRNOTAVAIL: "is not an address of this machine",
};
/** libuv says EACCES for a missing directory too. */
const NO_SOCKET = "cannot be made: does its directory exist, and may this user write there?";
const SOCKET_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: IN_USE,
  EACCES: NO_SOCKET,
  ENOENT: NO_SOCKET,
  EINVAL: "is too long for a socket's path",
};

/** A socket file that nobody listens on is left over from a server that was killed. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new VaultProxyError("storage_failed", `${path} exists and is not a socket`);
  if (!(await isAnswered(path))) await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}
