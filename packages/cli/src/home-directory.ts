import { homedir } from "node:os";

/** Where Debian says that a user has none: nothing is there to read. */
const NO_HOME = "/nonexistent";

/** Of the user whose program this is; one that systemd or a container made up may have no home. */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return NO_HOME;
  }
}
