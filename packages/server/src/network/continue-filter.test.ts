import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createContinueFilter } from "./continue-filter.js";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const CONTINUE_WITH_FIELDS = "HTTP/1.0 100\r\nX-Note: HTTP/1.1 200\r\nServer: a\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n";

function pass(pieces: readonly string[]): string {
  const filter = createContinueFilter();
  return pieces.map((piece) => filter.take(Buffer.from(piece, "latin1")).toString("latin1")).join("");
}

describe("100 Continue in front of an answer", () => {
  test.each([
    ["alone", CONTINUE + ANSWER, ANSWER],
    ["with fields", CONTINUE_WITH_FIELDS + ANSWER, ANSWER],
    ["more than once", CONTINUE + CONTINUE + ANSWER, ANSWER],
    ["before and behind another interim answer", CONTINUE + HINTS + CONTINUE + ANSWER, HINTS + ANSWER],
    ["with lines that end in LF", "HTTP/1.1 100 Continue\nA: b\n\n" + ANSWER, ANSWER],
  ])("is taken out, %s, however the bytes come", (_where, sent, expected) => {
    expect(pass([sent])).toBe(expected);
    expect(pass(sent.match(/[^]/g)!)).toBe(expected);
    for (let cut = 1; cut < sent.length; cut += 1) {
      expect(pass([sent.slice(0, cut), sent.slice(cut)])).toBe(expected);
    }
  });

  test("is taken out of the next answer too, once this one has ended", () => {
    const filter = createContinueFilter();
    const take = (text: string): string => filter.take(Buffer.from(text)).toString();
    expect(take(CONTINUE + ANSWER)).toBe(ANSWER);
    expect(take(CONTINUE)).toBe(CONTINUE);
    filter.answerEnded();
    expect(take(CONTINUE.slice(0, 10))).toBe("");
    expect(take(CONTINUE.slice(10) + ANSWER)).toBe(ANSWER);
  });
});

describe("what is not 100 Continue", () => {
  test("the body of an answer passes, also where it reads like one, in pieces of its own", () => {
    expect(pass([ANSWER, CONTINUE])).toBe(ANSWER + CONTINUE);
    expect(pass((ANSWER + CONTINUE).match(/[^]/g)!)).toBe(ANSWER + CONTINUE);
  });

  test("101 passes with all that follows it", () => {
    const switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    expect(pass([switched, CONTINUE])).toBe(switched + CONTINUE);
  });

  test("an interim head without an end is let through before it fills the memory", () => {
    const endless = `HTTP/1.1 100 Continue\r\nX: ${"x".repeat(9000)}`;
    expect(pass([endless, CONTINUE])).toBe(endless + CONTINUE);
  });

  test("more than 32 of them in front of one answer are refused, in one piece or in many", () => {
    const many = CONTINUE.repeat(32);
    const refused = expect.objectContaining({ code: "upstream_failed" }) as Error;
    expect(pass([many + HINTS + ANSWER])).toBe(HINTS + ANSWER);
    expect(() => pass([many + HINTS + CONTINUE + ANSWER])).toThrow(refused);
    expect(() => pass([...many.match(/[^]{1,9}/g)!, HINTS, CONTINUE])).toThrow(refused);
  });

  test("and those in front of the next answer are counted anew", () => {
    const filter = createContinueFilter();
    for (let answers = 0; answers < 3; answers += 1) {
      expect(filter.take(Buffer.from(CONTINUE.repeat(32) + ANSWER)).toString()).toBe(ANSWER);
      filter.answerEnded();
    }
  });

  test("a long run of interim heads costs linear time", () => {
    const long = HINTS.repeat(200_000);
    const started = performance.now();
    expect(pass([long])).toBe(long);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test.each([
    ["HTTP/1.0 200 OK\r\n", true],
    ["HTTP/1.1 200 OK\r\n", false],
    [`HTTP/1.0 103 Early Hints\r\n\r\n${ANSWER}`, false],
    ["\r\n\nHTTP/1.0 200 OK\r\n", true],
    ["HTTP/1.0 101 Switching Protocols\r\n", true],
  ])("%j is one of HTTP/1.0: %s", (sent, expected) => {
    for (const pieces of [[sent], sent.match(/[^]/g)!]) {
      const filter = createContinueFilter();
      for (const piece of pieces) filter.take(Buffer.from(piece));
      expect(filter.isHttp10).toBe(expected);
    }
  });

  test.each([
    "HTTP/2.0 200 OK\r\n",
    "RTSP/1.0 200 OK\r\n",
    "garbage",
    "HTTP/0.9 200 OK\r\n",
    "\r\nHTTP/2.0 100 Continue\r\n",
    `${HINTS}HTTP/2`,
  ])("%j is no answer of HTTP/1, and refused", (sent) => {
    const refused = expect.objectContaining({ code: "upstream_failed" }) as Error;
    expect(() => pass([sent])).toThrow(refused);
    expect(() => pass(sent.match(/[^]/g)!)).toThrow(refused);
  });

  test("empty lines in front of an answer pass, and do not hide what follows them", () => {
    expect(pass([`\r\n\r\n${CONTINUE}${ANSWER}`])).toBe(`\r\n\r\n${ANSWER}`);
  });

  test("the head of an answer is held back for its first twelve bytes at most", () => {
    expect(pass(["HTTP/1.1 200"])).toBe("HTTP/1.1 200");
    expect(pass(["HTTP/1.1 2"])).toBe("HTTP/1.1 2");
    expect(pass(["HTTP/1.1 1000 X\r\n\r\n"])).toBe("HTTP/1.1 1000 X\r\n\r\n");
    expect(pass(["HTTP/1.1x100"])).toBe("HTTP/1.1x100");
  });

  test("passes byte for byte", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (pieces) => {
        const filter = createContinueFilter();
        pieces.unshift(Buffer.from("HTTP/1.1 2"));
        const passed = Buffer.concat(pieces.map((piece) => filter.take(Buffer.from(piece))));
        expect(passed.equals(Buffer.concat(pieces))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 80 }), { maxLength: 6 }),
        fc.string({ unit: "binary-ascii" }),
        (cuts, body) => {
          const sent = ANSWER + body;
          const marks = [...new Set([0, ...cuts, sent.length])].sort((a, b) => a - b);
          expect(pass(marks.map((mark, index) => sent.slice(mark, marks[index + 1])))).toBe(sent);
        },
      ),
    );
  });
});
