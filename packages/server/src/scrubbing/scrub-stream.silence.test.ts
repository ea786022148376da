import { expect, test } from "vitest";
import { ScrubStream } from "./scrub-stream.js";
import { compilePatterns } from "./secret-matcher.js";

test("a silence lets nothing go where one form of a secret goes on behind another", () => {
  const stream = new ScrubStream(compilePatterns([Buffer.from("aaaaaaa&"), Buffer.from("aaaaaaa&amp;")]));
  const out = [stream.push(Buffer.from("aaaaaaa&"))];
  for (const character of "amp;") out.push(stream.push(Buffer.from(character)), stream.letGo());
  expect(Buffer.concat([...out, stream.end()]).toString()).toBe("*".repeat(12));
});
