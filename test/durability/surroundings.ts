import { execFileSync } from "node:child_process";

const PROGRAMS = {
  strace: ["strace", ["--version"]],
  "mkfs.ext4": ["mkfs.ext4", ["-V"]],
  mount: ["mount", ["--version"]],
  losetup: ["losetup", ["--version"]],
} as const satisfies Record<string, readonly [string, readonly string[]]>;

/**
 * What these tests need is never skipped over: a run without it would look like proof.
 *
 * @throws Error that names all that is missing.
 */
export function requireSurroundings(needed: readonly ("root" | keyof typeof PROGRAMS)[]): void {
  const missing = needed.filter((name) => (name === "root" ? process.getuid?.() !== 0 : !runs(name)));
  if (missing.length === 0) return;
  throw new Error(
    `missing: ${missing.join(", ")}. These tests need Linux, root (to mount), and the Debian packages strace, ` +
      "e2fsprogs and mount.",
  );
}

function runs(name: keyof typeof PROGRAMS): boolean {
  const [command, args] = PROGRAMS[name];
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
