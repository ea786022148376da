import { expect, test } from "vitest";
import { WORKER_LIMITS } from "./limits.js";
import type { SentEntry } from "./messages.js";
import { createRemoteRecorder } from "./remote-recorder.js";

function recorder() {
  const sent: SentEntry[] = [];
  const timers = new Set<() => void>();
  const made = createRemoteRecorder({ entry: (entry) => sent.push(entry) }, (_milliseconds, task) => {
    timers.add(task);
    return () => void timers.delete(task);
  });
  const fill = (): void => {
    for (let each = 0; each < WORKER_LIMITS.unconfirmedEntries; each += 1)
      made.record("proxy", { decision: "allow" });
  };
  return { made, sent, timers, fill };
}

test("a call waits while the owner has not taken what was recorded before, and is refused in the end", async () => {
  const { made, sent, timers, fill } = recorder();
  expect(made.ready()).toBeUndefined();
  fill();
  expect(sent).toHaveLength(WORKER_LIMITS.unconfirmedEntries);
  const waiting = made.ready();
  const refused = made.ready();
  const [, second] = timers;
  second?.();
  await expect(refused).rejects.toMatchObject({ code: "audit_unavailable" });
  made.confirmed(1);
  await waiting;
  expect(timers.size).toBe(1);
  expect(made.ready()).toBeUndefined();
});

test("a call is refused at once while the owner's log has no room", async () => {
  const { made } = recorder();
  made.setFull(true);
  await expect(made.ready()).rejects.toMatchObject({ code: "audit_unavailable" });
  made.setFull(false);
  expect(made.ready()).toBeUndefined();
});

test("a call waits for an owner that is silent, and is refused if it stays so", async () => {
  const { made, timers } = recorder();
  made.setSilent(true);
  const waiting = made.ready();
  const refused = made.ready();
  const [, second] = timers;
  second?.();
  await expect(refused).rejects.toMatchObject({ code: "unavailable" });
  // Of before: nobody can tell that there is room.
  made.confirmed(0);
  expect(timers.size).toBe(2);
  made.setSilent(false);
  await waiting;
  expect(made.ready()).toBeUndefined();
});

test("calls that waited for the owner still wait for room", async () => {
  const { made, fill } = recorder();
  made.setSilent(true);
  let isIn = false;
  const waiting = made.ready()?.then(() => (isIn = true));
  fill();
  made.setSilent(false);
  await Promise.resolve();
  expect(isIn).toBe(false);
  made.confirmed(1);
  await waiting;
});
