import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { proseOf } from "./fenced-blocks.js";
import { PAGES, readPage } from "./pages.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What GitHub makes of a heading: lower case, without marks, a hyphen a space; numbered where it stands twice. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(readPage(page)).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${String(count)}`;
    anchors.add(anchor);
  }
  return anchors;
}

function problemOf(page: string, target: string): string | undefined {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : normalize(join(dirname(page), path));
  if (file.startsWith("..") || !existsSync(join(ROOT, file))) return `${target}: there is no ${file}`;
  if (anchor === undefined) return undefined;
  return anchorsOf(file).has(anchor) ? undefined : `${target}: ${file} has no heading #${anchor}`;
}

describe.each(PAGES)("%s", (page) => {
  test("has links to files and headings that there are", () => {
    const links = [...proseOf(readPage(page)).matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map(
      ([, to = ""]) => to,
    );
    const problems = links.filter((to) => !/^[a-z]+:/.test(to)).map((to) => problemOf(page, to));
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  });
});

test("every page of docs/ is linked from its index, and the index from README.md", () => {
  const index = readPage("docs/README.md");
  const missing = PAGES.filter((page) => page.startsWith("docs/") && page !== "docs/README.md").filter(
    (page) => !index.includes(`](${page.slice("docs/".length)})`),
  );
  expect(missing).toEqual([]);
  expect(readPage("README.md")).toContain("](docs/README.md)");
});
