/** Changes that are known by their number alone, so that writer and test agree on them without talking. */
import { createHash } from "node:crypto";

/** Larger than what the vault writes in one piece, so that a save has several writes. */
const LARGE_BYTES = 1_200_000;
const SMALL_BYTES = 3_000;
/** Names come back after this many changes, so that a writer that never ends keeps its vault small. */
const PERIOD = 40;

/**
 * @typedef {{ kind: "service", name: string, number: number }
 *   | { kind: "file", name: string, bytes: Buffer }
 *   | { kind: "delete file", name: string }} NumberedChange
 *
 * @typedef {object} Contents What a vault holds, in a form that is easy to compare.
 * @property {Record<string, number>} services By name: the number of the change that wrote it.
 * @property {Record<string, string>} files By name: a digest of the bytes.
 */

/**
 * @param {number} number From 1; change 1 stores a large file.
 * @returns {NumberedChange}
 */
export function numberedChange(number) {
  if (number === 1) return { kind: "file", name: "large", bytes: bytesOf(number, LARGE_BYTES) };
  switch (number % 4) {
    case 1:
      return { kind: "service", name: `service-${String(number % PERIOD)}`, number };
    case 2:
      return { kind: "file", name: `file-${String(number % PERIOD)}`, bytes: bytesOf(number, SMALL_BYTES) };
    case 3:
      return { kind: "service", name: "replaced", number };
    default:
      return { kind: "delete file", name: `file-${String((number - 2) % PERIOD)}` };
  }
}

/**
 * @param {readonly number[]} numbers The changes made, in their order.
 * @returns {Contents}
 */
export function contentsAfter(numbers) {
  /** @type {Contents} */
  const contents = { services: {}, files: {} };
  for (const number of numbers) {
    const change = numberedChange(number);
    if (change.kind === "service") contents.services[change.name] = change.number;
    else if (change.kind === "file") contents.files[change.name] = digestOf(change.bytes);
    else delete contents.files[change.name];
  }
  return contents;
}

/** @param {number} number The secret of the service that change `number` writes. */
export function secretOf(number) {
  return `secret-${String(number)}`;
}

/** @param {Buffer} bytes */
export function digestOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * @param {number} number
 * @param {number} size
 */
function bytesOf(number, size) {
  return Buffer.alloc(size, `change ${String(number)}\n`);
}
