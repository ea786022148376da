import { expect, test } from "vitest";
import { expectedRecords } from "./expected-records.js";

test("an acknowledged change must be there, one in flight may be there, anything else is wrong", () => {
  const records = expectedRecords();
  for (const key of ["lost", "old", "stays", "deleted"]) {
    records.sent(key, 1);
    records.acknowledged(key);
  }
  records.sent("old", 2);
  records.acknowledged("old");
  records.sent("stays", 2);
  records.sent("deleted", undefined);
  records.acknowledged("deleted");
  records.sent("new", 1);
  expect(
    records
      .settle(
        new Map([
          ["old", 1],
          ["stays", 2],
          ["deleted", 1],
          ["unknown", 1],
        ]),
      )
      .sort(),
  ).toEqual([
    "deleted: expected nothing, found version 1",
    "lost: expected version 1, found nothing",
    "old: expected version 2, found version 1",
    "unknown: expected nothing, found version 1",
  ]);
  expect(records.version("stays")).toBe(2);
  expect(
    records.settle(
      new Map([
        ["old", 1],
        ["stays", 2],
        ["deleted", 1],
        ["unknown", 1],
      ]),
    ),
  ).toEqual([]);
});
