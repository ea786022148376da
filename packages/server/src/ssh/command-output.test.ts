import fc from "fast-check";
import { expect, test } from "vitest";
import { createOutputBudget, createOutputDecoders } from "./command-output.js";

/** Bytes as a server sends them: text in any language, and what is none. */
const output = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
  )
  .map((pieces) => Buffer.concat(pieces));

test("a stream gives every byte once and in order, however it is split", () => {
  fc.assert(
    fc.property(output, fc.array(fc.nat(64)), (bytes, cuts) => {
      const { stdout } = createOutputDecoders();
      const given: Buffer[] = [];
      let at = 0;
      for (const length of [...cuts, bytes.length]) {
        const piece = stdout.push(bytes.subarray(at, at + length));
        if (piece !== undefined) given.push(piece.text === undefined ? piece.bytes : Buffer.from(piece.text));
        at += length;
      }
      const rest = stdout.finish();
      if (rest !== undefined) given.push(rest.text === undefined ? rest.bytes : Buffer.from(rest.text));
      expect(Buffer.concat(given).equals(bytes)).toBe(true);
    }),
  );
});

test("text that is split at every byte stays text", () => {
  const text = "aü€😀z";
  const { stderr } = createOutputDecoders();
  const given = [...Buffer.from(text)].map((byte) => stderr.push(Buffer.from([byte])));
  expect(given.map((piece) => piece?.text ?? "").join("")).toBe(text);
  expect(given.filter((piece) => piece !== undefined && piece.text === undefined)).toEqual([]);
  expect(stderr.finish()).toBeUndefined();
});

test("collected output is told to be text only where it is, and has room for so much in all", () => {
  const budget = createOutputBudget(4);
  const one = budget.collect();
  void one.take("stdout", Buffer.from([0xc3]));
  void one.take("stdout", Buffer.from([0xbc]));
  void one.take("stderr", Buffer.from([0xff]));
  const other = budget.collect();
  expect(() => other.take("stdout", Buffer.from("ab"))).toThrow("too much output");
  const { stdout, stderr } = one.result();
  expect([stdout.bytes.toString(), stdout.isText, stderr.isText]).toEqual(["ü", true, false]);
  one.release();
  one.release();
  void other.take("stdout", Buffer.from("abcd"));
  expect(() => other.take("stdout", Buffer.from("e"))).toThrow("too much output");
});
