import fc from "fast-check";
import { expect, test } from "vitest";
import { createTimeText } from "./time-text.js";

test("is what Date makes of any times, one after the other", () => {
  const time = fc.oneof(
    fc.integer({ min: 0, max: 5000 }),
    fc.date({ noInvalidDate: true }).map((date) => date.getTime()),
  );
  fc.assert(
    fc.property(fc.array(time), (times) => {
      const timeText = createTimeText();
      for (const each of times) expect(timeText(each)).toBe(new Date(each).toISOString());
    }),
  );
});
