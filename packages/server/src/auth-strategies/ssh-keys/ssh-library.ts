import { createRequire } from "node:module";
import type ssh2 from "ssh2";

const require = createRequire(import.meta.url);

/** The library ssh2, loaded when it is first asked for: it is a sixth of what the start of a server costs. */
export function sshLibrary(): typeof ssh2 {
  return require("ssh2") as typeof ssh2;
}
