import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import { tenantFor } from "../presets/tenant-question.js";
import { askSecret, askText, canAsk } from "../prompt.js";
import { readFirstLine } from "../secret-source.js";
import { readTlsCa } from "../service-settings.js";
import type { LoginFlags } from "./login-flags.js";
import type { LoginAnswers } from "./login-request.js";
import type { LoginPreset } from "./preset-choice.js";
import { neededTenant, presetFields, type PresetFields, type PresetUse } from "./preset-login.js";

/** Asks on a terminal for what the command line and the preset leave open; without one, says what is missing. */
export async function completeLogin(
  context: CommandContext,
  service: string,
  flags: LoginFlags,
  preset: LoginPreset | undefined,
): Promise<{ answers: LoginAnswers; fields: PresetFields }> {
  const use: PresetUse = {
    baseUrl: flags.baseUrl,
    hasClientFile: flags.clientSecretFile !== undefined,
    onDevice: flags.device === true,
  };
  const rule = preset === undefined ? undefined : neededTenant(preset, use);
  const tenant = await tenantFor(context, preset?.title ?? service, rule, flags.tenant);
  const fields: PresetFields = preset === undefined ? {} : presetFields(preset, use, tenant);
  const knowsDevices = use.hasClientFile || (flags.deviceUrl ?? fields.device_url) !== undefined;
  if (preset !== undefined && use.onDevice && !knowsDevices) {
    throw new UsageError(`no login on another device is known at ${preset.title}`, "leave out --device");
  }
  const find = finder(context, neededValues(flags, fields, use), preset);
  const answers = {
    service,
    baseUrl: (await find("--base-url")) ?? "",
    authUrl: await find("--auth-url"),
    deviceUrl: await find("--device-url"),
    tokenUrl: await find("--token-url"),
    clientId: await find("--client-id"),
    clientSecret: await secretOf(context, flags),
    scopes: await scopesOf(context, flags, preset),
    tlsCa: await readTlsCa(flags),
  };
  return { answers, fields };
}

interface NeededValue {
  readonly question: string;
  readonly value: string | undefined;
  readonly isNeeded: boolean;
}

function neededValues(
  flags: LoginFlags,
  fields: PresetFields,
  { hasClientFile, onDevice }: PresetUse,
): Readonly<Record<string, NeededValue>> {
  return {
    "--base-url": {
      question: "Base URL of the API, such as https://api.example.com",
      value: flags.baseUrl ?? fields.base_url,
      isNeeded: true,
    },
    "--auth-url": {
      question: "Authorization endpoint of the provider",
      value: flags.authUrl ?? fields.auth_url,
      isNeeded: !hasClientFile && !onDevice,
    },
    "--device-url": {
      question: "Device authorization endpoint of the provider",
      value: flags.deviceUrl ?? fields.device_url,
      isNeeded: onDevice && !hasClientFile,
    },
    "--token-url": {
      question: "Token endpoint of the provider",
      value: flags.tokenUrl ?? fields.token_url,
      isNeeded: !hasClientFile,
    },
    "--client-id": {
      question: "Id of the client at the provider",
      value: flags.clientId,
      isNeeded: !hasClientFile,
    },
  };
}

/** Gives values by their flag, and asks for one that is needed and not known when it is its turn. */
function finder(
  context: CommandContext,
  values: Readonly<Record<string, NeededValue>>,
  preset: LoginPreset | undefined,
): (flag: string) => Promise<string | undefined> {
  const missing = Object.entries(values).filter(([, { value, isNeeded }]) => isNeeded && value === undefined);
  if (missing.length > 0 && !canAsk(context)) {
    const hint =
      preset === undefined ? "give them, or a --preset" : `they are those of your client at ${preset.title}`;
    throw new UsageError(`missing: ${missing.map(([flag]) => flag).join(", ")}`, hint);
  }
  const open = new Map(missing);
  return async (flag) => {
    const question = open.get(flag)?.question;
    return question === undefined ? values[flag]?.value : (await askText(context, question, required)).trim();
  };
}

/** Undefined for a public client: one that has no secret. */
async function secretOf(context: CommandContext, flags: LoginFlags): Promise<string | undefined> {
  const { clientSecretStdin, clientSecretFile, clientAuth } = flags;
  if (clientSecretStdin === true) {
    const secret = await readFirstLine(context.stdin);
    if (secret === "") throw new UsageError("standard input holds no client secret");
    return secret;
  }
  const hasNone = clientAuth === "none" || clientAuth === "private_key_jwt";
  if (hasNone || clientSecretFile !== undefined || !canAsk(context)) return undefined;
  const secret = await askSecret(context, "Secret of the client (nothing, if it has none)");
  return secret === "" ? undefined : secret;
}

async function scopesOf(
  context: CommandContext,
  flags: LoginFlags,
  preset: LoginPreset | undefined,
): Promise<readonly string[]> {
  if (flags.scope !== undefined) return flags.scope.flatMap(words);
  const login = preset?.oauth2;
  if (login !== undefined && login.scope_separator === undefined) return [];
  // The scope that makes a login last opens nothing by itself.
  const isNeeded = login?.offline_scope !== undefined;
  const example = login?.example_scopes?.join(" ");
  const such = example === undefined ? "" : `such as ${example}`;
  if (canAsk(context)) {
    const question = ["Scopes, with spaces between", such].filter((part) => part !== "").join(", ");
    return words(await askText(context, question, isNeeded ? required : undefined));
  }
  if (!isNeeded || preset === undefined) return [];
  throw new UsageError(`${preset.title} needs --scope`, such === "" ? `see ${preset.docs}` : such);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function required(value: string): string | undefined {
  return value.trim() === "" ? "needed" : undefined;
}
