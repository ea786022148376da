import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { CHAIN_START, hashLine } from "./chain.js";
import { readLogTail } from "./log-tail.js";
import { linesOf, putLines, writeLog } from "./testing/written-log.js";

test("the end of the log is that of its newest file with a line, and only what is torn in the current one counts", async () => {
  await withTemporaryDirectory(async (directory) => {
    await writeLog(directory, 3);
    const lines = await linesOf(directory);
    const last = lines.at(-1) ?? "";
    await putLines(directory, lines, "audit.1.jsonl");
    await writeFile(join(directory, "audit.1.jsonl"), "behind", { flag: "a" });
    await writeFile(join(directory, "audit.jsonl"), '{"torn');
    expect(await readLogTail(directory)).toEqual({
      end: { sequence: lines.length, hash: hashLine(Buffer.from(last)) },
      torn: Buffer.from('{"torn'),
      isDamaged: false,
      wholeBytes: 0,
      firstSequences: [1],
    });
  });
});

test("behind a file without any line of a log the numbers go on, and it is damaged", async () => {
  await withTemporaryDirectory(async (directory) => {
    await putLines(directory, ["no line", "of a log"]);
    expect(await readLogTail(directory)).toEqual({
      end: { sequence: 2, hash: hashLine(Buffer.from("of a log")) },
      torn: Buffer.alloc(0),
      isDamaged: true,
      wholeBytes: 17,
      firstSequences: [],
    });
  });
});

test("without any file it is the start of a chain", async () => {
  await withTemporaryDirectory(async (directory) => {
    expect(await readLogTail(directory)).toMatchObject({ end: CHAIN_START, isDamaged: false, wholeBytes: 0 });
  });
});
