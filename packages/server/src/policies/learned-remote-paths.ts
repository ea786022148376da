import { posix } from "node:path";
import { cleanRemotePath } from "../ssh-rules/remote-path.js";
import { identifierPattern } from "./identifier-pattern.js";

/**
 * The files, and the directories of those whose names hold an identifier or that are more than `siblings` in one.
 *
 * @param paths that `cleanRemotePath` accepts
 * @returns sorted
 */
export function learnRemotePaths(paths: Iterable<string>, siblings: number): readonly string[] {
  const directories = new Map<string, Set<string>>();
  for (const path of paths) {
    const cleaned = cleanRemotePath(path);
    if (!cleaned.ok) continue;
    const directory = posix.dirname(cleaned.path);
    const files = directories.get(directory) ?? new Set();
    directories.set(directory, files.add(cleaned.path));
  }
  const learned = [...directories].flatMap(([directory, files]) => {
    const isOfMany =
      files.size > siblings ||
      [...files].some((file) => identifierPattern(posix.basename(file)) !== posix.basename(file));
    // All of the server's files would be too much to learn from some names at its root.
    return isOfMany && directory !== "/" ? [directory] : [...files];
  });
  return learned
    .filter((path) => !learned.some((other) => path !== other && path.startsWith(`${other}/`)))
    .sort();
}
