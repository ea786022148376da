import { LONGEST_NAME_BYTES } from "../ssh-rules/ssh-rules-limits.js";

/**
 * The name under which an upload is written until it is complete, in the directory of the file itself.
 * @param random differs for each upload; ASCII
 */
export function partFileName(name: string, random: string): string {
  const end = `.${random}.part`;
  return `.${shortened(name, LONGEST_NAME_BYTES - 1 - end.length)}${end}`;
}

/** As many whole characters as fit. */
function shortened(text: string, bytes: number): string {
  let kept = "";
  let left = bytes;
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    kept += character;
  }
  return kept;
}
