import { refuse, type Refusal } from "./refusal.js";
import { LONGEST_NAME_BYTES, LONGEST_PATH_BYTES } from "./ssh-rules-limits.js";
import { sizeText } from "../errors/size-text.js";

export type CleanedPath = { readonly ok: true; readonly path: string } | Refusal;

/** Stands for any one name in a list of directories; no name equals it, not even `*`. */
const ANY_NAME = Symbol("any name");

const NEVER_ALLOWED: readonly (readonly (string | typeof ANY_NAME)[])[] = [
  ["etc"],
  ["root", ".ssh"],
  ["home", ANY_NAME, ".ssh"],
  ["proc"],
  ["sys"],
  ["dev"],
  ["boot"],
  ["lib"],
  ["lib64"],
  ["sbin"],
  ["usr", "sbin"],
];

/** Those of them that have one name, to be looked up at a server. */
export const FORBIDDEN_DIRECTORIES: readonly string[] = NEVER_ALLOWED.filter(
  (names) => !names.includes(ANY_NAME),
).map((names) => `/${names.map(String).join("/")}`);

/**
 * The one spelling of the absolute path of a file on a server: `.`, `..` and repeated slashes are resolved by the
 * text alone, so only the answer may be sent, never what came in. A directory's spelling (`/a/`, `/a/.`, `/a/..`,
 * `/`) is refused. Names may hold whatever a POSIX file name may, except control characters.
 */
export function cleanRemotePath(path: string): CleanedPath {
  const reason = whyNoAbsolutePath(path);
  if (reason !== undefined) return refuse(reason);
  if (/\/\.{0,2}$/.test(path)) return refuse("the path must name a file, not a directory");
  return { ok: true, path: pathOf(namesOf(path)) };
}

/** The one spelling of an entry of `ssh_allowed_paths`, a file or a directory; `/` allows all. */
export function parseAllowedPath(entry: string): CleanedPath {
  const reason = whyNoAbsolutePath(entry);
  return reason === undefined ? { ok: true, path: pathOf(namesOf(entry)) } : refuse(reason);
}

/**
 * Whether the path is one of the directories that no transfer touches, or lies in one. Upper and lower case count
 * as the same here, since there are servers (macOS) whose file systems do not tell them apart.
 *
 * @param path Cleaned.
 * @param furtherDirectories Absolute paths of the server's own, as it resolved them (`/usr/lib`, `<home>/.ssh`).
 * One that is not absolute says nothing about where it is: then every path is forbidden.
 */
export function isForbiddenPath(path: string, furtherDirectories: readonly string[] = []): boolean {
  if (!furtherDirectories.every((directory) => directory.startsWith("/"))) return true;
  const names = namesOf(path);
  return [...NEVER_ALLOWED, ...furtherDirectories.map(namesOf)].some((directory) =>
    isAtOrBelow(names, directory, (name, wanted) => caseless(name) === caseless(wanted)),
  );
}

/**
 * Whether the path is an allowed one, or lies in one. An entry that `parseAllowedPath` refuses allows nothing.
 *
 * @param path Cleaned.
 * @param allowed Entries as they were written, or as `parseAllowedPath` gave them.
 */
export function isUnderAllowed(path: string, allowed: readonly string[]): boolean {
  const names = namesOf(path);
  return allowed.some((entry) => {
    const parsed = parseAllowedPath(entry);
    return parsed.ok && isAtOrBelow(names, namesOf(parsed.path), (name, wanted) => name === wanted);
  });
}

function whyNoAbsolutePath(path: string): string | undefined {
  if (!path.startsWith("/")) return "the path must be absolute";
  if (!path.isWellFormed()) return "the path holds half of a character (a lone surrogate)";
  if (/\p{Cc}/u.test(path)) return "the path holds a control character";
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
    return `the path is longer than ${sizeText(LONGEST_PATH_BYTES)}`;
  }
  if (path.split("/").some((name) => Buffer.byteLength(name) > LONGEST_NAME_BYTES)) {
    return `a name in the path is longer than ${sizeText(LONGEST_NAME_BYTES)}`;
  }
  return undefined;
}

/** The names of an absolute path from the root on (POSIX.1-2024, §4.16, links aside; `/..` is `/`). */
function namesOf(path: string): readonly string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

function pathOf(names: readonly string[]): string {
  return `/${names.join("/")}`;
}

function isAtOrBelow(
  names: readonly string[],
  directory: readonly (string | typeof ANY_NAME)[],
  isSame: (name: string, wanted: string) => boolean,
): boolean {
  return directory.every((wanted, index) => {
    const name = names[index];
    return name !== undefined && (wanted === ANY_NAME || isSame(name, wanted));
  });
}

/** Both ways, for letters such as the long s and the Kelvin sign that have a counterpart one way only. */
function caseless(name: string): string {
  return name.toLowerCase().toUpperCase();
}
