import { sharesTokens } from "../auth-strategies/same-credential.js";
import type { ServiceRecord } from "../auth-strategies/service-definition.js";
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

/** Versions of a service that follow each other and share their tokens: each refresh makes one more. */
interface Era {
  /** The number of the first of them. */
  readonly from: number;
  /** The last of them. */
  readonly record: object;
}

/** Knows what the workers have of the vault, and says what they need to have all of it. */
export interface VaultMirror {
  /** Everything, for a worker that has nothing. */
  whole(): RecordsMessage[];
  /** What the workers do not have yet. They have it when it was sent: the caller has to send it to each of them. */
  changes(collection: MirroredCollection): RecordsMessage[];
  /**
   * A service's record as a worker had it, but for what token refreshes have changed since; undefined for one that is
   * too old.
   */
  serviceOf(name: string, version: number): object | undefined;
  /** The vault was locked. */
  clear(): void;
}

export function createVaultMirror(collections: Mirrored): VaultMirror {
  const known = new Map<MirroredCollection, Map<string, Version>>();
  /** Of each service, the oldest first. */
  const eras = new Map<string, readonly Era[]>();
  let last = 0;
  const versionsOf = (collection: MirroredCollection): Map<string, Version> => {
    const versions = known.get(collection) ?? new Map<string, Version>();
    known.set(collection, versions);
    return versions;
  };
  const noteService = (name: string, { record, number }: Version): void => {
    const before = eras.get(name) ?? [];
    const last = before.at(-1);
    const goesOn =
      last !== undefined && sharesTokens(last.record as ServiceRecord, record as ServiceRecord)
        ? last
        : undefined;
    const kept = goesOn === undefined ? before.slice(-WORKER_LIMITS.formerCredentials) : before.slice(0, -1);
    eras.set(name, [...kept, { from: goesOn?.from ?? number, record }]);
  };

  const changes = (collection: MirroredCollection): RecordsMessage[] => {
    const { records } = collections[collection];
    const versions = versionsOf(collection);
    const set: SentRecord[] = [];
    const removed = [...versions.keys()].filter((name) => !records.has(name));
    for (const name of removed) {
      versions.delete(name);
      if (collection === "services") eras.delete(name);
    }
    for (const [name, record] of records) {
      const before = versions.get(name);
      if (before?.record === record) continue;
      const version = { record, number: (last += 1) };
      if (collection === "services") noteService(name, version);
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
    serviceOf: (name, number) => eras.get(name)?.findLast(({ from }) => from <= number)?.record,
    clear() {
      known.clear();
      eras.clear();
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
