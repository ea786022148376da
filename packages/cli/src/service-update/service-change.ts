import type { ServiceInfo, ServicePatch } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { typeOfFlags } from "../expiring-auth/registry.js";
import { CliError, UsageError } from "../failures.js";
import { refuseUselessFlags } from "../flag-uses.js";
import type { Preset } from "../presets/preset.js";
import { loadPresets } from "../presets/preset-catalogue.js";
import { presetOfNamesake } from "../presets/service-preset.js";
import { askSecret, askText, canAsk } from "../prompt.js";
import { linesOf, readLines, readSecretFile } from "../secret-source.js";
import { readsStdin } from "../service-add/add-options.js";
import { secretHint } from "../service-add/secret-hint.js";
import { AUTH_TYPES, type AuthType } from "../service-definition.js";
import { readTlsCa, serviceSettings } from "../service-settings.js";
import { isEncryptedKey } from "../ssh/private-key-text.js";
import { changedAuth, changedSecretLabels, type CredentialChange } from "./changed-auth.js";
import { unsetFields } from "./unset-settings.js";
import { changesNothing, type ServiceUpdateOptions } from "./update-options.js";

/** A change as the command line has it. */
export interface ServiceChange {
  readonly patch: ServicePatch;
  /** A private key that must be stored before it. */
  readonly key: string | undefined;
  /** Whether a secret is in it. */
  readonly hasSecret: boolean;
}

/** What the flags and their files change; where they name nothing, a terminal is asked for the new secret. */
export async function serviceChange(
  context: CommandContext,
  info: ServiceInfo,
  options: ServiceUpdateOptions,
): Promise<ServiceChange> {
  const type = typeOf(info);
  typeOfFlags(type, options);
  refuseUselessFlags(type, options);
  const unset = unsetFields(options.unset);
  const isAsked = changesNothing(options);
  if (isAsked && !canAsk(context)) {
    throw new UsageError(
      "nothing says what to change",
      `give the new secret with --secret-file or --secret-stdin, or a setting; see \`${context.bin} service update --help\``,
    );
  }
  const flags = isAsked ? await askedFlags(context, info, options) : options;
  const key = flags.sshKeyFile === undefined ? undefined : await readSecretFile(flags.sshKeyFile);
  const preset = await presetFor(info, type);
  const change = { info, type, flags: { ...flags, scrub: undefined }, preset };
  const needsPassphrase = key !== undefined && isEncryptedKey(key);
  const labels = key === undefined || needsPassphrase ? changedSecretLabels(change) : [];
  const secrets = await newSecrets(context, labels, flags, isAsked || needsPassphrase);
  if (preset !== undefined && secrets.length === 1) {
    const hint = secretHint(preset, secrets[0] ?? "");
    if (hint !== undefined) context.output.warn(hint);
  }
  return {
    patch: await patchOf({ ...change, secrets }, flags, unset),
    key,
    hasSecret: secrets.length > 0 || key !== undefined,
  };
}

async function patchOf(
  change: CredentialChange,
  options: ServiceUpdateOptions,
  unset: ReturnType<typeof unsetFields>,
): Promise<ServicePatch> {
  const settings = serviceSettings(options.baseUrl, options, await readTlsCa(options));
  const auth = { ...changedAuth(change), ...unset.auth };
  return { ...settings, ...unset.settings, ...(Object.keys(auth).length === 0 ? {} : { auth }) };
}

function typeOf({ name, auth_type: type }: ServiceInfo): AuthType {
  if (Object.hasOwn(AUTH_TYPES, type)) return type as AuthType;
  throw new CliError(`${name} is of type ${type}, which this version cannot change`);
}

/** Without any flag the secret is what is to be replaced. */
async function askedFlags(
  context: CommandContext,
  info: ServiceInfo,
  options: ServiceUpdateOptions,
): Promise<ServiceUpdateOptions> {
  if (info.ssh_key_file_ref === undefined) return options;
  return { ...options, sshKeyFile: await askText(context, "Path of the new private key", needed) };
}

async function newSecrets(
  context: CommandContext,
  labels: readonly string[],
  options: ServiceUpdateOptions,
  asks: boolean,
): Promise<readonly string[]> {
  if (readsStdin(options)) return some(await readLines(context.stdin), "standard input");
  if (options.secretFile !== undefined) {
    return some(linesOf(await readSecretFile(options.secretFile)), options.secretFile);
  }
  if (!asks) return [];
  if (!canAsk(context))
    throw new UsageError("the key has a passphrase", "give it with --ssh-passphrase-stdin");
  if (labels.length === 0) {
    throw new UsageError("this service has no secret of its own", "name a new uploaded file, or a setting");
  }
  const values: string[] = [];
  for (const label of labels) values.push(await askSecret(context, `New ${uncapital(label)}`, needed));
  return values;
}

/** Where a secret was announced and none came, as from a variable that is not set, nothing may seem to be changed. */
function some(lines: readonly string[], source: string): readonly string[] {
  if (lines.length > 0) return lines;
  throw new UsageError("no secret was given", `${source} is empty`);
}

/** The preset at the service's place, or the one that it is named for. */
async function presetFor(info: ServiceInfo, type: AuthType): Promise<Preset | undefined> {
  if (type !== "header" && type !== "basic" && type !== "bearer") return undefined;
  const preset = (await presetOfNamesake(await loadPresets(), info))?.preset;
  return preset?.auth.type === type ? preset : undefined;
}

function needed(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}

function uncapital(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
