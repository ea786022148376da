import { expect, test } from "vitest";
import { createDerivationGate } from "./derivation-gate.js";

test("one task runs at a time, four wait in order, and the rest is refused at once", async () => {
  const gate = createDerivationGate(4);
  let running = 0;
  const order: number[] = [];
  const task = (number: number) => async () => {
    running += 1;
    expect(running).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    order.push(number);
    if (number === 1) throw new Error("one fails");
    return number;
  };
  const results = await Promise.allSettled([0, 1, 2, 3, 4, 5, 6].map((number) => gate.run(task(number))));
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
    "rejected",
    "rejected",
  ]);
  expect(results[6]).toMatchObject({ reason: { code: "rate_limited", retryAfterSeconds: 1 } });
  expect(order).toEqual([0, 1, 2, 3, 4]);
  await expect(gate.run(task(7))).resolves.toBe(7);
});

test("a closed gate lets the running task end and refuses who waits", async () => {
  const gate = createDerivationGate(4);
  let hasEnded = false;
  const first = gate.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    hasEnded = true;
  });
  await Promise.resolve();
  const second = gate.run(() => Promise.resolve());
  const refused = expect(second).rejects.toMatchObject({ code: "unavailable" });
  await gate.close();
  expect(hasEnded).toBe(true);
  await first;
  await refused;
  await expect(gate.run(() => Promise.resolve())).rejects.toMatchObject({ code: "unavailable" });
});
