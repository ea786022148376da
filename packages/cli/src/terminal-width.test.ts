import fc from "fast-check";
import { expect, test } from "vitest";

import { columnsOf, cutToColumns } from "./terminal-width.js";

test.each([
  ["", 0],
  ["agent", 5],
  ["агент", 5],
  ["e\u0301", 1],
  ["…—", 2],
  ["日本", 4],
  ["한국", 4],
  ["ﾊﾛ", 2],
  ["🚀", 2],
  ["👩‍👩‍👧", 2],
  ["☺\ufe0f", 2],
])("%s fills %d columns", (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
});

test("a text is cut between two characters, in no more columns than there are", () => {
  expect(cutToColumns("agent", 5)).toBe("agent");
  expect(cutToColumns("agents", 5)).toBe("agen…");
  expect(cutToColumns("日本語", 6)).toBe("日本語");
  expect(cutToColumns("日本語", 5)).toBe("日本…");
  expect(cutToColumns("日本語", 4)).toBe("日…");
  expect(cutToColumns("a🚀b🚀", 3)).toBe("a…");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      const cut = cutToColumns(text, columns);
      expect(columnsOf(cut)).toBeLessThanOrEqual(columns);
      expect(cut === text || text.startsWith(cut.slice(0, -1))).toBe(true);
      expect(cut.isWellFormed()).toBe(true);
    }),
  );
});
