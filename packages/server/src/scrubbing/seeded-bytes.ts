import { createHash } from "node:crypto";

/** Bytes that look random and are the same in every process that has the seed. */
export function createSeededBytes(seed: Buffer): (size: number) => Buffer {
  let drawn = 0;
  return (size) => {
    drawn += 1;
    return createHash("shake256", { outputLength: size }).update(seed).update(`/${drawn}`).digest();
  };
}
