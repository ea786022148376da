import type { CommandContext } from "../command-context.js";
import { typeOfFlags } from "../expiring-auth/registry.js";
import { UsageError } from "../failures.js";
import { askSecret, canAsk } from "../prompt.js";
import { linesOf, readLines, readSecretFile } from "../secret-source.js";
import { authDefinition, mayLackSecrets, secretLabels } from "../service-definition.js";
import type { AuthType, ServiceFlags } from "../service-definition.js";
import { completeFlags } from "../service-questions.js";
import { readTlsCa, serviceSettings } from "../service-settings.js";
import { isEncryptedKey } from "../ssh/private-key-text.js";
import { hasSshFlags } from "../ssh/ssh-service.js";
import { readsStdin, type ServiceAddOptions } from "./add-options.js";
import type { GivenService } from "./given-service.js";
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
  const key = complete.sshKeyFile === undefined ? undefined : await readSecretFile(complete.sshKeyFile);
  const flags = { ...complete, sshKeyIsEncrypted: key !== undefined && isEncryptedKey(key) };
  const tlsCa = await readTlsCa(options);
  const values = await readSecrets(context, flags.type, flags, options);
  const auth = authDefinition(flags.type, flags, values);
  const definition = { ...serviceSettings(flags.baseUrl, flags, tlsCa), name: flags.name, auth };
  if (stepByStep) await confirmSummary(context, definition);
  return { definition, key, isConfirmed: stepByStep };
}

async function readSecrets(
  context: CommandContext,
  type: AuthType,
  flags: ServiceFlags,
  options: ServiceAddOptions,
): Promise<string[]> {
  const labels = secretLabels(type, flags);
  if (readsStdin(options)) return readLines(context.stdin);
  if (options.secretFile !== undefined) return linesOf(await readSecretFile(options.secretFile));
  if (labels.length === 0) return [];
  if (!canAsk(context)) {
    if (type === "ssh_key" && mayLackSecrets(type, flags)) return [];
    throw new UsageError("no secret was given", "use --secret-stdin or --secret-file");
  }
  const values: string[] = [];
  for (const label of labels) values.push(await askSecret(context, label));
  return values;
}
