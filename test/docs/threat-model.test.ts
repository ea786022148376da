import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readPage } from "./pages.js";

const ROOT = new URL("../../", import.meta.url);

/** `path`: a part of a title; more of them behind semicolons. */
const OWNER = /^`([^`]+\.test\.ts)`: (.+)$/;

const rows = (readPage("docs/threat-model.md").split("## Promise, and where it is shown\n")[1] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, promise = "", owners = ""]) => ({ promise, owners: owners.split("; ") }));

test("the threat model has a table of promises", () => {
  expect(rows.length).toBeGreaterThan(20);
});

test.each(rows)("$promise: its tests are there", ({ owners }) => {
  for (const owner of owners) {
    const [, path = "", title = ""] = OWNER.exec(owner) ?? [];
    expect(path, owner).not.toBe("");
    const file = new URL(path, ROOT);
    expect(existsSync(file), path).toBe(true);
    // Somewhere between the quotes of a title; tests are not looked for by running them.
    const titles = readFileSync(file, "utf8").match(/"(?:[^"\\\n]|\\.)+"/g) ?? [];
    expect(
      titles.some((text) => text.includes(title)),
      owner,
    ).toBe(true);
  }
});
