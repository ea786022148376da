import { COMMANDS, GROUPS } from "../../packages/cli/src/commands/registry.js";
import { runProgram, selectCommand } from "../../packages/cli/src/program.js";
import { parseCommandLine } from "../../packages/server/src/config/command-line.js";

const ofCommands = new Map<string, Promise<Map<string, boolean>>>();

/**
 * What is wrong with a command line of vault-cli or vault-server, as its own `--help` tells: an unknown command or
 * option. `…` and `<name>` may stand for whatever a reader would put there.
 */
export async function commandProblem(words: readonly string[]): Promise<string | undefined> {
  const [program = "", ...rest] = words;
  if (program === "vault-server") return unknownOption(rest, serverOptions(), words);
  const operands = rest.filter((word) => !word.startsWith("-"));
  const entry = selectCommand(rest, COMMANDS);
  const isOption = /^(-h|--help|-V|--version)$/;
  if (entry === undefined) {
    const group = operands.join(" ");
    if (operands.length === 0 && rest.every((word) => isOption.test(word))) return undefined;
    if (operands[0] === "help" || group in GROUPS) return undefined;
    return `there is no command “${words.join(" ")}”`;
  }
  const path = entry.path.join(" ");
  let options = ofCommands.get(path);
  if (options === undefined) ofCommands.set(path, (options = helpOf(entry.path).then(optionsOf)));
  return unknownOption(
    rest,
    await options,
    words,
    entry.takesWords === true ? entry.path.length + 1 : Infinity,
  );
}

/** @param operands how many there are before words of another program */
function unknownOption(
  words: readonly string[],
  known: ReadonlyMap<string, boolean>,
  line: readonly string[],
  operands = Infinity,
): string | undefined {
  let seen = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--" || seen >= operands) return undefined;
    if (!/^-{1,2}[a-zA-Z]/.test(word)) {
      seen += 1;
      continue;
    }
    const name = word.split("=")[0] ?? "";
    const takesValue = known.get(name);
    if (takesValue === undefined) return `there is no option ${name}: “${line.join(" ")}”`;
    if (takesValue && !word.includes("=")) at += 1;
  }
  return undefined;
}

/** @returns each option that a help text lists, and whether it takes a value */
function optionsOf(help: string): Map<string, boolean> {
  const options = new Map<string, boolean>();
  for (const [, names = "", value] of help.matchAll(
    /^ {2}((?:-\w, )?--?[\w-]+)( [<[][^\n]*?[>\]])?(?: |$)/gm,
  )) {
    for (const name of names.split(", ")) options.set(name, value !== undefined);
  }
  return options;
}

function serverOptions(): Map<string, boolean> {
  const help = parseCommandLine(["--help"], {}, "0");
  return optionsOf("text" in help ? help.text : "");
}

async function helpOf(path: readonly string[]): Promise<string> {
  let help = "";
  const stdout = { isTTY: false, columns: 120, write: (text: string) => (help += text) };
  await runProgram({
    ...process,
    argv: ["node", "vault-cli", ...path, "--help"],
    env: {},
    stdout,
    stderr: stdout,
  } as unknown as Parameters<typeof runProgram>[0]);
  return help;
}
