/** How large a terminal is, in characters (RFC 4254 §6.2). */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** Of columns and of rows. */
export const MAX_TERMINAL_SIDE = 1000;

const RESIZE = 0x01;
const RESIZE_BYTES = 5;

/**
 * What a client's binary message asks for: `01 colsHi colsLo rowsHi rowsLo` makes the terminal that large.
 * @returns undefined for every other message, and for a size that no terminal has
 */
export function readTerminalFrame(message: Uint8Array): TerminalSize | undefined {
  if (message.length !== RESIZE_BYTES || message[0] !== RESIZE) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const [cols, rows] = [view.getUint16(1), view.getUint16(3)];
  return isSide(cols) && isSide(rows) ? { cols, rows } : undefined;
}

function isSide(length: number): boolean {
  return length >= 1 && length <= MAX_TERMINAL_SIDE;
}
