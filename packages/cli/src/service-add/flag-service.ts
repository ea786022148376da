import type { ServiceDefinition } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { typeOfFlags } from "../expiring-auth/registry.js";
import { UsageError } from "../failures.js";
import { askSecret, canAsk } from "../prompt.js";
import { linesOf, readLines, readSecretFile } from "../secret-source.js";
import { authDefinition, mayLackSecrets, secretLabels, secretProblem } from "../service-definition.js";
import type { AuthType, ServiceFlags } from "../service-definition.js";
import { completeFlags, knownBaseUrl, type CompleteFlags } from "../service-questions.js";
import { readTlsCa, serviceSettings } from "../service-settings.js";
import { askRefused } from "./refused-text.js";
import { isEncryptedKey } from "../ssh/private-key-text.js";
import { hasSshFlags } from "../ssh/ssh-service.js";
import { readsStdin, type ServiceAddOptions } from "./add-options.js";
import type { GivenService } from "./given-service.js";
import { refusedField } from "./refused-field.js";
import { confirmSummary } from "./summary.js";

/** A service that no preset knows. @param stepByStep shows what will be stored, and asks whether it is right */
export async function serviceOfFlags(
  context: CommandContext,
  name: string | undefined,
  options: ServiceAddOptions,
  stepByStep: boolean,
): Promise<GivenService> {
  const named = typeOfFlags(options.bearerStdin === true ? "bearer" : options.type, options);
  const type = named ?? (hasSshFlags(options) ? "ssh_key" : undefined);
  const complete = await completeFlags(context, name, { ...options, type });
  const given = await completeService(context, complete, options);
  if (stepByStep) await confirmSummary(context, given.definition);
  return { ...given, isConfirmed: stepByStep };
}

/** @param known secrets that were answered already, by their labels, or all lines that were read */
async function completeService(
  context: CommandContext,
  complete: CompleteFlags,
  options: ServiceAddOptions,
  known?: ReadonlyMap<string, string> | readonly string[],
): Promise<GivenService> {
  const key = complete.sshKeyFile === undefined ? undefined : await readSecretFile(complete.sshKeyFile);
  const flags = { ...complete, sshKeyIsEncrypted: key !== undefined && isEncryptedKey(key) };
  const tlsCa = await readTlsCa(options);
  const values = await readSecrets(context, flags.type, flags, options, known);
  const auth = authDefinition(flags.type, flags, values);
  const definition = {
    ...serviceSettings(flags.baseUrl, flags, tlsCa),
    name: flags.name,
    auth,
  } as ServiceDefinition;
  const isAsked = canAsk(context) && !context.output.json;
  return { definition, key, ...(isAsked ? { correct: (error) => correct(error) } : {}) };

  async function correct(error: unknown): Promise<GivenService | undefined> {
    const refused = refusedField(error, flags);
    if (refused === undefined) return undefined;
    const { flags: wrong, asked, secrets, reason } = refused;
    const isRead = readsStdin(options) || options.secretFile !== undefined;
    const rest = Object.fromEntries(
      Object.entries(complete).filter(([flag]) => !wrong.some((name) => name === flag)),
    ) as typeof complete;
    const isGiven = asked !== undefined || wrong.some((flag) => complete[flag] !== undefined);
    // What would not be asked for would be refused again.
    if (asked === undefined && isGiven && wrong.includes("baseUrl") && knownBaseUrl(rest) !== undefined) {
      return undefined;
    }
    if (!isGiven && (secrets.length === 0 || isRead)) return undefined;
    context.output.warn(reason);
    const corrected =
      asked === undefined ? rest : { ...rest, ...(await askRefused(context, asked, complete)) };
    const next = isGiven ? await completeFlags(context, complete.name, corrected) : complete;
    const answered = secretLabels(flags.type, flags).flatMap((label, index): [string, string][] => {
      const value = values[index];
      return value === undefined || secrets.includes(label) ? [] : [[label, value]];
    });
    // What was read is not there to be read once more.
    return completeService(context, next, options, isRead ? values : new Map(answered));
  }
}

async function readSecrets(
  context: CommandContext,
  type: AuthType,
  flags: ServiceFlags,
  options: ServiceAddOptions,
  known: ReadonlyMap<string, string> | readonly string[] = new Map(),
): Promise<readonly string[]> {
  if (!("get" in known)) return known;
  const labels = secretLabels(type, flags);
  if (readsStdin(options)) return readLines(context.stdin);
  if (options.secretFile !== undefined) return linesOf(await readSecretFile(options.secretFile));
  if (labels.length === 0) return [];
  if (!canAsk(context)) {
    if (type === "ssh_key" && mayLackSecrets(type, flags)) return [];
    throw new UsageError("no secret was given", "use --secret-stdin or --secret-file");
  }
  const values: string[] = [];
  const mayBeEmpty = mayLackSecrets(type, flags);
  for (const label of labels) {
    const check = (value: string) => (value === "" && !mayBeEmpty ? "needed" : secretProblem(type, value));
    values.push(known.get(label) ?? (await askSecret(context, label, check)));
  }
  return values;
}
