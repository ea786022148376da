import type { ServiceDefinition } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { typeOfFlags } from "../expiring-auth/registry.js";
import { CliError, UsageError } from "../failures.js";
import { refuseUselessFlags } from "../flag-uses.js";
import { mergedHeaders } from "../presets/merged-headers.js";
import type { Preset } from "../presets/preset.js";
import { presetUrlPath } from "../presets/service-preset.js";
import { servicePlace, type ServicePlace } from "../presets/service-place.js";
import { fillTenant, needsTenant } from "../presets/tenant.js";
import { tenantFor } from "../presets/tenant-question.js";
import { namedValues } from "../repeated-option.js";
import { askSecret, askText, canAsk } from "../prompt.js";
import { linesOf, readLines, readSecretFile } from "../secret-source.js";
import type { ServiceFlags } from "../service-definition.js";
import { readTlsCa, serviceSettings } from "../service-settings.js";
import { readsStdin, type ServiceAddOptions } from "./add-options.js";
import type { GivenService } from "./given-service.js";
import {
  presetAuth,
  presetAuthType,
  presetBlanks,
  presetProblem,
  presetSecretLabels,
  presetValues,
} from "./preset-credential.js";
import { correctPreset, type KnownAnswers } from "./preset-correction.js";
import { secretHint } from "./secret-hint.js";
import { confirmSummary } from "./summary.js";

/** What a preset is asked to make. */
export interface PresetService {
  readonly id: string;
  readonly preset: Preset;
  readonly name: string;
  /** In a terminal: shows what will be stored, and asks whether it is right. */
  readonly stepByStep: boolean;
}

/** Asks a terminal for what the preset leaves open; without one, says what is missing. */
export async function serviceOfPreset(
  context: CommandContext,
  { id, preset, name, stepByStep }: PresetService,
  options: ServiceAddOptions,
): Promise<GivenService> {
  const { problem, advice } = presetProblem(id, preset, context.bin) ?? {};
  if (problem !== undefined) throw new CliError(problem, advice);
  refuseForeignFlags(id, preset, options);
  const given = await completePreset(context, { id, preset, name, stepByStep }, options);
  if (stepByStep) await confirmSummary(context, given.definition, preset.title);
  return { ...given, isConfirmed: stepByStep };
}

/** @param known what was answered already */
async function completePreset(
  context: CommandContext,
  asked: PresetService,
  options: ServiceAddOptions,
  known?: KnownAnswers,
): Promise<GivenService> {
  const { id, preset, name, stepByStep } = asked;
  const tenant = known?.tenant ?? (await tenantOf(context, preset, options));
  const place = placeOf(preset, options.baseUrl, tenant);
  if (canAsk(context) && !stepByStep && known === undefined) {
    context.output.note(`${preset.title} at ${place.baseUrl}. About its keys:`);
    context.output.note(`  ${preset.docs}`);
  }
  const flags = await withValues(context, preset, options);
  const blanks = await blanksOf(context, preset, options, known?.blanks);
  const tlsCa = await readTlsCa(options);
  const settings = serviceSettings(place.baseUrl, flags, tlsCa);
  const headers = mergedHeaders(preset.required_headers, settings.headers);
  const secrets = known?.secrets ?? (await secretsOf(context, preset, options));
  const answers = { tenant, blanks, secrets };
  const definition = {
    ...settings,
    name,
    ...(headers === undefined ? {} : { headers }),
    auth: presetAuth(preset, { ...answers, flags: withoutBlanks(flags, preset) }),
  } as ServiceDefinition;
  return {
    definition,
    preset: { id, preset, prefix: place.prefix },
    askAgain: isAsked(preset, options)
      ? () => completePreset(context, asked, flags, { ...answers, secrets: undefined })
      : undefined,
    correct:
      canAsk(context) && !context.output.json
        ? async (error) => {
            const corrected = await correctPreset(context, preset, flags, answers, error);
            return corrected === undefined
              ? undefined
              : completePreset(context, asked, corrected.options, corrected.known);
          }
        : undefined,
  };
}

/** A flag that contradicts the preset, or that its type has no use for. */
function refuseForeignFlags(id: string, preset: Preset, options: ServiceAddOptions): void {
  const type = presetAuthType(preset);
  if (options.type !== undefined && options.type !== type) {
    throw new UsageError(`the preset ${id} is of --type ${type}`, "leave out --type, or --preset");
  }
  if (options.bearerStdin === true && type !== "bearer") {
    throw new UsageError(`the preset ${id} is of --type ${type}`, "use --secret-stdin");
  }
  for (const [flag, option] of [
    ["headerName", "--header-name"],
    ["paramName", "--param-name"],
  ] as const) {
    if (options[flag] !== undefined) {
      throw new UsageError(`${option} does not go with a preset`, `${id} knows where its credential goes`);
    }
  }
  typeOfFlags(type, options);
  refuseUselessFlags(type, options);
}

