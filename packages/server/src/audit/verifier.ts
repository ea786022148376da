import { timingSafeEqual } from "node:crypto";
import type { AuditKey } from "./audit-key.js";
import { parseLine, type ChainEnd, type ChainLine } from "./chain.js";
import { AUDIT_FILE } from "./log-files.js";
import {
  CUT_OFF_ACTION,
  FILE_ACTION,
  TAMPERED_ACTION,
  TORN_ACTION,
  parseFileHeader,
  type FileHeader,
} from "./own-lines.js";
import { mayLackMac } from "./without-mac.js";

/** What is wrong with a log, by its first bad line. docs/audit.md explains each. */
export type AuditProblem =
  | "unreadable"
  | "newer_format"
  | "no_file_header"
  | "missing_lines"
  | "out_of_order"
  | "changed"
  | "mac_wrong"
  | "mac_missing"
  | "mac_unknown_key"
  | "mac_old_key"
  | "not_remembered"
  | "older_missing"
  | "cut_off"
  | "tampered";

/** Where a line stands. */
export interface LinePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface BadLine extends LinePlace {
  readonly problem: AuditProblem;
  readonly reason: string;
}

export interface VerifiedLines {
  readonly lines: number;
  readonly first: ChainEnd | undefined;
  readonly last: ChainEnd | undefined;
  /** Lines whose MACs were right; 0 without keys. */
  readonly authenticated: number;
  /** Lines at the end that no MAC covers, neither their own nor one of a later line. */
  readonly uncovered: number;
}

export interface VerifierOptions {
  /** In the order in which they came into use. Without them MACs are not looked at. */
  readonly keys?: readonly AuditKey[] | undefined;
  /** The last line that the vault knows of. */
  readonly remembered?: ChainEnd | undefined;
  /** Whether the lines are all that there are, so that their beginning and their end can be judged. */
  readonly isWhole: boolean;
  /** The number of the first line to look at: what is before it is known, or was looked at before. */
  readonly from?: number | undefined;
  /** What a server noticed before, and says in a line, is no problem of that line. */
  readonly passesNotices?: boolean | undefined;
}

/** Takes the lines of a log one after the other, oldest first, and says at the first bad one what is wrong. */
export interface Verifier {
  /** @param bytes without the line feed. After a bad line nothing more may be given to it. */
  line(bytes: Uint8Array, place: LinePlace): BadLine | undefined;
  end(): BadLine | undefined;
  summary(): VerifiedLines;
}

/** After these the vault is locked, so that lines without a MAC may follow. */
const LOCKING_ACTIONS: ReadonlySet<unknown> = new Set(["lock", "server.stop"]);
/** A server that was killed has locked its vault too, and what it left is followed by one of these. */
const STARTING_ACTIONS: ReadonlySet<unknown> = new Set(["server.start", TORN_ACTION, FILE_ACTION]);

/** What the server found at an unlock, and says in a line of its own. */
const NOTICED: ReadonlyMap<unknown, readonly [AuditProblem, string]> = new Map([
  [CUT_OFF_ACTION, ["cut_off", "the server says here that lines before it, which the vault knew, were gone"]],
  [TAMPERED_ACTION, ["tampered", "the server says here that lines before it were not written by one"]],
]);

