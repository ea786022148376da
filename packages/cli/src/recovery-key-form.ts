import { CliError } from "./failures.js";

/** As one is printed: groups of four digits and letters. */
const GROUPS = 9;
const GROUP_CHARACTERS = 4;
const CHARACTERS = /^[0-9A-Z]+$/;
/** A recovery key has about eleven. Nine short words have none, and are a password. */
const MIN_DIGITS = 3;

/**
 * Refuses what was meant as a recovery key and is none, for a try costs seconds and counts towards the lock-out. Only
 * what cannot well be a password is refused: nine groups, one of which may have a character too few or too many.
 */
export async function assertNotMistyped(typed: string): Promise<void> {
  if (!looksLikeRecoveryKey(typed)) return;
  const { Secret, parseRecoveryKey } = await import("@vault-proxy/server/vault-file");
  const key = parseRecoveryKey(new Secret(typed));
  if (key === undefined) {
    throw new CliError("this looks like a recovery key, but its checksum says that it is mistyped");
  }
  key.fill(0);
}

/** Refuses as a new password what {@link assertNotMistyped} would refuse ever after, and what is a recovery key. */
export async function assertNoRecoveryKey(password: string): Promise<void> {
  const { Secret, parseRecoveryKey } = await import("@vault-proxy/server/vault-file");
  const key = parseRecoveryKey(new Secret(password));
  key?.fill(0);
  if (key !== undefined || looksLikeRecoveryKey(password)) {
    throw new CliError("the new password looks like a recovery key: choose another");
  }
}

export function looksLikeRecoveryKey(typed: string): boolean {
  const groups = typed
    .trim()
    .toUpperCase()
    .split(/[\s-]+/);
  const odd = groups.filter(({ length }) => length !== GROUP_CHARACTERS);
  return (
    groups.length === GROUPS &&
    groups.every((group) => CHARACTERS.test(group)) &&
    odd.length <= 1 &&
    odd.every(({ length }) => Math.abs(length - GROUP_CHARACTERS) === 1) &&
    (typed.match(/\d/g)?.length ?? 0) >= MIN_DIGITS
  );
}
