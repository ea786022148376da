import { basename } from "node:path";
import { Command, CommanderError } from "commander";

import { createContext, type GlobalOptions, type ProcessLike } from "./command-context.js";
import type { CommandAction } from "./command-definition.js";
import { COMMANDS, GROUPS, type CommandEntry } from "./commands/registry.js";
import { UsageError, describeFailure } from "./failures.js";
import { createOutput } from "./output.js";
import { readVersion } from "./version.js";

/** Global options that take the next word as their value. */
const GLOBAL_VALUE_OPTIONS = new Set(["--addr"]);

const INTRODUCTION = "Call APIs through a vault-server that holds their credentials.";

const ENVIRONMENT = `
Environment:
  VAULT_PROXY_SOCK  unix socket of vault-server; goes before VAULT_ADDR
  VAULT_ADDR        its address (default http://127.0.0.1:8390; also unix:/path)
  VAULT_TOKEN       token; goes before the session that unlock saves`;

/** Runs one command line. Resolves with the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function runProgram(host: ProcessLike): Promise<number> {
  const bin = programName(host.argv[1]);
  const words = expandHelp(host.argv.slice(2));
  // For what goes wrong before the options are known.
  let output = createOutput({ ...host, json: words.includes("--json") });
  let exitCode = 0;
  const program = new Command(bin);

  const perform = async (action: CommandAction): Promise<void> => {
    const globals = program.opts<GlobalOptions>();
    output = createOutput({ ...host, json: globals.json === true });
    exitCode = (await action(createContext(host, globals, bin, output))) ?? 0;
  };

  program
    .description(INTRODUCTION)
    .version(readVersion(), "-V, --version", "print the version")
    .option("--json", "results and errors as JSON")
    .option("--addr <address>", "address of vault-server")
    .option("--allow-insecure", "send credentials over plain http to hosts other than loopback")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", ENVIRONMENT)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      outputError: () => undefined,
    });

  try {
    const selected = selectCommand(words, COMMANDS);
    const groups = new Map<string, Command>();
    for (const entry of COMMANDS) {
      const command = parentOf(entry, program, groups)
        .command(entry.path.at(-1) ?? "")
        .summary(entry.summary);
      if (entry === selected) (await entry.load())(command.description(`${entry.summary}.`), perform);
    }
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    // Without a command commander has printed the help already.
    if (error instanceof CommanderError && error.code === "commander.help") return 2;
    const failure = describeFailure(error instanceof CommanderError ? usageError(error, bin, words) : error, {
      bin,
      tokenFromEnvironment: (host.env.VAULT_TOKEN ?? "") !== "",
    });
    output.failure(failure);
    return failure.exitCode;
  }
}

/** `vault-cli`, or the name of a symlink to it such as `vault`. */
function programName(script: string | undefined): string {
  const name = basename(script ?? "").replace(/\.[cm]?js$/, "");
  return name === "" || name === "main" ? "vault-cli" : name;
}

/** `help service add` means `service add --help`. */
function expandHelp(words: string[]): string[] {
  return words[0] === "help" ? [...words.slice(1), "--help"] : words;
}

/** Which command the words name, so that only its module is loaded. */
export function selectCommand(
  words: readonly string[],
  entries: readonly CommandEntry[],
): CommandEntry | undefined {
  const operands: string[] = [];
  for (let at = 0; at < words.length && operands.length < 2; at++) {
    const word = words[at] ?? "";
    if (word === "--") break;
    if (GLOBAL_VALUE_OPTIONS.has(word)) at++;
    else if (!word.startsWith("-")) operands.push(word);
  }
  return entries.find((entry) => entry.path.every((part, index) => operands[index] === part));
}

function parentOf(entry: CommandEntry, program: Command, groups: Map<string, Command>): Command {
  const [noun] = entry.path;
  if (entry.path.length === 1) return program;
  const group = groups.get(noun) ?? program.command(noun).description(GROUPS[noun] ?? "");
  groups.set(noun, group);
  return group;
}

function usageError(error: CommanderError, bin: string, words: readonly string[]): UsageError {
  const message = error.message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    // `--token=…` is no option, but what follows it may be a secret all the same.
    .replace(/(unknown option '[^'=]*)=[^']*/, "$1");
  const selected = selectCommand(words, COMMANDS);
  return new UsageError(message, `see \`${[bin, ...(selected?.path ?? []), "--help"].join(" ")}\``);
}
