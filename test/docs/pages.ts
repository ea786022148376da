import { readdirSync, readFileSync } from "node:fs";
import { fencedBlocks, type FencedBlock } from "./fenced-blocks.js";

const ROOT = new URL("../../", import.meta.url);

/** Every page that a user reads, and those for who works on it: relative to the repository. */
export const PAGES: readonly string[] = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"],
  ...readdirSync(new URL("docs", ROOT), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
  ...readdirSync(new URL("packages", ROOT)).map((name) => `packages/${name}/README.md`),
];

export function readPage(page: string): string {
  return readFileSync(new URL(page, ROOT), "utf8");
}

export function blocksOf(page: string): FencedBlock[] {
  return fencedBlocks(page, readPage(page));
}
