import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS, GROUPS } from "../../packages/cli/src/commands/registry.js";
import { selectCommand } from "../../packages/cli/src/program.js";
import { STATUS_OF_ERROR_CODE } from "../../packages/server/src/errors/error-codes.js";
import { errorSentences, isIn } from "./error-sentences.js";
import { parseTranscript, renderTranscript, shellWords, type Outcome } from "./transcript.js";
import { startTranscriptWorld, type TranscriptWorld } from "./transcript-world.js";
import {
  UNREACHABLE_CODES,
  UNREACHABLE_OWN_CODES,
  UNREACHABLE_SENTENCES,
  WITHOUT_FAILURE,
  WITHOUT_SUCCESS,
} from "./not-transcribed.js";

const FOLDER = fileURLToPath(new URL("./transcripts/", import.meta.url));
const FILES = readdirSync(FOLDER).sort();
const textOf = (file: string): string => readFileSync(`${FOLDER}${file}`, "utf8");
const REWRITES = process.env.UPDATE_TRANSCRIPTS === "1";

/** All of a package's own modules, without their tests. */
function sourcesOf(name: string): string[] {
  const folder = fileURLToPath(new URL(`../../packages/${name}/src/`, import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !/\.test\.ts$|^testing\//.test(path))
    .map((path) => readFileSync(`${folder}${path}`, "utf8"));
}

describe("the transcripts", () => {
  let world: TranscriptWorld;
  beforeAll(async () => {
    world = await startTranscriptWorld();
  });
  afterAll(() => world.close());

  test.each(FILES)("%s", async (file) => {
    const text = textOf(file);
    const transcript = parseTranscript(text);
    const outcomes: Outcome[] = [];
    for (const step of transcript.steps) outcomes.push(await world.run(step));
    const replayed = renderTranscript(transcript, outcomes);
    if (REWRITES) writeFileSync(`${FOLDER}${file}`, replayed);
    else expect(replayed).toBe(text);
  });
});

describe("are complete", () => {
  const steps = FILES.flatMap((file) => textOf(file).split(/^(?=\$ )/m)).filter((block) =>
    block.startsWith("$ "),
  );
  const pathOf = (block: string): string => {
    const words = shellWords(block.slice(2, block.indexOf("\n")));
    const from = words.indexOf("vault-cli");
    return selectCommand(words.slice(from + 1), COMMANDS)?.path.join(" ") ?? "";
  };
  const exitCodeOf = (block: string): string => /^\[(\d+)\]$/m.exec(block)?.[1] ?? "0";

  test.each(COMMANDS.map(({ path }) => path.join(" ")))(
    "vault-cli %s succeeds in one, and fails in one",
    (path) => {
      const codes = steps.filter((block) => pathOf(block) === path).map(exitCodeOf);
      if (!WITHOUT_SUCCESS.has(path)) expect(codes).toContain("0");
      if (!WITHOUT_FAILURE.has(path)) expect(codes.some((code) => code !== "0")).toBe(true);
    },
  );

  const shownPaths = COMMANDS.filter(({ hidden }) => hidden !== true).map(({ path }) => path.join(" "));
  test.each(["", ...Object.keys(GROUPS), ...shownPaths])("the help of vault-cli %s is in one", (path) => {
    const command = ["vault-cli", ...path.split(" "), "--help"].filter((word) => word !== "").join(" ");
    expect(steps.filter((block) => block.startsWith(`$ ${command}\n`))).toHaveLength(1);
  });

  test.each(Object.keys(STATUS_OF_ERROR_CODE))("the error %s is in one, or cannot be met", (code) => {
    expect(isMet(code)).toBe(!UNREACHABLE_CODES.has(code));
  });

  const isMet = (code: string): boolean => steps.some((block) => block.includes(`"code":"${code}"`));

  test("and so is each error that vault-cli or its client makes itself", () => {
    const sources = ["client", "cli"].flatMap((name) => sourcesOf(name));
    const made = sources.flatMap((text) => [
      ...[...text.matchAll(/VaultError\(\s*0,\s*"(\w+)"/g)].map(([, code = ""]) => code),
      ...[...text.matchAll(/\bcode(?:: | = )"(\w+)"/g)].map(([, code = ""]) => code),
      ...[...text.matchAll(/super\([^)]*, "(\w+)"\)/g)].map(([, code = ""]) => code),
    ]);
    const codes = new Set(made);
    expect([...codes]).toEqual(expect.arrayContaining(["failed", "usage", "interrupted", "timeout"]));
    expect([...codes].filter((code) => !isMet(code) && !UNREACHABLE_OWN_CODES.has(code))).toEqual([]);
    expect([...UNREACHABLE_OWN_CODES.keys()].filter((code) => isMet(code))).toEqual([]);
  });

  const errorLines = FILES.flatMap((file) => textOf(file).split("\n")).filter((line) =>
    line.startsWith("! "),
  );
  const unmet = errorSentences().filter((sentence) => !errorLines.some((line) => isIn(line, sentence)));

  test("and each sentence that vault-cli has for an error, or there is a reason why not", () => {
    const names = unmet.map(({ name }) => name);
    expect(errorSentences().length).toBeGreaterThan(150);
    expect(names.filter((name) => !UNREACHABLE_SENTENCES.has(name))).toEqual([]);
    expect([...UNREACHABLE_SENTENCES.keys()].filter((name) => !names.includes(name))).toEqual([]);
  });

  test("which names the test that shows it", () => {
    const files = ["../../packages/cli/src/", "../"].flatMap((folder) =>
      readdirSync(fileURLToPath(new URL(folder, import.meta.url)), { recursive: true, encoding: "utf8" }),
    );
    const tests = new Set(files.map((file) => basename(file)));
    for (const [name, reason] of UNREACHABLE_SENTENCES) {
      const named = reason.match(/[\w-]+\.test\.ts/g) ?? [];
      expect(named, name).not.toEqual([]);
      expect(named.filter((file) => !tests.has(file))).toEqual([]);
    }
  });
});
