import { hasCapability, type Capabilities } from "./capabilities.js";
import { IMAP_LIMITS } from "./limits.js";

/** What `quoted` can hold in every version of the protocol (RFC 3501 §9): 7 bits, no NUL, no line end. */
const QUOTABLE = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;

/**
 * A command that ends with strings, in the parts in which it is sent: after each but the last, the server must ask for
 * the next (RFC 9051 §4.3).
 */
export function commandWithStrings(
  name: string,
  strings: readonly string[],
  capabilities: Capabilities,
): readonly string[] {
  const parts: string[] = [];
  let part = name;
  for (const string of strings) {
    if (QUOTABLE.test(string) && string.length < IMAP_LIMITS.quotedBytes) {
      part += ` "${string.replace(/["\\]/g, "\\$&")}"`;
      continue;
    }
    const size = Buffer.byteLength(string);
    if (needsNoAsking(size, capabilities)) {
      part += ` {${size}+}\r\n${string}`;
      continue;
    }
    parts.push(`${part} {${size}}\r\n`);
    part = string;
  }
  return [...parts, `${part}\r\n`];
}

/** RFC 7888 §4 and §5. */
function needsNoAsking(size: number, capabilities: Capabilities): boolean {
  if (hasCapability(capabilities, "LITERAL+")) return true;
  return hasCapability(capabilities, "LITERAL-") && size <= IMAP_LIMITS.shortLiteralBytes;
}
