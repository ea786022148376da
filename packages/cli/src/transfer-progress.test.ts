import { PassThrough } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";

import { startProgress, whileShown } from "./transfer-progress.js";

const HALF_A_MEBIBYTE = new Uint8Array(512 * 1024);

/** What is on the screen after chunks that come at the given milliseconds. */
async function screenAfter(times: readonly number[], unlike: object = {}): Promise<string> {
  const { isTTY, ...output } = { isTTY: true, json: false, quiet: false, ...unlike };
  const stderr = Object.assign(new PassThrough(), { isTTY });
  let now = 0;
  const progress = startProgress({ stderr, output }, "Uploading", () => now);
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const time of times) {
      await Promise.resolve();
      now = time;
      yield HALF_A_MEBIBYTE;
    }
  }
  let bytes = 0;
  for await (const chunk of progress.follow(chunks())) bytes += chunk.length;
  expect(bytes).toBe(512 * 1024 * times.length);
  progress.end();
  progress.end();
  return ((stderr.read() as Buffer | null) ?? "").toString();
}

const CLEAR = "\r\u001b[K";

test("a transfer of some length is shown on a terminal, at a person's pace, and cleared", async () => {
  expect(await screenAfter([500, 1000, 1100, 1200])).toBe(
    `${CLEAR}Uploading … 1.0 MiB${CLEAR}Uploading … 2.0 MiB${CLEAR}`,
  );
});

test("a short one is not", async () => {
  expect(await screenAfter([500, 999])).toBe("");
});

test.each([{ isTTY: false }, { quiet: true }, { json: true }])("none is with %j", async (unlike) => {
  expect(await screenAfter([500, 1500, 3000], unlike)).toBe("");
});

test("one that gives no account of itself is shown by its seconds, and cleared", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  const shown = async (output: { json: boolean; quiet: boolean }, ms: number): Promise<string> => {
    const transfer = new Promise<string>((resolve) => setTimeout(() => resolve("done"), ms));
    const result = whileShown({ stderr, output }, "Uploading", transfer);
    await vi.advanceTimersByTimeAsync(ms);
    expect(await result).toBe("done");
    return ((stderr.read() as Buffer | null) ?? "").toString();
  };
  const loud = { json: false, quiet: false };
  expect(await shown(loud, 900)).toBe("");
  expect(await shown(loud, 2_500)).toBe(`${CLEAR}Uploading … 1 s${CLEAR}Uploading … 2 s${CLEAR}`);
  expect(await shown({ ...loud, quiet: true }, 2_500)).toBe("");
});
