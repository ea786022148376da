import { expect, test } from "vitest";
import { isOpenToOthers } from "./other-readers.js";

const SELF = { uid: 65532, gid: 65532 };

test.each([
  ["one's own, for oneself", 0o600, 65532, 65532, false],
  ["one's own, for the group to read", 0o640, 65532, 65532, true],
  ["one's own, for everybody", 0o604, 65532, 65532, true],
  ["root's, for one's own group to read", 0o440, 0, 65532, false],
  ["root's, for one's own group to change", 0o460, 0, 65532, true],
  ["root's, for everybody", 0o444, 0, 65532, true],
  ["root's, for another group", 0o440, 0, 100, true],
  ["root's, for root's group", 0o440, 0, 0, true],
  ["somebody else's, for one's own group", 0o440, 1000, 65532, true],
])("a file that is %s (%o)", (_what, mode, uid, gid, isOpen) => {
  expect(isOpenToOthers({ mode: 0o100000 | mode, uid, gid }, SELF)).toBe(isOpen);
});

test("root, and a system without such numbers, has nothing handed to it by a group", () => {
  expect(isOpenToOthers({ mode: 0o440, uid: 0, gid: 0 }, { uid: 0, gid: 0 })).toBe(true);
  expect(isOpenToOthers({ mode: 0o440, uid: 0, gid: 5 }, { uid: 0, gid: 5 })).toBe(true);
  expect(isOpenToOthers({ mode: 0o440, uid: 0, gid: 5 }, { uid: 5, gid: 0 })).toBe(true);
  expect(isOpenToOthers({ mode: 0o440, uid: 0, gid: 0 }, undefined)).toBe(true);
});
