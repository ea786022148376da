import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

/* docs/clients.md says only what these tests show, and all of them are on it. */

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");
const PYTHON_TESTS = "packages/python-sdk/tests/sdks";

const page = read("docs/clients.md");

/** The cells of each row of the table below a heading. */
function tableBelow(heading: string): string[][] {
  const section = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const clients = tableBelow("What to set").map(([client, code, environment, , credential, test]) => ({
  client: client!,
  code: code!,
  environment: environment!,
  credential: credential!,
  test: test!,
}));
const notes = tableBelow("What to know about each").map(([client, , , title]) => ({
  client: client!,
  title: title!,
}));

describe("docs/clients.md", () => {
  test("has a row for every test file here, and names no other", () => {
    const here = readdirSync(new URL("test/sdks", ROOT))
      .filter((name) => name.endsWith(".test.ts") && name !== "clients-page.test.ts")
      .map((name) => `test/sdks/${name}`);
    const python = readdirSync(new URL(PYTHON_TESTS, ROOT))
      .filter((name) => /^test_.+\.py$/.test(name))
      .map((name) => `${PYTHON_TESTS}/${name}`);
    expect(clients.map((row) => row.test).sort()).toEqual([...here, ...python].sort());
  });

  test.each(clients)(
    "$client: what it says to set is what the test sets",
    ({ code, environment, test: file }) => {
      const source = read(file);
      const options = [...code.matchAll(/`([A-Za-z_]+)`/g)].map((match) => match[1]!);
      const variables = [...environment.matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]!);
      expect(variables.length > 0 || environment === "none").toBe(true);
      for (const name of [...options, ...variables]) expect(source).toContain(name);
    },
  );

  test.each(clients)("$client: it is stored in the test as the row says", ({ credential, test: file }) => {
    const things = file.endsWith("test_httpx.py") || file.endsWith("test_requests.py");
    const source = read(things ? `${PYTHON_TESTS}/things.py` : file);
    const names = [...credential.matchAll(/`([A-Za-z-]+)`/g)].map((match) => match[1]!);
    expect(names.length > 0 || credential === "any type").toBe(true);
    for (const name of names) expect(source).toMatch(new RegExp(`["']?${name}["']?`));
  });

  test.each(clients)(
    "$client is a pinned development dependency, or a program of the system",
    ({ client }) => {
      const name = client.replace(/ \(.+\)$/, "");
      const isPinned = [
        new RegExp(`^ +"${name}": "\\d+\\.\\d+\\.\\d+",?$`, "m").test(read("package.json")),
        new RegExp(`^ *(?:dev|dependencies)?.*"${name}(?:==|>=)`, "m").test(
          read("packages/python-sdk/pyproject.toml"),
        ),
        read("scripts/system-packages.mjs").includes(`package: "${name}"`),
      ];
      expect(isPinned).toContain(true);
    },
  );

  test.each(notes)("$client: a test shows “$title”", ({ client, title }) => {
    const file = clients.find((row) => row.client === client)?.test;
    expect(file).toBeDefined();
    expect(read(file!)).toMatch(
      title.startsWith("test_")
        ? new RegExp(`^def ${title}\\(`, "m")
        : new RegExp(`test\\(\\s*"${escaped(title)}"`),
    );
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
