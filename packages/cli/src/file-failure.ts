import { CliError } from "./failures.js";

/** What the codes of the file system mean to a person. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is no folder",
  EEXIST: "something else is in its place",
  EISDIR: "it is a folder",
  EACCES: "you may not",
  EPERM: "you may not",
  EROFS: "it is on a read-only disk",
  ENOSPC: "the disk is full",
  ELOOP: "its symbolic links lead nowhere",
  ENAMETOOLONG: "its name is too long",
  EMFILE: "too many files are open",
};

/** @param what as the user knows it @param cause what Node gave */
export function fileFailure(doing: "read" | "write" | "make", what: string, cause: unknown): CliError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const isMissingFolder = doing === "write" && code === "ENOENT";
  const reason = isMissingFolder ? "there is no such folder" : (REASONS[code] ?? code);
  return new CliError(`cannot ${doing} ${what}${reason === "" ? "" : `: ${reason}`}`);
}
