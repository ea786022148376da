import { COMMANDS, GROUPS } from "../../packages/cli/src/commands/registry.js";
import { cliInProcess } from "../cli-transcripts/in-process-cli.js";
import { shellWords } from "../cli-transcripts/transcript.js";

/** One `vault-cli …` of an example, as a shell would start it. */
export interface ExampleCommand {
  readonly args: readonly string[];
  /** The program before its pipe; undefined where there is none. */
  readonly pipedFrom: string | undefined;
  /** The file behind `<`. */
  readonly inputFile: string | undefined;
}

/** Every example of every `--help`, each on one line. */
export async function helpExamples(): Promise<string[]> {
  const found: string[] = [];
  const commands = COMMANDS.filter(({ hidden }) => hidden !== true).map(({ path }) => path);
  for (const path of [...commands, ...Object.keys(GROUPS).map((group) => group.split(" "))]) {
    const { stdout } = await cliInProcess([...path, "--help"], { env: {}, stdin: "" });
    const [, text = ""] = stdout.split("\nExamples:\n");
    found.push(...text.replaceAll(/ \\\n +/g, " ").split("\n"));
  }
  return [...new Set(found.map((line) => line.trim()).filter((line) => line !== ""))];
}

/** Those of a line: in a pipe, in `$(…)`, before `>` or with a remark behind it. Of vault-cli alone. */
export function exampleCommands(example: string): ExampleCommand[] {
  const [, substituted] = /\$\((vault-cli [^)]*)\)/.exec(example) ?? [];
  const commands: ExampleCommand[] = [];
  let before: string | undefined;
  for (const segment of segmentsOf(substituted ?? example)) {
    const [command = "", inputFile] = segment.split(/ < (?=[^']*$)/);
    const words = shellWords(command);
    const at = words.findIndex((word) => /^(?:>|#)/.test(word));
    const kept = words.slice(0, at === -1 ? words.length : at);
    if (kept[0] === "vault-cli") commands.push({ args: kept.slice(1), pipedFrom: before, inputFile });
    before = segment;
  }
  return commands;
}

/** Broken at `|` and `;` outside of quotes. */
function segmentsOf(text: string): string[] {
  const pieces = text.match(/(?:'[^']*'|"[^"]*"|[^|;'"])+/g) ?? [];
  return pieces.map((piece) => piece.trim());
}
