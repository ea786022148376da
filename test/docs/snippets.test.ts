import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { FencedBlock } from "./fenced-blocks.js";
import { jsonDocuments } from "./json-documents.js";
import { blocksOf, PAGES } from "./pages.js";
import { typeProblems } from "./snippet-types.js";

/* What holds for every block, whether it is run or not. What is run is in executed.test.ts. */

const all = PAGES.flatMap(blocksOf);
const isShell = ({ language }: FencedBlock): boolean => ["sh", "console", "bash"].includes(language);
const title = ({ page, line }: FencedBlock): string => `${page}:${String(line)}`;
const blocksIn = (...languages: string[]): FencedBlock[] =>
  all.filter(({ language }) => languages.includes(language));

test("every block says by a comment how it is tested, or why it is not run", () => {
  // Drawings and layouts have no language, and nothing to be run.
  expect(
    all.filter(({ language, treatment }) => language !== "" && treatment.kind === "unsaid").map(title),
  ).toEqual([]);
});

test("a block that another test runs stands on a page which that test reads", () => {
  const named = all.flatMap((block) =>
    block.treatment.kind === "by" ? [{ block, path: block.treatment.test }] : [],
  );
  expect(named.length).toBeGreaterThan(5);
  const strangers = named.filter(({ block, path }) => {
    const url = new URL(`../../${path}`, import.meta.url);
    // The tests of a package name its page as seen from there.
    const page = block.page.replace(/^packages\/[\w-]+\//, "");
    return !existsSync(url) || !readFileSync(url, "utf8").includes(`"${page}"`);
  });
  expect(strangers.map(({ block, path }) => `${title(block)}: ${path}`)).toEqual([]);
});

test("what a page has for running all tests is what CI executes", () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const executed = /^exec (.+)$/m.exec(read(".ci/run"))?.[1];
  const shown = all.filter(({ treatment }) => treatment.kind === "ci");
  expect(shown.map(({ text }) => text.trim())).toEqual([executed]);
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> };
  expect(scripts.test).toBe("node scripts/test.mjs");
});

test("TypeScript and JavaScript keep to the types of the packages", { timeout: 120_000 }, () => {
  expect(typeProblems(blocksIn("ts", "js", "typescript", "javascript"))).toEqual([]);
});

test("Python is Python", () => {
  const blocks = blocksIn("python");
  const check =
    "import ast, json, sys\n" +
    "for title, text in json.load(sys.stdin):\n" +
    "    compile(text, title, 'exec', flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)\n";
  const input = JSON.stringify(blocks.map((block) => [title(block), `${block.given}\n${block.text}`]));
  execFileSync("python3", ["-c", check], { input });
});

describe.each(all.filter(isShell).map((block) => ({ title: title(block), block })))("$title", ({ block }) => {
  test("is a script", () => {
    const text =
      block.language === "console" ? block.text.replaceAll(/^(?:(?!\$ ).*\n|\$ )/gm, "") : block.text;
    execFileSync("bash", ["-n"], { input: text });
  });
});

test.each(blocksIn("json").map((block) => ({ title: title(block), block })))(
  "$title is JSON",
  ({ block }) => {
    expect(jsonDocuments(block.text).length).toBeGreaterThan(0);
  },
);

test.each(blocksIn("yaml").map((block) => ({ title: title(block), block })))(
  "$title is YAML",
  ({ block }) => {
    const documents = parseAllDocuments(block.text);
    expect([documents].flat().flatMap((document) => ("errors" in document ? document.errors : []))).toEqual(
      [],
    );
  },
);
