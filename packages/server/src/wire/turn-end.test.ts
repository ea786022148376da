import { PassThrough } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { atTurnEnd, corkForTurn } from "./turn-end.js";

test("tasks run in their order when the turn ends, behind what is due at once", async () => {
  const order: string[] = [];
  atTurnEnd(() => order.push("first"));
  atTurnEnd(() => {
    order.push("second");
    atTurnEnd(() => order.push("in the next turn"));
  });
  process.nextTick(() => order.push("at once"));
  await Promise.resolve().then(() => order.push("as soon"));
  await nextTurn();
  expect(order).toEqual(["as soon", "at once", "first", "second"]);
  await nextTurn();
  expect(order).toEqual(["as soon", "at once", "first", "second", "in the next turn"]);
});

test("a task that throws does not keep the others from their turn", async () => {
  const order: string[] = [];
  const thrown: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  try {
    atTurnEnd(() => order.push("before"));
    atTurnEnd(() => {
      throw new Error("broken");
    });
    atTurnEnd(() => order.push("behind"));
    await nextTurn();
    await nextTurn();
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  expect([order, thrown]).toEqual([["before", "behind"], [new Error("broken")]]);
});

test("what is written to a corked connection leaves together at the end of the turn", async () => {
  const socket = new PassThrough();
  const write = vi.spyOn(socket, "_write");
  corkForTurn(socket);
  corkForTurn(socket);
  socket.write("a");
  socket.write("b");
  await new Promise<void>((resolve) => process.nextTick(resolve));
  expect([socket.writableCorked, write.mock.calls.length]).toEqual([1, 0]);
  await nextTurn();
  expect([socket.writableCorked, String(socket.read())]).toEqual([0, "ab"]);
});
