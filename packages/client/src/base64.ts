const PIECE = 0x8000;

/** By what every runtime has: `Uint8Array.prototype.toBase64` is not yet in all. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  // A function takes only so many arguments.
  for (let at = 0; at < bytes.length; at += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(binary);
}

/** Undefined for what is none. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
