import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

/* What docs/clients.md says of databases and mail is what the tests here do. */

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

const rows = (read("docs/clients.md").split("## Databases and mail\n")[1] ?? "")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, client = "", protocol = "", settings = "", connections = "", tests = ""]) => ({
    ...{ client, protocol, settings, connections },
    sources: tests.split(", ").map(read).join("\n"),
  }));

test("docs/clients.md has clients of every protocol", () => {
  expect(new Set(rows.map(({ protocol }) => protocol))).toEqual(
    new Set(["postgres", "redis", "imap", "smtp"]),
  );
});

describe.each(rows)("$client ($protocol)", ({ client, settings, sources }) => {
  test("is what its test drives", () => {
    const names = client.replace(/ of Python$/, "").split(/, | \(|\)/);
    const programs = names.filter((name) => !["", "npm", "PyPI", "isync"].includes(name));
    for (const name of programs) expect(sources).toContain(name);
  });

  test("is set in its test as the page says", () => {
    for (const [, setting = ""] of settings.matchAll(/`([^`]+)`/g)) expect(sources).toContain(setting);
  });
});
