import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepMemoryOutOfCoreDumps } from "./core-dumps.js";

test("the filter of core dumps is set where there is one, and not made where there is none", () => {
  const directory = mkdtempSync(join(tmpdir(), "vault-proxy-"));
  try {
    const filter = join(directory, "coredump_filter");
    expect(keepMemoryOutOfCoreDumps(filter)).toBe(false);
    expect(existsSync(filter)).toBe(false);
    writeFileSync(filter, "");
    expect(keepMemoryOutOfCoreDumps(filter)).toBe(true);
    expect(readFileSync(filter, "utf8")).toBe("0");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
