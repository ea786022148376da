import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withTemporaryDirectory } from "../vault/testing/temporary-vault.js";
import { AuditFile } from "./audit-file.js";

test("a file that is open is not opened again, and what is appended goes on behind what was there", async () => {
  await withTemporaryDirectory(async (directory) => {
    const file = new AuditFile(directory, 2);
    await file.open();
    const descriptors = readdirSync("/proc/self/fd").length;
    for (const text of ["one\n", "two\n"]) await file.append({ bytes: Buffer.from(text), offset: 0 });
    // What a first attempt has written already is not written again.
    await file.append({ bytes: Buffer.from("three\n"), offset: 2 });
    expect(readdirSync("/proc/self/fd")).toHaveLength(descriptors);
    await file.close();
    expect(readFileSync(join(directory, "audit.jsonl"), "utf8")).toBe("one\ntwo\nree\n");
  });
});
