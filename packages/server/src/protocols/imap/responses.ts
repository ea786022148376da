import { ProtocolViolation } from "../../wire/protocol-violation.js";
import type { Parsed } from "../../wire/wire-socket.js";
import { parseCapabilities, type Capabilities } from "./capabilities.js";
import { IMAP_LIMITS } from "./limits.js";

export type Condition = "OK" | "NO" | "BAD" | "BYE" | "PREAUTH";

/** What a server says (RFC 9051 §7), as far as a log-in needs it. Its texts are for nobody here. */
export type Response =
  | { readonly kind: "continuation" }
  | {
      readonly kind: "status";
      /** Undefined if it is untagged. */
      readonly tag: string | undefined;
      readonly condition: Condition;
      /** The name of the response code, in capitals (RFC 9051 §7.1). */
      readonly code: string | undefined;
      readonly capabilities: Capabilities | undefined;
    }
  | { readonly kind: "capability"; readonly capabilities: Capabilities }
  /** Any other untagged response. */
  | { readonly kind: "data" };

const TAGGED = /^([^\x00-\x20\x7f-\uffff(){%*"\\+]+) (OK|NO|BAD)(?: (.*))?$/i;
const UNTAGGED_STATUS = /^\* (OK|NO|BAD|BYE|PREAUTH)(?: (.*))?$/i;
const CAPABILITY_DATA = /^\* CAPABILITY(?: (.*))?$/i;
const UNTAGGED = /^\* [^\x00-\x20]/;
/** `resp-text-code` at the beginning of `resp-text`. */
const RESPONSE_CODE = /^\[([^\x00-\x20\x7f-\uffff(){%*"\\\]]+)(?: ([^\]]*))?\]/;
const CAPABILITY_CODE = "CAPABILITY";
/** The announcement of a literal, whose bytes follow the line; `~` for binary ones (RFC 9051 §4.3). */
const LITERAL = /~?\{(\d{1,10})\+?\}$/;

/**
 * One response with its literals at the beginning of `bytes`; undefined if it is not whole yet.
 *
 * @throws ProtocolViolation
 */
export function parseResponse(bytes: Buffer): Parsed<Response> | undefined {
  const first = lineAt(bytes, 0);
  if (first === undefined) return undefined;
  const value = readLine(first.text);
  if (value.kind !== "data") return { value, length: first.end };
  let { text, end } = first;
  for (;;) {
    const size = LITERAL.exec(text)?.[1];
    if (size === undefined) return { value, length: end };
    const literalEnd = end + Number(size);
    if (literalEnd > IMAP_LIMITS.responseBytes) throw new ProtocolViolation("a literal is too long");
    const next = lineAt(bytes, literalEnd);
    if (next === undefined) return undefined;
    ({ text, end } = next);
  }
}

/** The line at `start` without its line end. A server's lines end in CRLF, which nothing else may hold a part of. */
function lineAt(bytes: Buffer, start: number): { readonly text: string; readonly end: number } | undefined {
  const lineFeed = bytes.indexOf(0x0a, start);
  if (lineFeed === -1) return undefined;
  const line = bytes.toString("latin1", start, lineFeed);
  if (line.indexOf("\r") !== line.length - 1 || line.includes("\0"))
    throw new ProtocolViolation("a line does not end in CRLF");
  return { text: line.slice(0, -1), end: lineFeed + 1 };
}

function readLine(line: string): Response {
  // Some servers leave the space behind the plus out.
  if (line === "+" || line.startsWith("+ ")) return { kind: "continuation" };
  const list = CAPABILITY_DATA.exec(line);
  if (list !== null) return { kind: "capability", capabilities: parseCapabilities(list[1] ?? "") };
  const untagged = UNTAGGED_STATUS.exec(line);
  if (untagged !== null) return readStatus(undefined, untagged[1], untagged[2]);
  const tagged = TAGGED.exec(line);
  if (tagged !== null) return readStatus(tagged[1], tagged[2], tagged[3]);
  if (UNTAGGED.test(line)) return { kind: "data" };
  throw new ProtocolViolation("a response is not IMAP");
}

function readStatus(tag: string | undefined, condition = "", text = ""): Response {
  const [, name, argument] = RESPONSE_CODE.exec(text) ?? [];
  const code = name?.toUpperCase();
  return {
    kind: "status",
    tag,
    condition: condition.toUpperCase() as Condition,
    code,
    capabilities: code === CAPABILITY_CODE ? parseCapabilities(argument ?? "") : undefined,
  };
}
