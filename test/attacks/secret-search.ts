/** Searches everything that leaves the vault for parts of secrets, written by encoders of the test's own. */

/** Characters of a secret in a row that must never be seen, in whatever form. */
const WINDOW = 8;
/** As Base64 so many bytes, of which some share the characters at either end. */
const BASE64_WINDOW = 9;

const jsonUnicode = (text: string): string =>
  text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
const everyPercent = (text: string): string => Buffer.from(text).toString("hex").replace(/../g, "%$&");
const jsonString = (text: string): string => JSON.stringify(text).slice(1, -1);
const entities = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&${ENTITY_NAMES[character] ?? ""};`);
const ENTITY_NAMES: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "#39",
};

/** Each writes every character by itself, so that a part of a secret is a part of what is written of the whole. */
const WRITERS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => Buffer.from(text).toString("latin1"),
  encodeURIComponent,
  (text) => encodeURIComponent(encodeURIComponent(text)),
  everyPercent,
  (text) => everyPercent(text).toUpperCase(),
  jsonString,
  (text) => jsonString(jsonString(text)),
  jsonUnicode,
  (text) => jsonUnicode(text).replace(/[0-9a-f]{4}/g, (hex) => hex.toUpperCase()),
  (text) => jsonString(text).replace(/[^\0-\x7f]/g, jsonUnicode),
  entities,
];

/** @returns what gives the first part of a secret that stands in a text (Latin-1), or undefined */
export function secretSearch(secrets: readonly string[]): (text: string) => string | undefined {
  const windows = new Map<number, Set<string>>();
  const add = (window: string): void => {
    const set = windows.get(window.length) ?? new Set<string>();
    windows.set(window.length, set.add(window));
  };
  for (const secret of secrets) {
    const characters = Array.from(secret);
    for (let from = 0; from + WINDOW <= characters.length; from += 1) {
      const part = characters.slice(from, from + WINDOW).join("");
      for (const write of WRITERS) add(Buffer.from(write(part)).toString("latin1"));
    }
    const bytes = Buffer.from(secret);
    for (let from = 0; from + BASE64_WINDOW <= bytes.length; from += 1) {
      for (const offset of [0, 1, 2]) {
        const padded = Buffer.concat([
          Buffer.alloc(offset),
          bytes.subarray(from, from + BASE64_WINDOW),
          Buffer.alloc(2),
        ]);
        const start = Math.ceil((offset * 8) / 6);
        const end = Math.floor(((offset + BASE64_WINDOW) * 8) / 6);
        for (const alphabet of ["base64", "base64url"] as const)
          add(padded.toString(alphabet).slice(start, end));
      }
    }
  }
  return (text) => {
    for (const [length, set] of windows) {
      for (let from = 0; from + length <= text.length; from += 1) {
        const window = text.slice(from, from + length);
        if (set.has(window)) return window;
      }
    }
    return undefined;
  };
}
