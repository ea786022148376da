import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentPaths } from "./recent-paths.js";

test("the paths that were asked for last are known, the others are forgotten", () => {
  const recent = new RecentPaths<number>();
  expect(recent.get("/0")).toBeUndefined();
  for (let path = 0; path < 20; path += 1) recent.add(`/${String(path)}`, path);
  const known = Array.from({ length: 20 }, (_, path) => recent.get(`/${String(path)}`));
  expect(known).toEqual([...Array<undefined>(12).fill(undefined), 12, 13, 14, 15, 16, 17, 18, 19]);
});

test("a long path is not kept", () => {
  const recent = new RecentPaths<number>();
  recent.add(`/${"a".repeat(512)}`, 1);
  expect(recent.get(`/${"a".repeat(512)}`)).toBeUndefined();
});

test("what is known of a path is what was last found of it, whatever the paths are", () => {
  const anyPath = fc.oneof(fc.constantFrom("", "/", "/a", "/b"), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(fc.array(anyPath, { maxLength: 30 }), (paths) => {
      const recent = new RecentPaths<string>();
      for (const path of paths) {
        expect(recent.get(path) ?? path).toBe(path);
        if (recent.get(path) === undefined) recent.add(path, path);
      }
    }),
  );
});
