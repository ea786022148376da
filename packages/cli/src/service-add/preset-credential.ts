import type { AuthDefinition } from "@vault-proxy/client";

import { EXPIRING_AUTH } from "../expiring-auth/registry.js";
import { UsageError } from "../failures.js";
import type { Preset } from "../presets/preset.js";
import type { BasicPreset, ClientPreset } from "../presets/preset-auth.js";
import { fillTenant } from "../presets/tenant.js";
import { wrongLines } from "../secret-lines.js";
import type { AuthType, ServiceFlags } from "../service-definition.js";

/** Why the vault cannot store a key for this API, and what to do instead; undefined if it can. */
export function presetProblem(
  id: string,
  preset: Preset,
  bin: string,
): { readonly problem: string; readonly advice: string } | undefined {
  if (preset.login_only === true) {
    const advice = `run \`${bin} oauth login ${id} --client-id ID\``;
    return { problem: `${preset.title} gives no keys: it wants a login`, advice };
  }
  if (preset.auth.type === "aws_sigv4") {
    return {
      problem: `${preset.title} wants each request signed (AWS Signature Version 4), which the vault cannot do yet`,
      advice: `see ${preset.docs}`,
    };
  }
  if (preset.auth.type === "bearer" && preset.auth.exchange !== undefined) {
    return {
      problem: `${preset.title} trades its secret for a token that soon ends, which the vault cannot do yet`,
      advice: "give such a token with --type bearer and --base-url",
    };
  }
  return undefined;
}

/** The vault's own type for the preset's credential. */
export function presetAuthType({ auth: { type } }: Preset): AuthType {
  if (type === "aws_sigv4") throw new Error("no type of the vault");
  return type;
}

/** What is no secret, and must be known before the secrets are asked for. */
export interface PresetValue {
  readonly flag: "username" | "oauth2ClientId" | "serviceAccountFile";
  /** As the user writes it. */
  readonly option: string;
  readonly question: string;
}

export function presetValues({ title, auth }: Preset): readonly PresetValue[] {
  switch (auth.type) {
    case "basic":
      return hasOwnUserName(auth)
        ? [{ flag: "username", option: "--username", question: `${capital(auth.username)}, for ${title}` }]
        : [];
    case "oauth2_client":
      return [
        { flag: "oauth2ClientId", option: "--oauth2-client-id", question: `Id of the client at ${title}` },
      ];
    case "service_account":
      return [
        {
          flag: "serviceAccountFile",
          option: "--service-account-file",
          question: "Name of the uploaded key file",
        },
      ];
    default:
      return [];
  }
}

/** Names of further values that the provider wants: `account_id` for `{account_id}`. */
export function presetBlanks({ auth }: Preset): readonly string[] {
  if (auth.type !== "oauth2_client") return [];
  return Object.values(auth.extra_token_params ?? {}).flatMap((value) => {
    const name = /^\{([a-z_]+)\}$/.exec(String(value))?.[1];
    return name === undefined ? [] : [name];
  });
}

/** What must be asked for or read, in order. */
export function presetSecretLabels({ title, auth, env }: Preset): readonly string[] {
  const usually = env?.[0] === undefined ? "" : ` (others keep it in ${env[0]})`;
  switch (auth.type) {
    case "headers":
      return auth.headers.map((name) => `${name} of ${title}`);
    case "query":
      return auth.params.length === 1
        ? [`Key for ${title}${usually}`]
        : auth.params.map((name) => `${capital(name)} of ${title}`);
    case "basic":
      return [
        `${capital(auth.password_literal === undefined ? auth.password : auth.username)} for ${title}${usually}`,
      ];
    case "oauth2_client":
      return [`Client secret for ${title}`];
    case "service_account":
    case "aws_sigv4":
      return [];
    default:
      return [`Key or token for ${title}${usually}`];
  }
}

/** What the definition of the credential is made of. */
export interface PresetAnswers {
  /** One for each label. */
  readonly secrets: readonly string[];
  readonly flags: ServiceFlags;
  readonly tenant: string | undefined;
  /** By the names of {@link presetBlanks}. */
  readonly blanks: Readonly<Record<string, string>>;
}

export function presetAuth(preset: Preset, answers: PresetAnswers): AuthDefinition {
  const { auth } = preset;
  const { secrets, flags } = answers;
  const labels = presetSecretLabels(preset);
  if (secrets.length !== labels.length) {
    throw wrongLines(secrets.length, labels.length, `one line each, in this order: ${labels.join(", ")}`);
  }
  const empty = labels[secrets.indexOf("")];
  if (empty !== undefined) throw new UsageError(`no secret was given for: ${empty}`);
  const [first = ""] = secrets;
  switch (auth.type) {
    case "bearer":
    case "url":
      return { type: auth.type, token: first };
    case "header": {
      const { header_name, value_prefix: prefix = "" } = auth;
      return { type: "header", header_name, header_value: first.startsWith(prefix) ? first : prefix + first };
    }
    case "headers":
      return { type: "headers", headers: pairUp(auth.headers, secrets) };
    case "query":
      return { type: "query", params: pairUp(auth.params, secrets) };
    case "basic":
      return basicAuth(auth, flags.username, first);
    case "oauth2_client":
      return clientAuth(auth, answers);
    case "service_account":
      return EXPIRING_AUTH.service_account.define(
        {
          ...(flags.serviceAccountFile === undefined ? {} : { serviceAccountFile: flags.serviceAccountFile }),
          serviceAccountScope: flags.serviceAccountScope ?? [auth.default_scope],
          ...(flags.serviceAccountSubject === undefined
            ? {}
            : { serviceAccountSubject: flags.serviceAccountSubject }),
          serviceAccountTokenUrl: auth.token_url,
        },
        [],
      );
    case "aws_sigv4":
      throw new Error("refused before");
  }
}

function hasOwnUserName({ username_literal: literal, password_literal: password }: BasicPreset): boolean {
  return literal === undefined && password === undefined;
}

function basicAuth(auth: BasicPreset, given: string | undefined, secret: string): AuthDefinition {
  const { username_literal: literal, username_suffix: suffix = "", password_literal: password } = auth;
  if (password !== undefined) return { type: "basic", username: secret, password };
  const name = literal ?? given ?? "";
  const username = literal !== undefined || name.endsWith(suffix) ? name : name + suffix;
  return { type: "basic", username, password: secret };
}

function clientAuth(auth: ClientPreset, { secrets, flags, tenant, blanks }: PresetAnswers): AuthDefinition {
  const parameters = Object.entries(auth.extra_token_params ?? {}).map(([name, value]) => {
    const blank = /^\{([a-z_]+)\}$/.exec(String(value))?.[1];
    return `${name}=${blank === undefined ? value : (blanks[blank] ?? "")}`;
  });
  const extra = [...parameters, ...(flags.oauth2Extra ?? [])];
  const scopes = flags.oauth2Scope ?? (auth.scope === undefined ? undefined : [auth.scope]);
  return EXPIRING_AUTH.oauth2_client.define(
    {
      oauth2Grant: "client_credentials",
      ...(flags.oauth2ClientId === undefined ? {} : { oauth2ClientId: flags.oauth2ClientId }),
      oauth2ClientAuth: auth.client_auth,
      oauth2TokenUrl: fillTenant(auth.token_url, tenant),
      ...(scopes === undefined ? {} : { oauth2Scope: scopes }),
      ...(extra.length === 0 ? {} : { oauth2Extra: extra }),
    },
    secrets,
  );
}

function pairUp(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
