import { REDIS_LIMITS } from "./limits.js";

export const ARRAY = 0x2a;
export const BULK_STRING = 0x24;

/** The line that an array or a bulk string begins with. */
export interface RespHeader {
  /** The count or the length; -1 is null. */
  readonly value: number;
  /** Where what follows begins. */
  readonly end: number;
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
/** As Redis reads numbers: no plus, no zeros in front. */
const NUMBER = /^(?:0|-1|[1-9]\d*)$/;

/**
 * Reads a type byte, a number, and the end of the line.
 * @returns undefined if the line is not whole yet
 */
export function readHeader(bytes: Buffer, offset: number): RespHeader | "broken" | undefined {
  const start = offset + 1;
  const limit = start + REDIS_LIMITS.numberDigits + 1;
  const end = bytes.subarray(0, limit).indexOf(CARRIAGE_RETURN, start);
  if (end === -1) return bytes.length < limit ? undefined : "broken";
  const number = bytes.toString("latin1", start, end);
  if (!NUMBER.test(number)) return "broken";
  if (end + 1 >= bytes.length) return undefined;
  if (bytes[end + 1] !== LINE_FEED) return "broken";
  return { value: Number(number), end: end + 2 };
}
