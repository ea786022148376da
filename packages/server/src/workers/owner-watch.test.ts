import { expect, test } from "vitest";
import { WORKER_LIMITS } from "./limits.js";
import { createOwnerWatch } from "./owner-watch.js";

test("an owner is silent when nothing was heard for a while, and is not when it is heard again", () => {
  let time = 0;
  let look = (): void => undefined;
  const changes: boolean[] = [];
  const watch = createOwnerWatch({
    now: () => time,
    every: (_, task) => (look = task),
    onChange: (isSilent) => changes.push(isSilent),
  });
  const after = (milliseconds: number): void => {
    time += milliseconds;
    look();
  };
  after(WORKER_LIMITS.ownerSilence);
  watch.heard();
  after(WORKER_LIMITS.ownerSilence);
  expect(changes).toEqual([]);
  after(1);
  after(1);
  expect(changes).toEqual([true]);
  watch.heard();
  watch.heard();
  expect(changes).toEqual([true, false]);
  after(WORKER_LIMITS.ownerSilence + 1);
  expect(changes).toEqual([true, false, true]);
});
