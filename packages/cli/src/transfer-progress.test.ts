import { PassThrough } from "node:stream";
import { expect, test } from "vitest";

import { startProgress } from "./transfer-progress.js";

const HALF_A_MEGABYTE = new Uint8Array(500_000);

/** What is on the screen after chunks that come at the given milliseconds. */
async function screenAfter(times: readonly number[], isTTY = true): Promise<string> {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  let now = 0;
  const progress = startProgress(stderr, "Uploading", () => now);
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const time of times) {
      await Promise.resolve();
      now = time;
      yield HALF_A_MEGABYTE;
    }
  }
  let bytes = 0;
  for await (const chunk of progress.follow(chunks())) bytes += chunk.length;
  expect(bytes).toBe(500_000 * times.length);
  progress.end();
  progress.end();
  return ((stderr.read() as Buffer | null) ?? "").toString();
}

const CLEAR = "\r\u001b[K";

test("a transfer of some length is shown on a terminal, at a person's pace, and cleared", async () => {
  expect(await screenAfter([500, 1000, 1100, 1200])).toBe(
    `${CLEAR}Uploading … 1.0 MB${CLEAR}Uploading … 2.0 MB${CLEAR}`,
  );
});

test("a short one is not, and none where nobody sees it", async () => {
  expect(await screenAfter([500, 999])).toBe("");
  expect(await screenAfter([500, 1500, 3000], false)).toBe("");
});
