import fc from "fast-check";
import { expect, test } from "vitest";

import { fittedTable } from "./fitted-table.js";
import { columnsOf } from "./terminal-width.js";

test("what fits is left as it is", () => {
  const rows = [["a", "https://x"]];
  expect(fittedTable(["ID", "ADDRESS"], rows, 13)).toEqual({ head: ["ID", "ADDRESS"], rows, dropped: [] });
});

test("the widest column is cut first, the first never", () => {
  const rows = [["a-rather-long-name", "https://api.example.com/v1", "bearer"]];
  expect(fittedTable(["NAME", "ADDRESS", "AUTH"], rows, 40).rows).toEqual([
    ["a-rather-long-name", "https://api…", "bearer"],
  ]);
});

test("columns are left out from the last where cutting is not enough, and named", () => {
  const rows = [["a-rather-long-name", "https://api.example.com/v1", "bearer"]];
  expect(fittedTable(["NAME", "ADDRESS", "AUTH"], rows, 30)).toEqual({
    head: ["NAME", "ADDRESS"],
    rows: [["a-rather-long-name", "https://a…"]],
    dropped: ["AUTH"],
  });
});

test("a column that is empty in all rows makes room for the others, without a word", () => {
  const head = ["TOKEN", "NAME", "LAST USED", "PARENT"];
  const rows = [
    ["tok_A...", "", "5 min ago", ""],
    ["tok_B...", "", "", ""],
  ];
  const shown = {
    head: ["TOKEN", "LAST USED"],
    rows: [
      ["tok_A...", "5 min ago"],
      ["tok_B...", ""],
    ],
    dropped: [],
  };
  expect(fittedTable(head, rows, 80)).toEqual(shown);
  expect(fittedTable(head, rows, 19)).toEqual(shown);
  expect(fittedTable(head, [], 80).head).toEqual(head);
});

test("a name in another script takes the room that it fills", () => {
  const rows = [["日本語のエージェント", "proxy"]];
  expect(fittedTable(["NAME", "SCOPE"], rows, 27)).toMatchObject({ rows, dropped: [] });
  expect(fittedTable(["NAME", "SCOPE"], rows, 26).dropped).toEqual(["SCOPE"]);
});

test("a title in another script takes the room that it fills", () => {
  expect(fittedTable(["NAME", "住所は日本語です"], [["ab", "一二三四五六七八九"]], 22).rows).toEqual([
    ["ab", "一二三四五六七…"],
  ]);
  expect(fittedTable(["NAME", "住所は日本語です"], [["ab", "一二三四五六七八九"]], 21).dropped).toEqual([
    "住所は日本語です",
  ]);
});

test("a row is never wider than the terminal, unless its name alone is", () => {
  const cell = fc.string({ maxLength: 40, unit: "grapheme" });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }).chain((columns) => {
        const line = fc.array(cell, { minLength: columns, maxLength: columns });
        return fc.tuple(line, fc.array(line, { maxLength: 4 }), fc.integer({ min: 1, max: 120 }));
      }),
      ([head, rows, width]) => {
        const fitted = fittedTable(head, rows, width);
        const names = Math.max(...[head, ...rows].map((row) => columnsOf(row[0] ?? "")));
        const isFilled = (column: number): boolean =>
          column === 0 || rows.length === 0 || rows.some((row) => row[column] !== "");
        expect([...fitted.head, ...fitted.dropped]).toEqual(head.filter((_, column) => isFilled(column)));
        expect(fitted.rows.map((row) => row[0])).toEqual(rows.map((row) => row[0]));
        const widths = fitted.head.map((title, column) =>
          Math.max(...[title, ...fitted.rows.map((row) => row[column] ?? "")].map(columnsOf)),
        );
        const total = widths.reduce((sum, each) => sum + each, 0) + 2 * (widths.length - 1);
        expect(total).toBeLessThanOrEqual(Math.max(width, names));
      },
    ),
  );
});
