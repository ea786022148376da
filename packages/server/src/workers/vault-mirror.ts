import type { Collection } from "../vault/collection.js";
import { encodeRecord } from "../vault/record-codec.js";
import { WORKER_LIMITS } from "./limits.js";
import { MIRRORED, type MirroredCollection, type OwnerMessage, type SentRecord } from "./messages.js";

type RecordsMessage = Extract<OwnerMessage, { type: "records" }>;
type Mirrored = Readonly<Record<MirroredCollection, Pick<Collection<object>, "records">>>;

interface Version {
  readonly record: object;
  readonly number: number;
}

/** Knows what the workers have of the vault, and says what they need to have all of it. */
export interface VaultMirror {
  /** Everything, for a worker that has nothing. */
  whole(): RecordsMessage[];
  /** What the workers do not have yet. They have it when it was sent: the caller has to send it to each of them. */
  changes(collection: MirroredCollection): RecordsMessage[];
  /** A service's record as a worker had it; undefined for one that is too old. */
  serviceOf(name: string, version: number): object | undefined;
  /** The vault was locked. */
  clear(): void;
}

export function createVaultMirror(collections: Mirrored): VaultMirror {
  const known = new Map<MirroredCollection, Map<string, Version>>();
  /** By name, the oldest first. */
  const former = new Map<string, Version[]>();
  let last = 0;
  const versionsOf = (collection: MirroredCollection): Map<string, Version> => {
    const versions = known.get(collection) ?? new Map<string, Version>();
    known.set(collection, versions);
    return versions;
  };
  const retire = (name: string, version: Version): void => {
    former.set(name, [...(former.get(name) ?? []), version].slice(-WORKER_LIMITS.formerRecords));
  };

  const changes = (collection: MirroredCollection): RecordsMessage[] => {
    const { records } = collections[collection];
    const versions = versionsOf(collection);
    const set: SentRecord[] = [];
    const removed = [...versions.keys()].filter((name) => !records.has(name));
    for (const name of removed) {
      versions.delete(name);
      former.delete(name);
    }
    for (const [name, record] of records) {
      const before = versions.get(name);
      if (before?.record === record) continue;
      if (before !== undefined && collection === "services") retire(name, before);
      const version = { record, number: (last += 1) };
      versions.set(name, version);
      set.push(sent(name, version));
    }
    return inPieces(collection, set, removed);
  };

  return {
    whole() {
      return MIRRORED.flatMap((collection) => {
        const versions = versionsOf(collection);
        return inPieces(
          collection,
          [...versions].map(([name, version]) => sent(name, version)),
          [],
        );
      });
    },
    changes,
    serviceOf(name, number) {
      const current = versionsOf("services").get(name);
      const found = [...(former.get(name) ?? []), ...(current === undefined ? [] : [current])];
      return found.find((version) => version.number === number)?.record;
    },
    clear() {
      known.clear();
      former.clear();
    },
  };
}

function sent(name: string, { record, number }: Version): SentRecord {
  return [name, number, encodeRecord(record)];
}

function inPieces(
  collection: MirroredCollection,
  set: readonly SentRecord[],
  removed: readonly string[],
): RecordsMessage[] {
  if (set.length === 0 && removed.length === 0) return [];
  const pieces: RecordsMessage[] = [];
  const size = WORKER_LIMITS.recordsPerMessage;
  for (let from = 0; from === 0 || from < set.length; from += size) {
    const isFirst = from === 0;
    pieces.push({
      type: "records",
      collection,
      set: set.slice(from, from + size),
      removed: isFirst ? removed : [],
    });
  }
  return pieces;
}
