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

  test("the head of an answer is held back for its first twelve bytes at most", () => {
    expect(pass(["HTTP/1.1 200"])).toBe("HTTP/1.1 200");
    expect(pass(["HTTP/1.1 2"])).toBe("HTTP/1.1 2");
    expect(pass(["garbage"])).toBe("garbage");
    expect(pass(["HTTP/1.1 1000 X\r\n\r\n"])).toBe("HTTP/1.1 1000 X\r\n\r\n");
    expect(pass(["HTTP/1.1x100"])).toBe("HTTP/1.1x100");
  });

  test("passes byte for byte", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (pieces) => {
        const filter = createContinueFilter();
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
