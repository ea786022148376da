import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

import { fileFailure } from "./file-failure.js";

function failureOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

test("it is said why a file cannot be read or written", () => {
  const folder = mkdtempSync(join(tmpdir(), "vault-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const missing = failureOf(() => readFileSync(join(folder, "none")));
  expect(fileFailure("read", "x", missing).message).toBe("cannot read x: there is no such file");
  const isFolder = failureOf(() => readFileSync(folder));
  expect(fileFailure("read", "x", isFolder).message).toBe("cannot read x: it is a folder");
  const noFolder = failureOf(() => writeFileSync(join(folder, "none", "x"), ""));
  expect(fileFailure("write", "x", noFolder).message).toBe("cannot write x: there is no such folder");
});

test("a reason without words of its own is told by its code, one that is none not at all", () => {
  const broken = Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
  expect(fileFailure("read", "x", broken).message).toBe("cannot read x: EIO");
  expect(fileFailure("read", "x", "nonsense").message).toBe("cannot read x");
});
