import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";

import { createOutput, printable } from "./output.js";

function capture(terminal: boolean, env = {}, json = false, columns = 0) {
  const stdout = Object.assign(new PassThrough(), { isTTY: terminal, columns });
  const stderr = Object.assign(new PassThrough(), { isTTY: terminal, columns });
  const read = (stream: PassThrough) => String(stream.read() ?? "");
  const output = createOutput({ stdout, stderr, env, json });
  return { output, stdout: () => read(stdout), stderr: () => read(stderr) };
}

const failure = { message: "no", hint: "do it", code: "x", exitCode: 1 } as const;

describe("output", () => {
  test("colours go to terminals only, and NO_COLOR turns them off", async () => {
    for (const [terminal, env, coloured] of [
      [true, {}, true],
      [true, { NO_COLOR: "1" }, false],
      [true, { NO_COLOR: "" }, true],
      [true, { TERM: "dumb" }, false],
      [false, { FORCE_COLOR: "1" }, false],
    ] as const) {
      const { output, stdout, stderr } = capture(terminal, env);
      output.failure(failure);
      await output.table(["A"], [["b"]]);
      expect(stderr().includes("\u001b")).toBe(coloured);
      expect(stdout().includes("\u001b")).toBe(coloured);
    }
  });

  test("a table has no borders and shows no control characters", async () => {
    const { output, stdout } = capture(false);
    await output.table(
      ["NAME", "URL"],
      [
        ["a\u001b[2J", "https://x"],
        ["long name", "y\u202e"],
      ],
    );
    expect(stdout()).toBe("NAME       URL\na?[2J      https://x\nlong name  y?\n");
  });

  test("warnings and failures are broken between words on a terminal, tables and results are not", () => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 20 });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 20 });
    const output = createOutput({ stdout, stderr, env: { NO_COLOR: "1" }, json: false });
    output.warn("one two three four five");
    output.failure({ ...failure, message: "six seven eight nine" });
    expect(String(stderr.read())).toBe(
      "warning: one two\nthree four five\nerror: six seven\neight nine: do it\n",
    );
    output.result("one two three four five");
    output.verdict("ok", "one two three four");
    expect(String(stdout.read())).toBe("one two three four five\nok    one two three\n      four\n");
  });

  test("failures are one line, with their hint; usage hints have their own", () => {
    const { output, stdout, stderr } = capture(false);
    output.failure(failure);
    expect(stderr()).toBe("error: no: do it\n");
    output.failure({ ...failure, exitCode: 2 });
    expect(stderr()).toBe("error: no\nhint: do it\n");
    expect(stdout()).toBe("");
  });

  test("with --json a failure is one JSON line on stderr", () => {
    const { output, stderr } = capture(false, {}, true);
    output.failure({ ...failure, status: 423, requestId: "req_1" });
    expect(JSON.parse(stderr())).toEqual({
      error: "no",
      code: "x",
      status: 423,
      hint: "do it",
      request_id: "req_1",
    });
  });
});

const SENTENCE = "the quick brown fox jumps over the lazy dog beside the brook and into https://fox.example/";

test.each([80, 60, 40])("prose is broken between words at %d columns, and nowhere in a pipe", (columns) => {
  for (const terminal of [true, false]) {
    const { output, stdout, stderr } = capture(terminal, { NO_COLOR: "1" }, false, columns);
    output.confirm(SENTENCE);
    output.prose(`label  ${SENTENCE}`, 7);
    output.verdict("warn", SENTENCE, SENTENCE);
    output.note(SENTENCE);
    output.warn(SENTENCE);
    output.failure({ ...failure, message: SENTENCE, hint: SENTENCE });
    const lines = (stdout() + stderr()).trimEnd().split("\n");
    const said = lines.join(" ").replace(/ +/g, " ");
    expect(said.split(SENTENCE)).toHaveLength(9);
    if (terminal) expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns);
    else expect(lines).toHaveLength(7);
  }
});

test("what is for a program is one line on a terminal too", () => {
  const { output, stdout } = capture(true, {}, false, 40);
  output.result(SENTENCE);
  expect(stdout()).toBe(`${SENTENCE}\n`);
});

const EVIL = "a\u001b]0;x\u0007\n\u007f\u009b2J\u202e\u200f\u{e0001}z";
const MOVES_CURSOR = /[^\P{Cc}\n]|\p{Cf}/u;

describe("what a server says", () => {
  test("moves no cursor and begins no line, wherever it is shown", () => {
    const { output, stdout, stderr } = capture(false);
    const shown = "a?]0;x????2J???z";
    output.result(EVIL);
    expect(stdout()).toBe(`${shown}\n`);
    output.note(EVIL);
    output.warn(EVIL);
    expect(stderr()).toBe(`${shown}\nwarning: ${shown}\n`);
    output.failure({ ...failure, message: EVIL, hint: EVIL });
    output.failure({ ...failure, message: EVIL, hint: undefined });
    output.failure({ ...failure, message: EVIL, hint: EVIL, exitCode: 2 });
    expect(stderr()).toBe(`error: ${shown}: ${shown}\nerror: ${shown}\nerror: ${shown}\nhint: ${shown}\n`);
  });

  test("is escaped in JSON, and is the same when read", () => {
    const { output, stdout, stderr } = capture(false, {}, true);
    output.data({ [EVIL]: EVIL });
    output.failure({ ...failure, message: EVIL });
    const [data, told] = [stdout(), stderr()];
    expect(data + told).not.toMatch(MOVES_CURSOR);
    expect(data).toContain("\\u007f\\u009b2J\\u202e\\u200f\\udb40\\udc01z");
    expect(JSON.parse(data)).toEqual({ [EVIL]: EVIL });
    expect(JSON.parse(told)).toMatchObject({ error: EVIL });
  });
});

test("printable keeps text and drops what moves a cursor", () => {
  expect(printable("Grüße 你好 🎉\u001b[1m\r\n\u0000\u200f")).toBe("Grüße 你好 🎉?[1m????");
});
