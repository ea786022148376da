import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRegularFile } from "../vault/durable-file.js";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { linesForward, type ForwardLine } from "./forward-lines.js";

test("a line longer than any is given as far as it was read, and nothing behind it", async () => {
  await withTemporaryDirectory(async (directory) => {
    const path = join(directory, "f");
    await writeFile(path, `one\n${"x".repeat(100_000)}\nlast\n`);
    const handle = await openRegularFile(path);
    if (handle === undefined) throw new Error("no file");
    const lines: ForwardLine[] = [];
    const range = { start: 0, end: 100_010, blockBytes: 1000, maxLineBytes: 5000 };
    for await (const line of linesForward(handle, range)) lines.push(line);
    await handle.close();
    expect(lines.map(({ bytes, isComplete }) => [bytes.length, isComplete])).toEqual([
      [3, true],
      [5996, true],
    ]);
  });
});
