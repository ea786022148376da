import type { ServiceInfo } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { CliError } from "../failures.js";
import { canAsk, confirm } from "../prompt.js";
import { changedFields, changeLines, type ChangedField } from "../service-update/changed-fields.js";
import { expectedInfo } from "../service-update/expected-info.js";
import type { GivenService } from "./given-service.js";

/**
 * A service that stands in the place of the given one. It is replaced only if that is wanted: with `--replace`, or by a
 * yes in a terminal, which is shown what changes.
 * @throws CliError with what would change
 */
export async function replacedService(
  context: CommandContext,
  services: readonly ServiceInfo[],
  given: GivenService,
  replace: boolean,
): Promise<ServiceInfo | undefined> {
  const { name } = given.definition;
  const stored = services.find((service) => service.name === name);
  if (stored === undefined) return undefined;
  if (replace) return stored;
  const changes = expectedChanges(stored, given);
  if (!canAsk(context)) throw existing(context, name, changes);
  context.output.note("");
  context.output.note(
    `There is a service ${name} already. This replaces its credential${changes.length === 0 ? "." : ", and:"}`,
  );
  for (const line of changeLines(changes)) context.output.note(line);
  if (!(await confirm(context, "Replace it?", false))) throw new CliError("nothing was changed");
  return stored;
}

/** Before secrets are asked for. */
export function noteExisting(
  { bin, output }: CommandContext,
  services: readonly ServiceInfo[],
  name: string,
): void {
  if (!services.some((service) => service.name === name)) return;
  output.note(
    `There is a service ${name} already. To change only its credential: ${bin} service update ${name}`,
  );
}

/** Of services that were replaced as a whole: what is not as it was. */
export function tellOfReplaced({ output }: CommandContext, before: ServiceInfo, after: ServiceInfo): void {
  const changes = changedFields(before, after);
  if (changes.length === 0) return;
  output.note(`${after.name} was there, and changed in:`);
  for (const line of changeLines(changes)) output.note(line);
}

function expectedChanges(stored: ServiceInfo, { definition, key }: GivenService): readonly ChangedField[] {
  const all = changedFields(stored, expectedInfo(stored, definition));
  // Of another type nothing of the credential stays: its fields would hide what else changes.
  const changes =
    stored.auth_type === definition.auth.type
      ? all
      : all.filter(
          ({ field }) =>
            !/^(?:(?:imap|smtp|redis|postgres|ssh)_|(?:client_)?key_file$|file_ref$)/.test(field),
        );
  // The name of the file with a key is made when it is stored.
  return key === undefined ? changes : changes.filter(({ field }) => field !== "ssh_key_file_ref");
}

function existing({ bin }: CommandContext, name: string, changes: readonly ChangedField[]): CliError {
  const list = changes.map(
    ({ field, before = "(none)", after = "(none)" }) => `${field} ${before} → ${after}`,
  );
  const lost = list.length === 0 ? "" : `, which changes ${list.join("; ")}`;
  return new CliError(
    `there is a service ${name} already`,
    `\`${bin} service update ${name}\` replaces its credential and leaves the rest; --replace stores all of it anew${lost}`,
    "conflict",
  );
}
