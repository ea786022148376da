import { createHash } from "node:crypto";
import type { ChainEnd } from "./chain.js";
import { jsonMembers } from "./json-members.js";

/** Lines that the log writes of itself. */
export const FILE_ACTION = "audit.file";
export const TORN_ACTION = "audit.torn";
export const LOST_ACTION = "audit.lost";
export const CUT_OFF_ACTION = "audit.cut_off";
export const TAMPERED_ACTION = "audit.tampered";
export const LATE_ACTION = "audit.late";

/** Raised when a file could no longer be checked by what checks this one. */
const FORMAT = 1;
const FILE_ID_BYTES = 12;

/** The first line of every file. */
export interface FileHeader {
  readonly format: typeof FORMAT;
  /** Random: tells a file from a copy of another one under its name. */
  readonly file: string;
  /** The number of the first line that was kept of this log when the file was begun. */
  readonly oldest: number;
}

export function fileHeader(oldest: number, randomBytes: (size: number) => Buffer): string {
  const file = randomBytes(FILE_ID_BYTES).toString("base64url");
  return jsonMembers({ action: FILE_ACTION, format: FORMAT, file, oldest });
}

/** Undefined where it is no header, "newer" where a later version wrote it. */
export function parseFileHeader(fields: Readonly<Record<string, unknown>>): FileHeader | "newer" | undefined {
  const { format, file, oldest } = fields;
  if (typeof format === "number" && format > FORMAT) return "newer";
  if (format !== FORMAT || typeof file !== "string" || !Number.isSafeInteger(oldest)) return undefined;
  return { format, file, oldest: oldest as number };
}

/**
 * That a crash had cut a line short, so that nothing that was on the disk is dropped unseen. Its text is not kept: somebody
 * else may have written it, and while the vault is locked nobody knows what in it is a secret.
 */
export function tornLine(bytes: Buffer): string {
  return jsonMembers({
    action: TORN_ACTION,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("base64url"),
  });
}

/** Entries that were refused, because the disk took none for too long. */
export function lostEntries(count: number): string {
  return jsonMembers({ action: LOST_ACTION, entries: count });
}

/** The server found at an unlock that the line which the vault remembers is not in the log any more. */
export function cutOffLine(remembered: ChainEnd): string {
  return jsonMembers({ action: CUT_OFF_ACTION, remembered });
}

/** The server found at an unlock, behind the line that the vault remembers, lines that none of its runs wrote. */
export function tamperedLine(found: TamperedLines): string {
  return jsonMembers({ action: TAMPERED_ACTION, ...found });
}

/** What is wrong with the first of them, and the number of the last line before it. */
export interface TamperedLines {
  readonly problem: string;
  readonly behind: number;
}

/** An entry of an unlocked vault that comes when the key is gone: it must not look like one that has proof. */
export function lateLine(entry: { readonly action: string }): string {
  const { action, ...fields } = entry;
  return jsonMembers({ action: LATE_ACTION, recorded_as: action, ...fields });
}
