import type { CancelRequest } from "./startup-packet.js";

/** The keys by which the connections of one session can have their queries cancelled. */
export interface CancelKeys {
  has(key: CancelRequest): boolean;
  /** @returns forgets it */
  add(key: CancelRequest): () => void;
}

export function cancelKeys(): CancelKeys {
  const nameOf = ({ processId, key }: CancelRequest): string => `${String(processId)} ${key.toString("hex")}`;
  // Counted, since a server may give the same key to two connections one after the other.
  const counts = new Map<string, number>();
  return {
    has: (key) => counts.has(nameOf(key)),
    add(key) {
      const name = nameOf(key);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return () => {
        const left = (counts.get(name) ?? 1) - 1;
        if (left === 0) counts.delete(name);
        else counts.set(name, left);
      };
    },
  };
}