export function createVerifier(options: VerifierOptions): Verifier {
  const { keys, remembered, isWhole, from = 1, passesNotices = false } = options;
  let lines = 0;
  let authenticated = 0;
  let uncovered = 0;
  let first: { readonly end: ChainEnd; readonly place: LinePlace } | undefined;
  let newestHeader: FileHeader | undefined;
  let previous: { readonly line: ChainLine; readonly place: LinePlace } | undefined;
  let keyIndex = 0;
  let mustHaveMac = false;
  /** The vault was locked: what ends by that still gets MACs for a moment. */
  let isEnding = false;

  function problemOf(line: ChainLine, place: LinePlace): BadLine | undefined {
    return (
      headerProblem(line, place) ??
      (keys === undefined ? undefined : macProblem(line, place, keys)) ??
      orderProblem(line, place) ??
      rememberedProblem(line, place) ??
      noticedProblem(line, place)
    );
  }

  function headerProblem({ fields }: ChainLine, place: LinePlace): BadLine | undefined {
    if (fields.action !== FILE_ACTION) {
      return place.line === 1
        ? bad(place, "no_file_header", "the file does not begin with its header")
        : undefined;
    }
    const header = parseFileHeader(fields);
    if (header === "newer")
      return bad(place, "newer_format", "a newer version of vault-server wrote this file");
    if (header === undefined) return bad(place, "unreadable", "the header of the file is not one");
    newestHeader = header;
    return undefined;
  }

  function macProblem(
    { mac, fields }: ChainLine,
    place: LinePlace,
    known: readonly AuditKey[],
  ): BadLine | undefined {
    if (mac === undefined) {
      if (mustHaveMac && !STARTING_ACTIONS.has(fields.action)) {
        return bad(place, "mac_missing", "the line has no MAC, though the vault was unlocked");
      }
      if (!mayLackMac(fields)) {
        return bad(place, "mac_missing", "the line has no MAC, and tells of what no locked vault does");
      }
      mustHaveMac = false;
      isEnding = false;
      return undefined;
    }
    const index = known.findIndex(({ id }) => id === mac.keyId);
    const key = known[index];
    if (key === undefined)
      return bad(place, "mac_unknown_key", "the MAC is of a key that this vault does not have");
    if (index < keyIndex) return bad(place, "mac_old_key", "the MAC is of a key that was no longer in use");
    if (!isEqual(key.mac(mac.covered), mac.value)) {
      return bad(place, "mac_wrong", "the line was changed, or made up: its MAC does not fit");
    }
    keyIndex = index;
    if (LOCKING_ACTIONS.has(fields.action)) isEnding = true;
    else if (fields.action === "unlock" && fields.decision === "allow") isEnding = false;
    mustHaveMac = !isEnding;
    return undefined;
  }

  function orderProblem(line: ChainLine, place: LinePlace): BadLine | undefined {
    if (previous === undefined) return undefined;
    const { sequence, hash } = previous.line.end;
    const found = line.end.sequence;
    if (found > sequence + 1) {
      return bad(
        place,
        "missing_lines",
        `lines are missing before it: number ${sequence + 1} to ${found - 1}`,
      );
    }
    if (found <= sequence) {
      return bad(
        place,
        "out_of_order",
        `it has number ${found}, where ${sequence + 1} was due: moved, doubled or put in`,
      );
    }
    if (line.previousHash === hash) return undefined;
    // A line whose own MAC is right is as it was written.
    return keys !== undefined && previous.line.mac !== undefined
      ? bad(place, "out_of_order", "it does not follow the line before it")
      : bad(previous.place, "changed", "the line, or the hash of it in the line behind it, was changed");
  }

  function rememberedProblem({ end }: ChainLine, place: LinePlace): BadLine | undefined {
    if (end.sequence !== remembered?.sequence || end.hash === remembered.hash) return undefined;
    return bad(
      place,
      "not_remembered",
      "the vault remembers another line of this number: the log was written anew",
    );
  }

  function noticedProblem({ fields }: ChainLine, place: LinePlace): BadLine | undefined {
    const noticed = passesNotices ? undefined : NOTICED.get(fields.action);
    return noticed === undefined ? undefined : bad(place, ...noticed);
  }

  function beginningProblem({ end, place }: { end: ChainEnd; place: LinePlace }): BadLine | undefined {
    const oldest = newestHeader?.oldest;
    if (oldest !== undefined && end.sequence > oldest) {
      const reason = `lines are missing before it: number ${oldest} to ${end.sequence - 1}`;
      return bad(place, "older_missing", reason);
    }
    // The oldest file may be gone by rotation since, but not all that the vault knew.
    if (remembered === undefined || end.sequence <= remembered.sequence) return undefined;
    return bad(place, "not_remembered", "the line that the vault remembers came before it, and is gone");
  }

  return {
    line(bytes, place) {
      const line = parseLine(bytes);
      if (previous === undefined && from > 1 && (line === undefined || line.end.sequence < from))
        return undefined;
      if (line === undefined) return bad(place, "unreadable", "it is no line of an audit log");
      const problem = problemOf(line, place);
      if (problem !== undefined) return problem;
      first ??= { end: line.end, place };
      previous = { line, place };
      lines += 1;
      if (line.mac === undefined) uncovered += 1;
      else {
        uncovered = 0;
        if (keys !== undefined) authenticated += 1;
      }
      return undefined;
    },
    end() {
      if (previous === undefined && from > 1)
        return bad(NOWHERE, "missing_lines", `the log has no line of number ${from} or behind it`);
      if (!isWhole) return undefined;
      const last = previous?.line.end.sequence ?? 0;
      if (remembered !== undefined && last < remembered.sequence) {
        const reason = `the end is cut off: the vault remembers lines up to number ${remembered.sequence}`;
        return bad(previous?.place ?? NOWHERE, "cut_off", reason);
      }
      return first === undefined || from > 1 ? undefined : beginningProblem(first);
    },
    summary: () => ({ lines, authenticated, uncovered, first: first?.end, last: previous?.line.end }),
  };
}

const NOWHERE: LinePlace = { file: AUDIT_FILE, line: 0 };

function bad(place: LinePlace, problem: AuditProblem, reason: string): BadLine {
  return { ...place, problem, reason };
}

function isEqual(made: string, found: string): boolean {
  return made.length === found.length && timingSafeEqual(Buffer.from(made), Buffer.from(found));
}
