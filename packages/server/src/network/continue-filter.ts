import { VaultProxyError } from "../errors/vault-proxy-error.js";

/** An interim head is a line and a few fields. One that is larger is let through, for the parser to judge. */
const MAX_INTERIM_HEAD_BYTES = 8 * 1024;

/** `100 Continue` in front of one answer: there is no use for a second one, and each costs time. */
const MAX_CONTINUES = 32;

const STATUS_LINE_START = Buffer.from("HTTP/1.");
const STATUS_LINE_BYTES = "HTTP/1.1 100".length;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const EMPTY = Buffer.alloc(0);

/** Takes `100 Continue` out of the bytes that an upstream sends, in front of an answer only. */
export interface ContinueFilter {
  /**
   * @returns what of all bytes so far may be read now: empty while that cannot be told
   * @throws VaultProxyError `upstream_failed` for what does not begin as an answer of HTTP/1 (undici would read one of
   *   HTTP/2.0, or of RTSP, as if it were), and for more than 32 times `100 Continue` in front of one answer
   */
  take(chunk: Buffer): Buffer;
  /** Whether the last status line that was let through is one of HTTP/1.0. */
  readonly isHttp10: boolean;
  /** Whether there are bytes of which it cannot be told yet what they begin. */
  readonly isHolding: boolean;
  /** The answer is whole: what comes next is the beginning of another one. */
  answerEnded(): void;
}

/**
 * Some servers send `100 Continue` without being asked (RFC 9110 §15.2.1 lets them). The vault answers an expectation
 * itself, so that none of them is for the caller, and undici takes each for a broken answer. Other interim answers pass;
 * what follows them is looked at again. The body of an answer is never looked at.
 */
export function createContinueFilter(): ContinueFilter {
  let beforeAnswer = true;
  let held: Buffer = EMPTY;
  let continues = 0;
  let isHttp10 = false;

  const letGo = (bytes: Buffer): Buffer => {
    if (!mayBeAnswer(bytes)) throw invalidAnswer();
    isHttp10 = bytes[STATUS_LINE_START.length] === ZERO;
    beforeAnswer = false;
    held = EMPTY;
    return bytes;
  };

  return {
    take(chunk) {
      if (!beforeAnswer) return chunk;
      let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const passed: Buffer[] = [];
      for (;;) {
        const start = endOfEmptyLines(rest);
        if (start > 0) {
          passed.push(rest.subarray(0, start));
          rest = rest.subarray(start);
        }
        if (!mayBeInterim(rest)) return joined(passed, letGo(rest));
        const end = endOfHead(rest);
        if (end === -1) {
          if (rest.length > MAX_INTERIM_HEAD_BYTES) return joined(passed, letGo(rest));
          held = rest;
          return joined(passed, EMPTY);
        }
        if (!isContinue(rest)) passed.push(rest.subarray(0, end));
        else if ((continues += 1) > MAX_CONTINUES) throw invalidAnswer();
        rest = rest.subarray(end);
      }
    },
    answerEnded() {
      beforeAnswer = true;
      held = EMPTY;
      continues = 0;
    },
    get isHttp10() {
      return isHttp10;
    },
    get isHolding() {
      return held.length > 0;
    },
  };
}

function invalidAnswer(): VaultProxyError {
  return new VaultProxyError("upstream_failed", "the upstream's answer is not valid HTTP");
}

/** Empty lines in front of a status line, which the parser reads over. */
function endOfEmptyLines(bytes: Buffer): number {
  let end = 0;
  while (bytes[end] === CR || bytes[end] === LF) end += 1;
  return end;
}

/** Whether the bytes begin, as far as they go, as an answer of HTTP/1 does (RFC 9112 §4). */
function mayBeAnswer(bytes: Buffer): boolean {
  const compared = Math.min(bytes.length, STATUS_LINE_START.length);
  return bytes.compare(STATUS_LINE_START, 0, compared, 0, compared) === 0;
}

/** Whether the bytes begin, as far as they go, with the status line of an interim answer other than 101, the last one. */
function mayBeInterim(bytes: Buffer): boolean {
  if (!mayBeAnswer(bytes)) return false;
  const status = bytes.toString("latin1", STATUS_LINE_START.length + 2, STATUS_LINE_BYTES);
  if (!/^(?:1\d{0,2})?$/.test(status) || status === "101") return false;
  return bytes.length <= STATUS_LINE_START.length + 1 || bytes[STATUS_LINE_START.length + 1] === SPACE;
}

function isContinue(head: Buffer): boolean {
  return /^100[ \r\n]$/.test(head.toString("latin1", STATUS_LINE_START.length + 2, STATUS_LINE_BYTES + 1));
}

/** Behind the empty line; -1 if it is not there yet. Lines that end in LF alone are the parser's to judge. */
function endOfHead(bytes: Buffer): number {
  const head = bytes.subarray(0, MAX_INTERIM_HEAD_BYTES);
  const end = head.indexOf("\n\r\n");
  const bare = (end === -1 ? head : head.subarray(0, end)).indexOf("\n\n");
  if (bare !== -1) return bare + 2;
  return end === -1 ? -1 : end + 3;
}

function joined(passed: readonly Buffer[], last: Buffer): Buffer {
  return passed.length === 0 ? last : Buffer.concat([...passed, last]);
}
