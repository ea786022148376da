import { execFileSync } from "node:child_process";
import { chownSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { UnixUser } from "./server-process.js";

const ROOT = 0;

export const isRoot = (): boolean => process.getuid?.() === ROOT;

/** A user of this machine by name, as Debian's packages make them. */
export function unixUser(name: string): UnixUser {
  const id = (flag: string): number => Number(execFileSync("id", [flag, name]).toString().trim());
  return { uid: id("-u"), gid: id("-g") };
}

/** Gives a folder to a user, with all that is in it. */
export function giveTo(user: UnixUser, folder: string): void {
  chownSync(folder, user.uid, user.gid);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(user, path);
    else chownSync(path, user.uid, user.gid);
  }
}
