import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PageWorld } from "./page-world.js";

/** The server that pages log in to by SSH. */
export const BOX = "box.example.com";

/** Starts OpenSSH at every address of a page's machine, ports 22 and 2222; its files are in `.box` of the home there. */
export function startBox(world: PageWorld): Promise<void> {
  return start(world, "ssh-box.sh", join(world.home, ".box"), "Server listening on 0.0.0.0 port 2222");
}

/** Starts Dovecot at every address of a page's machine, port 993, for log-ins with the access token that pages get. */
export function startMail(world: PageWorld): Promise<void> {
  return start(world, "mail-box.sh", join(world.home, ".."), "starting up for imap");
}

/** Needs root: each has a mount namespace of its own. */
function start(world: PageWorld, script: string, directory: string, until: string): Promise<void> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return world.background(`exec unshare --mount sh "${path}" "${directory}"`, until);
}
