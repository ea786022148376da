import { expect, test } from "vitest";
import { cancelKeys } from "./cancel-keys.js";

const key = { processId: 7, key: Buffer.of(1, 2, 3, 4) };

test("a key is known while its connection is there", () => {
  const keys = cancelKeys();
  expect(keys.has(key)).toBe(false);
  const forget = keys.add(key);
  expect(keys.has({ ...key, key: Buffer.from(key.key) })).toBe(true);
  expect(keys.has({ ...key, processId: 8 })).toBe(false);
  expect(keys.has({ ...key, key: Buffer.of(1, 2, 3, 5) })).toBe(false);
  forget();
  expect(keys.has(key)).toBe(false);
});

test("a key that two connections have had is known until the later one is gone", () => {
  const keys = cancelKeys();
  const [forgetFirst, forgetSecond] = [keys.add(key), keys.add(key)];
  forgetFirst();
  expect(keys.has(key)).toBe(true);
  forgetSecond();
  expect(keys.has(key)).toBe(false);
});
