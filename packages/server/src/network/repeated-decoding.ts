const PERCENT = 0x25;
const UPPER_U = 0x55;
const LOWER_U = 0x75;

/** How many bytes "%uXXXX" has in front of its last digit. */
const UNICODE_ESCAPE_START = 5;

/**
 * A text as bytes, with every escape decoded, those included that decoding makes: `%XX`, the `%u00XX` of some servers,
 * and overlong UTF-8 (RFC 3629 §10) of any length, which is read as the ASCII character that some decoders take it for.
 *
 * Escapes never overlap, so the order of decoding makes no difference, and one pass with a stack gives what repeated
 * passes would give in quadratic time. Time and memory are linear.
 *
 * @param text of characters up to U+00FF
 */
export function decodeRepeatedly(text: string): Uint8Array {
  const stack = new Uint8Array(text.length);
  let top = 0;
  for (let index = 0; index < text.length; index += 1) {
    let pending = text.charCodeAt(index);
    while (pending !== -1) {
      const escaped = escapeAtEnd(stack, top, pending);
      if (escaped === undefined) {
        stack[top] = pending;
        top += 1;
        pending = -1;
      } else {
        top -= escaped.taken;
        pending = escaped.code;
      }
    }
  }
  return stack.subarray(0, top);
}

/** The escape that `last` completes; `taken`: how many bytes in front of it belong to it. */
function escapeAtEnd(
  stack: Uint8Array,
  top: number,
  last: number,
): { readonly code: number; readonly taken: number } | undefined {
  const low = hexDigit(last);
  if (low !== -1 && top >= 2) {
    const high = hexDigit(stack[top - 1] ?? 0);
    if (high !== -1 && stack[top - 2] === PERCENT) return { code: high * 16 + low, taken: 2 };
    if (high !== -1 && isUnicodeEscape(stack, top))
      return { code: high * 16 + low, taken: UNICODE_ESCAPE_START };
  }
  if (last < 0x80 || last > 0xbf) return undefined;
  const taken = overlongStart(stack, top);
  return taken === 0 ? undefined : { code: (((stack[top - 1] ?? 0) & 1) << 6) | (last & 0x3f), taken };
}

/** Whether the bytes before the last digit are "%u00X". */
function isUnicodeEscape(stack: Uint8Array, top: number): boolean {
  const start = top - UNICODE_ESCAPE_START;
  if (start < 0 || stack[start] !== PERCENT) return false;
  const mark = stack[start + 1];
  const isMarked = mark === LOWER_U || mark === UPPER_U;
  return isMarked && hexDigit(stack[start + 2] ?? 0) === 0 && hexDigit(stack[start + 3] ?? 0) === 0;
}

/**
 * How many bytes at the end of the stack begin an overlong ASCII character, whose last byte is to come: C0 or C1, or
 * the first byte of a longer sequence (E0, F0, F8, FC) with 80 behind it, and then 80 or 81. 0 for none.
 */
function overlongStart(stack: Uint8Array, top: number): number {
  const last = stack[top - 1];
  if (last === 0xc0 || last === 0xc1) return 1;
  if (last !== 0x80 && last !== 0x81) return 0;
  let taken = 2;
  for (const first of [0xe0, 0xf0, 0xf8, 0xfc]) {
    const before = stack[top - taken];
    if (before === first) return taken;
    if (before !== 0x80) return 0;
    taken += 1;
  }
  return 0;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
