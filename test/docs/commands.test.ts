import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { proseOf } from "./fenced-blocks.js";
import { commandProblem } from "./known-commands.js";
import { blocksOf, PAGES, readPage } from "./pages.js";
import { shellCommands } from "./shell-commands.js";

const SHELL = new Set(["sh", "console", "bash"]);
const PROGRAMS = ["vault-cli", "vault-server", "vault"];
const ROOT = new URL("../../", import.meta.url);

/** All sources of the programs and of the clients. */
const sources = ["packages/cli/src", "packages/server/src", "packages/client/src", "packages/python-sdk/src"]
  .flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|py)$/.test(name) && !name.endsWith(".test.ts"))
      .map((name) => readFileSync(new URL(`${folder}/${name}`, ROOT), "utf8")),
  )
  .join("\n");

test.each([
  ["vault-cli service ad", "no command"],
  ["vault-cli service add openai --baseurl x", "no option --baseurl"],
  ["vault-cli ssh --tty box ls", "no option --tty"],
  ["vault-server --data-directory x", "no option --data-directory"],
])("%s is found to be wrong", async (line, problem) => {
  expect(await commandProblem(line.split(" "))).toContain(problem);
});

test.each([
  "vault-cli ssh box ls --all",
  "vault-cli run -- x --any",
  "vault-cli --help",
  "vault-cli service --help",
])("%s is right", async (line) => expect(await commandProblem(line.split(" "))).toBeUndefined());

describe.each(PAGES)("%s", (page) => {
  test("names only commands and options that there are", async () => {
    const blocks = blocksOf(page)
      .filter(({ language }) => SHELL.has(language))
      .flatMap(({ text }) => shellCommands(text.replaceAll(/^\$ /gm, ""), PROGRAMS));
    const spans = [...proseOf(readPage(page)).matchAll(/`(vault-(?:cli|server) [^`]+)`/g)]
      .map(([, text = ""]) => text.replaceAll("\\|", "|"))
      .filter((text) => !/^\S+ </.test(text))
      // One of several words: looked at one by one.
      .flatMap((text) => {
        const [alternatives = ""] = /\S+\|\S+/.exec(text) ?? [];
        return alternatives === ""
          ? [text]
          : alternatives.split("|").map((word) => text.replace(alternatives, word));
      })
      .flatMap((text) => shellCommands(text.replaceAll(/<([^>]+)>/g, "$1"), PROGRAMS));
    const problems = await Promise.all([...blocks, ...spans].map(commandProblem));
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  });

  test("names only environment variables that there are", () => {
    const names = new Set(readPage(page).match(/\bVAULT_[A-Z_]+[A-Z]\b/g));
    const flags = readFileSync(new URL("packages/server/src/config/command-line.ts", ROOT), "utf8");
    const unknown = [...names].filter((name) => {
      const flag = `--${name.slice("VAULT_".length).toLowerCase().replaceAll("_", "-")} `;
      return !sources.includes(name) && !flags.includes(`"${flag.trim()}`) && !flags.includes(flag);
    });
    expect(unknown).toEqual([]);
  });
});