function placeOf(preset: Preset, given: string | undefined, tenant: string | undefined): ServicePlace {
  const place = servicePlace(preset, given ?? fillTenant(preset.base_url, tenant));
  const { auth } = preset;
  if (auth.type !== "url" || place.baseUrl.includes("{token}")) return place;
  return { ...place, baseUrl: place.baseUrl + presetUrlPath(auth.template) };
}

async function tenantOf(
  context: CommandContext,
  preset: Preset,
  { tenant, baseUrl }: ServiceAddOptions,
): Promise<string | undefined> {
  const { auth } = preset;
  const isNeeded = needsTenant(
    baseUrl === undefined ? preset.base_url : undefined,
    auth.type === "oauth2_client" ? auth.token_url : undefined,
  );
  return tenantFor(context, preset.title, isNeeded ? preset.tenant : undefined, tenant);
}

async function withValues(
  context: CommandContext,
  preset: Preset,
  options: ServiceAddOptions,
): Promise<ServiceAddOptions> {
  const missing = presetValues(preset).filter(({ flag }) => options[flag] === undefined);
  if (missing.length > 0 && !canAsk(context)) {
    throw new UsageError(`${preset.title} needs ${missing.map(({ option }) => option).join(", ")}`);
  }
  const answers: [string, string][] = [];
  for (const { flag, question } of missing) {
    answers.push([flag, (await askText(context, question, needed)).trim()]);
  }
  return { ...options, ...Object.fromEntries(answers) };
}

async function blanksOf(
  context: CommandContext,
  preset: Preset,
  { oauth2Extra }: ServiceFlags,
  known: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const given = { ...namedValues("--oauth2-extra", oauth2Extra), ...known };
  const names = presetBlanks(preset);
  const blanks = Object.fromEntries(
    names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  const missing = names.filter((name) => blanks[name] === undefined);
  if (missing.length > 0 && !canAsk(context)) {
    throw new UsageError(
      `${preset.title} needs ${missing.map((name) => `--oauth2-extra ${name}=…`).join(" and ")}`,
    );
  }
  for (const name of missing) {
    blanks[name] = (await askText(context, `${name.replaceAll("_", " ")} of ${preset.title}`, needed)).trim();
  }
  return blanks;
}

/** Those of `--oauth2-extra` that filled a blank are in their place already. */
function withoutBlanks(flags: ServiceFlags, preset: Preset): ServiceFlags {
  const names = presetBlanks(preset);
  const rest = flags.oauth2Extra?.filter((line) => !names.some((name) => line.startsWith(`${name}=`)));
  const { oauth2Extra: _, ...others } = flags;
  return rest === undefined || rest.length === 0 ? others : { ...others, oauth2Extra: rest };
}

async function secretsOf(
  context: CommandContext,
  preset: Preset,
  options: ServiceAddOptions,
): Promise<readonly string[]> {
  const labels = presetSecretLabels(preset);
  const secrets = await readOrAsk(context, preset, labels, options);
  const hint = secrets.length === 1 ? secretHint(preset, secrets[0] ?? "") : undefined;
  if (hint !== undefined) context.output.warn(hint);
  return secrets;
}

/** Whether the secret comes from a terminal: what was read from a file would be the same again. */
function isAsked(preset: Preset, options: ServiceAddOptions): boolean {
  return presetSecretLabels(preset).length > 0 && !readsStdin(options) && options.secretFile === undefined;
}

async function readOrAsk(
  context: CommandContext,
  preset: Preset,
  labels: readonly string[],
  options: ServiceAddOptions,
): Promise<readonly string[]> {
  if (labels.length === 0) return [];
  if (readsStdin(options)) return readLines(context.stdin);
  if (options.secretFile !== undefined) return linesOf(await readSecretFile(options.secretFile));
  if (!canAsk(context)) {
    const variable = preset.env?.[0];
    const example = variable === undefined ? "" : `, such as \`printenv ${variable} | ${context.bin} …\``;
    throw new UsageError("no secret was given", `use --secret-stdin or --secret-file${example}`);
  }
  const values: string[] = [];
  for (const label of labels) values.push(await askSecret(context, label, needed));
  return values;
}

function needed(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}
