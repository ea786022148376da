import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LiveList, NOWHERE, type LiveItem } from "./live-list.js";

const items = (count: number): LiveItem[] => Array.from({ length: count }, () => ({ place: NOWHERE }));

describe("a live list", () => {
  test("holds what a set would hold, whatever is added and removed", () => {
    const steps = fc.array(fc.record({ add: fc.boolean(), index: fc.nat(9) }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (chosen) => {
        const all = items(10);
        const list = new LiveList<LiveItem>();
        const model = new Set<LiveItem>();
        for (const { add, index } of chosen) {
          const item = all[index]!;
          if (!add) expect(list.delete(item)).toBe(model.delete(item));
          else if (!model.has(item)) {
            list.add(item);
            model.add(item);
          }
          expect(list.size).toBe(model.size);
          expect(new Set(list.snapshot())).toEqual(model);
        }
      }),
    );
  });

  test("refuses an item that is in a list", () => {
    const [item] = items(1);
    const list = new LiveList<LiveItem>();
    list.add(item!);
    expect(() => list.add(item!)).toThrow(RangeError);
    expect(() => new LiveList<LiveItem>().add(item!)).toThrow(RangeError);
  });

  test("does not remove what is in another list", () => {
    const [one, other] = items(2);
    const list = new LiveList<LiveItem>();
    const another = new LiveList<LiveItem>();
    list.add(one!);
    another.add(other!);
    expect(list.delete(other!)).toBe(false);
    expect(list.snapshot()).toEqual([one]);
    expect(another.size).toBe(1);
  });

  test("gives a snapshot that stays as it is", () => {
    const [one, other] = items(2);
    const list = new LiveList<LiveItem>();
    list.add(one!);
    const snapshot = list.snapshot();
    list.add(other!);
    list.delete(one!);
    expect(snapshot).toEqual([one]);
  });
});
