import type { CommandContext } from "../command-context.js";
import { flagOfField, isExpiringAuthType } from "../expiring-auth/registry.js";
import { askApiPlace } from "../field-questions.js";
import type { Preset } from "../presets/preset.js";
import { needsTenant } from "../presets/tenant.js";
import { readsStdin, type ServiceAddOptions } from "./add-options.js";
import { presetAuthType, presetBlanks, presetSecretLabels, presetValues } from "./preset-credential.js";
import { namedField, refusedSecrets } from "./refused-field.js";
import { askRefused } from "./refused-text.js";

/** What was answered for a preset, beside its options. Undefined is asked for. */
export interface KnownAnswers {
  readonly tenant: string | undefined;
  /** Those that are missing are asked for. */
  readonly blanks: Readonly<Record<string, string>>;
  readonly secrets: readonly string[] | undefined;
}

/** What is left of the answers, and what was answered anew. */
export interface CorrectedPreset {
  readonly options: ServiceAddOptions;
  readonly known: KnownAnswers;
}

/**
 * Says what the vault refused of the answers, and asks for what the preset itself does not ask for.
 * @returns undefined where the vault refused something else, which would be refused again
 */
export async function correctPreset(
  context: CommandContext,
  preset: Preset,
  options: ServiceAddOptions,
  known: KnownAnswers,
  error: unknown,
): Promise<CorrectedPreset | undefined> {
  const { field, reason } = namedField(error) ?? {};
  if (field === undefined || reason === undefined) return undefined;
  const warn = (): void => context.output.warn(reason);
  const type = presetAuthType(preset);
  if (field === "base_url" && options.baseUrl !== undefined) {
    warn();
    // The preset itself says where a token in the URL goes.
    const place = await askApiPlace(
      context,
      type === "url" ? "bearer" : type,
      options.allowPrivate,
      options.baseUrl,
    );
    return { options: { ...options, ...place }, known };
  }
  if (isOfTenant(preset, options, field)) {
    warn();
    const { tenant: _, ...rest } = options;
    return { options: rest, known: { ...known, tenant: undefined } };
  }
  const value = presetValues(preset).find(({ flag }) => field === VALUE_FIELDS[flag]);
  if (value !== undefined) {
    warn();
    return { options: { ...options, [value.flag]: undefined }, known };
  }
  const asked = isExpiringAuthType(type)
    ? flagOfField(type, options, field.replace(/^auth\./, ""))
    : undefined;
  if (asked !== undefined && options[asked.flag] !== undefined) {
    warn();
    return { options: { ...options, ...(await askRefused(context, asked, options)) }, known };
  }
  const blank = presetBlanks(preset).find((name) => field === `auth.extra.${name}`);
  if (blank !== undefined) {
    warn();
    const oauth2Extra = options.oauth2Extra?.filter((line) => !line.startsWith(`${blank}=`));
    const { [blank]: _, ...blanks } = known.blanks;
    return { options: { ...options, ...(oauth2Extra && { oauth2Extra }) }, known: { ...known, blanks } };
  }
  const isRead = readsStdin(options) || options.secretFile !== undefined;
  const isSecret = refusedSecrets(field, ["Client secret", ...presetSecretLabels(preset)]).length > 0;
  if (!isSecret || isRead || presetSecretLabels(preset).length === 0) return undefined;
  warn();
  return { options, known: { ...known, secrets: undefined } };
}

const VALUE_FIELDS = {
  username: "auth.username",
  oauth2ClientId: "auth.client_id",
  serviceAccountFile: "auth.file_ref",
} as const;

/** Whether an address was refused that the tenant is a part of, and a terminal would be asked for it. */
function isOfTenant(
  { base_url: url, auth, tenant }: Preset,
  options: ServiceAddOptions,
  field: string,
): boolean {
  if (tenant === undefined || tenant.default !== undefined) return false;
  if (field === "base_url") return options.baseUrl === undefined && needsTenant(url);
  return field === "auth.token_url" && auth.type === "oauth2_client" && needsTenant(auth.token_url);
}
