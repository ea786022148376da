import type { Option } from "commander";

import type { CommandEntry } from "../command-definition.js";
import type { Candidate } from "./candidate.js";

/** Names that only somebody else knows; each may be slow, or give none. */
export type NameSources = Readonly<Record<NameKind, () => Promise<readonly Candidate[]>>>;

export type NameKind =
  | "services"
  | "policies"
  | "tokens"
  | "tokenNames"
  | "sessions"
  | "files"
  | "presets"
  /** Those that `service add` makes a service of. */
  | "keyPresets"
  /** Those that `oauth login` makes a service of. */
  | "loginPresets"
  /** Those that `run --env` sets variables for. */
  | "sdkPresets";

/** What a word may be: one of these, a name of that kind, the name of a file, a program to run, or anything. */
export type WordKind =
  | { readonly words: readonly string[] }
  | { readonly names: NameKind; readonly orFile?: true }
  | "file"
  | "program"
  | "any";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const FILE_PLACEHOLDERS = new Set(["file", "directory"]);
const FILE_ARGUMENTS = new Set(["file", "output", "directory", "body"]);

/** Names that belong to the noun of a command: `policy show <name>`. */
const NAMES_OF_NOUN: Readonly<Record<string, NameKind>> = {
  service: "services",
  policy: "policies",
  token: "tokens",
  session: "sessions",
  file: "files",
  presets: "presets",
};

export function optionValueKind({ long, flags, argChoices }: Option): WordKind {
  if (argChoices !== undefined) return { words: argChoices };
  const placeholder = /[<[]([^>\]]*)[>\]]/.exec(flags)?.[1] ?? "";
  if (long === "--service") return { names: "services" };
  if (long === "--policy") return { names: "policies" };
  if (long === "--token") return { names: placeholder === "name" ? "tokenNames" : "tokens" };
  if (long === "--env") return { names: "sdkPresets" };
  if (long === "--preset") return { names: "presets" };
  if (long === "--method") return { words: METHODS };
  return FILE_PLACEHOLDERS.has(placeholder) || long === "--body" ? "file" : "any";
}

/** @param argument as a command declares it */
export function argumentKind(
  { path }: CommandEntry,
  argument: { readonly argChoices?: string[]; readonly variadic: boolean; name(): string },
): WordKind {
  if (argument.argChoices !== undefined) return { words: argument.argChoices };
  const [noun = "", verb] = path;
  const name = argument.name();
  if (name === "command" && argument.variadic) return noun === "ssh" ? "any" : "program";
  if (name === "method") return { words: METHODS };
  if (name === "preset" || name === "search") return { names: "presets" };
  if (noun === "oauth" && verb === "login" && name === "service") return { names: "loginPresets" };
  if (name === "service" || name === "svc") return { names: "services" };
  if (name === "policy") return { names: "policies", orFile: true };
  if (noun === "service" && verb === "add") return { names: "keyPresets" };
  if (noun === "file" && verb === "upload") return name === "path" ? "file" : "any";
  const names = NAMES_OF_NOUN[noun];
  if (names !== undefined && ["name", "id", "id-or-prefix"].includes(name)) return { names };
  return FILE_ARGUMENTS.has(name) || ((noun === "vault" || noun === "audit") && name === "path")
    ? "file"
    : "any";
}
