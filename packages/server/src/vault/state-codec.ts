import { isUtf8 } from "node:buffer";
import { z } from "zod";
import { COLLECTION_NAMES, type CollectionName } from "./collection.js";
import { decodeRecord, encodeRecord } from "./record-codec.js";
import { DamagedVaultFileError } from "./vault-file-error.js";
import { VAULT_FILE_LIMITS } from "./vault-file-limits.js";

/*
 * The plaintext of the state segment is lines of JSON (UTF-8, "\n" between lines):
 *   {"state":1,"seals":<seals made with the data key, this save's included>,"recovery_psk":"<hex, with a recovery slot>"}
 *   ["services","<name>",{…}]                 one line a record, of each collection
 *   ["files","<name>",{"mime_type":…,"size":…,"created_at":…,"segment":"<id, hex>"}]
 * A line a record lets a save reuse the text of every record that did not change.
 */

/** What the state says of a stored file; its bytes are in the segment of that id. */
export interface StoredFileEntry {
  readonly mime_type: string;
  readonly size: number;
  readonly created_at: string;
  /** Segment id, hexadecimal. */
  readonly segment: string;
}

export type CollectionMaps = Readonly<Record<CollectionName, ReadonlyMap<string, object>>>;

export interface VaultState {
  readonly seals: number;
  /** The pre-shared key of the recovery slot, for sealing the next one. */
  readonly recoveryPsk: Buffer | undefined;
  readonly collections: CollectionMaps;
  readonly files: ReadonlyMap<string, StoredFileEntry>;
}

/** Texts of records that are in the file already. Dropped as a whole on lock, for they hold secrets. */
export class RecordTexts {
  readonly #texts = new WeakMap<object, string>();

  remember(record: object, text: string): void {
    this.#texts.set(record, text);
  }

  of(record: object): string {
    const known = this.#texts.get(record);
    if (known !== undefined) return known;
    const text = encodeRecord(record);
    this.#texts.set(record, text);
    return text;
  }
}

const stateLineSchema = z.strictObject({
  state: z.literal(1),
  seals: z.int().min(1),
  recovery_psk: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const fileEntrySchema = z.strictObject({
  mime_type: z.string(),
  size: z.int().min(0).max(VAULT_FILE_LIMITS.storedFileBytes),
  created_at: z.iso.datetime(),
  segment: z.string().regex(/^[0-9a-f]{32}$/),
});

const ENTRY_KINDS = [...COLLECTION_NAMES, "files"] as const;
const NEWLINE = 0x0a;

/** What is encoded at once, if no single line is longer: a millisecond of work or two. */
const PIECE_CHARACTERS = 256 * 1024;

/** Stands in JSON as it is. */
const PLAIN_NAME = /^[\w.-]*$/;

/** The plaintext of the state segment, piece by piece. Each is the caller's to wipe. */
export function* encodeState(state: VaultState, texts: RecordTexts): Generator<Buffer> {
  let lines: string[] = [];
  let length = 0;
  for (const line of linesOf(state, texts)) {
    if (length >= PIECE_CHARACTERS) {
      // What follows begins on a line of its own.
      lines.push("");
      yield Buffer.from(lines.join("\n"));
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length;
  }
  yield Buffer.from(lines.join("\n"));
}

function* linesOf(state: VaultState, texts: RecordTexts): Generator<string> {
  const { seals, recoveryPsk } = state;
  yield JSON.stringify({ state: 1, seals, recovery_psk: recoveryPsk?.toString("hex") });
  for (const collection of COLLECTION_NAMES) {
    for (const [name, record] of state.collections[collection]) {
      yield `${linePrefix(collection, name)}${texts.of(record)}]`;
    }
  }
  for (const [name, entry] of state.files) yield `${linePrefix("files", name)}${JSON.stringify(entry)}]`;
}

/** @throws {DamagedVaultFileError} for a state that {@link encodeState} would not write. */
export function decodeState(bytes: Buffer, texts: RecordTexts): VaultState {
  const [first, ...rest] = splitLines(bytes);
  const { seals, recovery_psk: pskText } = check(stateLineSchema, parseLine(first ?? ""));
  const recoveryPsk = pskText === undefined ? undefined : Buffer.from(pskText, "hex");
  const collections: Record<CollectionName, Map<string, object>> = {
    services: new Map(),
    tokens: new Map(),
    policies: new Map(),
    settings: new Map(),
  };
  const files = new Map<string, StoredFileEntry>();
  for (const line of rest) {
    const { kind, name, value } = parseEntryLine(line);
    if (kind === "files") {
      addOnce(files, name, check(fileEntrySchema, value));
    } else {
      const record = toRecord(value);
      addOnce(collections[kind], name, record);
      const prefix = linePrefix(kind, name);
      if (line.startsWith(prefix)) texts.remember(record, line.slice(prefix.length, -1));
    }
  }
  return { seals, recoveryPsk, collections, files };
}

function linePrefix(kind: string, name: string): string {
  return `["${kind}",${PLAIN_NAME.test(name) ? `"${name}"` : JSON.stringify(name)},`;
}

function* splitLines(bytes: Buffer): Generator<string> {
  if (!isUtf8(bytes)) throw new DamagedVaultFileError("the state is not UTF-8");
  let start = 0;
  while (start <= bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    yield bytes.toString("utf8", start, end);
    start = end + 1;
  }
}

// By hand: there may be a hundred thousand of them, and a schema takes several times as long.
function parseEntryLine(line: string): { kind: CollectionName | "files"; name: string; value: unknown } {
  const entry = parseLine(line);
  if (!Array.isArray(entry) || entry.length !== 3)
    throw new DamagedVaultFileError("a line has the wrong shape");
  const [kindText, name, value] = entry as unknown[];
  const kind = ENTRY_KINDS.find((known) => known === kindText);
  if (kind === undefined || typeof name !== "string")
    throw new DamagedVaultFileError("a line has the wrong shape");
  return { kind, name, value };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new DamagedVaultFileError("a line of the state is not JSON");
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new DamagedVaultFileError("a line of the state has the wrong shape");
  return parsed.data;
}

function toRecord(value: unknown): object {
  try {
    return decodeRecord(value);
  } catch {
    throw new DamagedVaultFileError("a record of the state has the wrong shape");
  }
}

function addOnce<T>(map: Map<string, T>, name: string, value: T): void {
  if (map.has(name)) throw new DamagedVaultFileError("the state names one thing twice");
  map.set(name, value);
}
