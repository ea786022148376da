import type { AuditKey } from "../audit-key.js";
import { mostBytesOfLine, sealLine, type ChainEnd } from "../chain.js";

/** A line as `sealLine` writes it, with its line feed. */
export function sealedText(
  end: ChainEnd,
  members: string,
  key: AuditKey | undefined,
): { readonly text: string; readonly end: ChainEnd } {
  const bytes = Buffer.alloc(mostBytesOfLine(members));
  const line = sealLine(end, members, key, bytes, 0);
  return { text: bytes.toString("utf8", 0, line.size), end: line.end };
}
