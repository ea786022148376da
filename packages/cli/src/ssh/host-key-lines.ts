/** The types of host keys, the one to prefer first. */
const TYPES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
] as const;

export interface ChosenHostKey {
  /** As it was given. */
  readonly line: string;
  /** How many there were to choose from. */
  readonly count: number;
}

/**
 * The one host key to trust of what `ssh-keyscan` prints: a line for each type of key that the server has, and comments.
 * @returns undefined for no key at all
 */
export function chooseHostKey(text: string): ChosenHostKey | undefined {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const preferred = TYPES.flatMap((type) => lines.filter((line) => line.split(/\s+/).includes(type)));
  const line = preferred[0] ?? lines[0];
  return line === undefined ? undefined : { line, count: lines.length };
}
