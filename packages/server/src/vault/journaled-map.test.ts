import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JournaledMap } from "./journaled-map.js";

type Step = ["set", string, number] | ["delete", string] | ["clear"];

const key = fc.constantFrom("a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("set" as const), key, fc.nat()),
  fc.tuple(fc.constant("delete" as const), key),
  fc.tuple(fc.constant("clear" as const)),
);

function apply(steps: readonly Step[], map: Map<string, { n: number }>): void {
  for (const one of steps) {
    if (one[0] === "set") map.set(one[1], { n: one[2] });
    else if (one[0] === "delete") map.delete(one[1]);
    else map.clear();
  }
}

describe("a journaled map", () => {
  test("takes back exactly what was done since it was last kept", () => {
    fc.assert(
      fc.property(fc.array(step), fc.array(step), fc.array(step), (first, kept, dropped) => {
        const plain = new Map<string, { n: number }>();
        apply(first, plain);
        const map = new JournaledMap(plain);
        map.open();
        apply(kept, map);
        apply(kept, plain);
        map.keep();
        apply(dropped, map);
        map.rollback();
        expect(new Map([...map].sort())).toEqual(new Map([...plain].sort()));
      }),
    );
  });

  test("knows whether anything was kept", () => {
    const map = new JournaledMap<{ n: number }>([]);
    map.open();
    map.set("a", { n: 1 });
    map.rollback();
    map.keep();
    expect(map.isChanged).toBe(false);
    map.delete("absent");
    map.keep();
    expect(map.isChanged).toBe(false);
    map.set("a", { n: 1 });
    expect([...map.touchedKeys()]).toEqual(["a"]);
    map.keep();
    expect(map.isChanged).toBe(true);
  });

  test("takes no change while it is sealed", () => {
    const map = new JournaledMap([["a", { n: 1 }]]);
    for (const change of [
      () => map.set("b", { n: 2 }),
      () => map.delete("a"),
      () => {
        map.clear();
      },
    ]) {
      expect(change).toThrow(TypeError);
    }
    expect([...map.keys()]).toEqual(["a"]);
  });
});
