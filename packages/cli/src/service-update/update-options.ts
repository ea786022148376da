import type { Command } from "commander";

import { baseUrlValue } from "../base-url-value.js";
import { addExpiringAuthOptions } from "../expiring-auth/registry.js";
import { collect } from "../repeated-option.js";
import type { ServiceAddOptions } from "../service-add/add-options.js";
import { addSettingsOptions } from "../service-settings.js";
import { addSessionTypeOptions } from "../session-types/registry.js";
import { addSshOptions } from "../ssh/ssh-service.js";

/** What the command line of `service update` says. */
export interface ServiceUpdateOptions extends Omit<
  ServiceAddOptions,
  "name" | "preset" | "tenant" | "fromJson" | "replace"
> {
  readonly unset?: readonly string[];
}

export function addServiceUpdateOptions(command: Command): void {
  command
    .option("--secret-stdin", "read the new secret from standard input")
    .option("--secret-file <file>", "read the new secret from a file")
    .option("--bearer-stdin", "the same as --secret-stdin, for a bearer token")
    .option("--base-url <url>", "where its API is", baseUrlValue)
    .option("--header-name <name>", "header that takes the secret; may be repeated", collect)
    .option("--param-name <name>", "query parameter that takes the secret; may be repeated", collect)
    .option("--username <name>", "user name, for basic")
    .option("--unset <setting>", "put a setting back to its default, such as description", collect)
    .option("--test", "call the service at the end, and exit with 1 if it does not answer as it should")
    .option("--no-test", "do not; without either, it is done in a terminal");
  addSessionTypeOptions(command);
  addSshOptions(command);
  addExpiringAuthOptions(command);
  command.optionsGroup("Settings:");
  addSettingsOptions(command);
}

/** Whether nothing is named that would change. */
export function changesNothing({ scrub, test: _, ...others }: ServiceUpdateOptions): boolean {
  return scrub && Object.keys(others).length === 0;
}
