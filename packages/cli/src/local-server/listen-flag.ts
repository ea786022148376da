import { resolve } from "node:path";

import { loopbackPort } from "../listener-check.js";

/** What `--listen` is for an address of a client; undefined where that is of another machine. */
export function listenFlag(address: string): string | undefined {
  if (address.startsWith("unix:")) return `unix:${resolve(address.slice("unix:".length))}`;
  const port = loopbackPort(address);
  return port === undefined ? undefined : `${new URL(address).hostname}:${port}`;
}
