import { Option, type Command } from "commander";

import { baseUrlValue } from "../base-url-value.js";
import { addExpiringAuthOptions } from "../expiring-auth/registry.js";
import { UsageError } from "../failures.js";
import { collect } from "../repeated-option.js";
import { AUTH_TYPES, type ServiceFlags } from "../service-definition.js";
import { addSettingsOptions } from "../service-settings.js";
import { addSessionTypeOptions } from "../session-types/registry.js";
import { addSshOptions } from "../ssh/ssh-service.js";

/** What the command line of `service add` says. */
export interface ServiceAddOptions extends ServiceFlags {
  readonly name?: string;
  readonly preset?: string;
  readonly tenant?: string;
  readonly fromJson?: string;
  readonly replace?: boolean;
  readonly bearerStdin?: boolean;
  readonly secretStdin?: boolean;
  readonly secretFile?: string;
  /** There always: false with --no-scrub. */
  readonly scrub: boolean;
  /** Undefined unless --test or --no-test was given. */
  readonly test?: boolean;
}

const STDIN_OPTIONS = [
  ["bearerStdin", "--bearer-stdin"],
  ["secretStdin", "--secret-stdin"],
  ["sshPasswordStdin", "--ssh-password-stdin"],
  ["sshPassphraseStdin", "--ssh-passphrase-stdin"],
] as const;

export function addServiceAddOptions(command: Command): void {
  command
    .option("--name <name>", "name of the service")
    .option("--preset <id>", "an API that is known (see `presets`); default: the service's name")
    .option("--tenant <name>", "your own part of the API's address, for presets that have one")
    .option("--base-url <url>", "where its API is, for types that HTTP calls are for", baseUrlValue)
    .addOption(new Option("--type <type>", "where the credential goes").choices(Object.keys(AUTH_TYPES)))
    .option("--header-name <name>", "header that takes the secret; may be repeated", collect)
    .option("--param-name <name>", "query parameter that takes the secret; may be repeated", collect)
    .option("--username <name>", "user name, for basic")
    .option("--bearer-stdin", "read a bearer token from standard input")
    .option("--secret-stdin", "read the secret from standard input")
    .option("--secret-file <file>", "read the secret from a file")
    .option("--from-json <file>", "take whole services from a JSON file, - for standard input")
    .option("--replace", "store it in the place of a service of that name, with nothing of that left")
    .option("--test", "call the service at the end, and exit with 1 if it does not answer as it should")
    .option("--no-test", "do not; without either, it is done in a terminal");
  addSessionTypeOptions(command);
  addSshOptions(command);
  addExpiringAuthOptions(command);
  command.optionsGroup("Settings:");
  addSettingsOptions(command);
}

/** Whether nothing is said of the service itself. */
export function isPlain({
  scrub,
  test: _test,
  name: _name,
  replace: _,
  ...others
}: ServiceAddOptions): boolean {
  return scrub && Object.keys(others).length === 0;
}

/** The sources of the secret that were given, as the user writes them: one at most. */
export function assertOneSource(options: ServiceAddOptions): void {
  const sources: string[] = STDIN_OPTIONS.filter(([flag]) => options[flag] === true).map(
    ([, option]) => option,
  );
  if (options.secretFile !== undefined) sources.push("--secret-file");
  if (sources.length > 1) throw new UsageError(`use one of ${sources.join(" and ")}`);
  if (options.bearerStdin === true && (options.type ?? "bearer") !== "bearer") {
    throw new UsageError("--bearer-stdin is for --type bearer", "use --secret-stdin");
  }
}

export function readsStdin(options: ServiceAddOptions): boolean {
  return STDIN_OPTIONS.some(([flag]) => options[flag] === true);
}

/** @throws UsageError for two different names */
export function givenName(argument: string | undefined, { name }: ServiceAddOptions): string | undefined {
  if (argument !== undefined && name !== undefined && argument !== name) {
    throw new UsageError("two different names were given");
  }
  return argument ?? name;
}
