import { ProtocolViolation } from "../../wire/protocol-violation.js";
import { REDIS_LIMITS } from "./limits.js";

/** Finds in a stream of replies where each ends, and keeps nothing of them. */
export interface ReplyCounter {
  /**
   * @returns how many replies ended in these bytes; what the server pushes by itself (RESP3 `>`) does not count
   * @throws ProtocolViolation for what is no reply
   */
  count(bytes: Buffer): number;
  /** Whether the bytes so far end with a whole reply or push. */
  readonly isAtBoundary: boolean;
}

/** How many replies make up one that is counted: a dictionary of three has six. */
const AGGREGATES: ReadonlyMap<string, number> = new Map([
  ["*", 1],
  ["~", 1],
  [">", 1],
  ["%", 2],
  ["|", 2],
]);
const BULKS: ReadonlySet<string> = new Set(["$", "!", "="]);
const LINES: ReadonlySet<string> = new Set(["+", "-", ":", "_", ",", "#", "("]);

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const NUMBER = /^(?:0|-1|[1-9]\d*)$/;

type State =
  | { readonly kind: "type" }
  /** In a line whose text means nothing. */
  | { readonly kind: "line" }
  /** In a line that ends with a length or a count. */
  | { readonly kind: "header"; readonly type: string; readonly digits: string }
  | { readonly kind: "bulk"; readonly remaining: number };

/** RESP2 and RESP3, without the streamed types, which no server sends. */
export function createReplyCounter(): ReplyCounter {
  /** What the aggregates that are open still lack, the outermost first. */
  const lacking: number[] = [];
  let state: State = { kind: "type" };
  let isPush = false;

  /** @returns replies that ended with the value that has just ended */
  const endValue = (): number => {
    state = { kind: "type" };
    for (;;) {
      const open = lacking.pop();
      if (open === undefined) return isPush ? 0 : 1;
      if (open > 1) {
        lacking.push(open - 1);
        return 0;
      }
    }
  };

  const endHeader = (type: string, digits: string): number => {
    if (!NUMBER.test(digits)) throw new ProtocolViolation("a reply has a length that is no number");
    const value = Number(digits);
    const factor = AGGREGATES.get(type);
    if (factor === undefined) {
      if (value < 0) return endValue();
      state = { kind: "bulk", remaining: value + 2 };
      return 0;
    }
    const elements = value * factor;
    // An attribute stands before the value that it belongs to, and is none itself.
    const lacks = type === "|" ? Math.max(0, elements) + 1 : elements;
    if (lacks <= 0) return endValue();
    if (lacking.length >= REDIS_LIMITS.replyDepth) throw new ProtocolViolation("a reply is nested too deep");
    lacking.push(lacks);
    state = { kind: "type" };
    return 0;
  };

  const beginValue = (type: string): void => {
    if (lacking.length === 0) isPush = type === ">";
    if (LINES.has(type)) state = { kind: "line" };
    else if (BULKS.has(type) || AGGREGATES.has(type)) state = { kind: "header", type, digits: "" };
    else throw new ProtocolViolation("a reply is of no known type");
  };

  return {
    get isAtBoundary() {
      return state.kind === "type" && lacking.length === 0;
    },
    count(bytes) {
      let replies = 0;
      let offset = 0;
      while (offset < bytes.length) {
        const current: State = state;
        if (current.kind === "bulk") {
          const taken = Math.min(current.remaining, bytes.length - offset);
          offset += taken;
          if (taken < current.remaining) state = { kind: "bulk", remaining: current.remaining - taken };
          else replies += endValue();
        } else if (current.kind === "line") {
          const end = bytes.indexOf(LINE_FEED, offset);
          if (end === -1) return replies;
          offset = end + 1;
          replies += endValue();
        } else {
          const byte = bytes[offset] ?? 0;
          offset += 1;
          if (current.kind === "type") beginValue(String.fromCharCode(byte));
          else if (byte === LINE_FEED) replies += endHeader(current.type, current.digits);
          else if (byte !== CARRIAGE_RETURN) {
            const digits = current.digits + String.fromCharCode(byte);
            if (digits.length > REDIS_LIMITS.numberDigits)
              throw new ProtocolViolation("a reply has a length that is too long");
            state = { ...current, digits };
          }
        }
      }
      return replies;
    },
  };
}
