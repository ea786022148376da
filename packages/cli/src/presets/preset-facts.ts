import type { Preset } from "./preset.js";
import { sdkVariables } from "./sdk-variables.js";
import { callersPrefix, servicePlace } from "./service-place.js";

/** Where the credential of a preset goes. */
export function credentialPlace({ auth, login_only: loginOnly }: Preset): string {
  if (loginOnly === true) return "a login";
  switch (auth.type) {
    case "bearer":
      return auth.exchange === undefined
        ? "Authorization: Bearer"
        : "Authorization: Bearer, with what it is traded for";
    case "header":
      return `${auth.header_name}${auth.value_prefix === undefined ? "" : `: ${auth.value_prefix}`}`.trimEnd();
    case "headers":
      return auth.headers.join(", ");
    case "query":
      return auth.params.map((name) => `?${name}=`).join(", ");
    case "basic":
      return "Authorization: Basic, user name and password";
    case "url":
      return "in the URL";
    case "oauth2_client":
      return "OAuth2 client, by its own credentials";
    case "service_account":
      return "uploaded key file of Google";
    case "aws_sigv4":
      return "AWS signature";
  }
}

/** What kind of credential a preset takes, in a word or two; `not yet` where the vault can store none. */
export function credentialKind(preset: Preset): string {
  const { auth, login_only: loginOnly } = preset;
  if (!isSupported(preset)) return "not yet";
  if (loginOnly === true) return "login";
  if (auth.type === "oauth2_client") return "client";
  if (auth.type === "service_account") return "key file";
  return auth.type;
}

/** Whether `service add` or `oauth login` can make a service by it. */
export function isSupported({ auth, oauth2 }: Preset): boolean {
  if (oauth2 !== undefined) return true;
  return auth.type !== "aws_sigv4" && !(auth.type === "bearer" && auth.exchange !== undefined);
}

/** All that a preset knows, as rows of name and value. @param bin the program's name, for commands */
export function presetFacts(id: string, preset: Preset, bin: string): readonly (readonly [string, string])[] {
  const { tenant, test, oauth2 } = preset;
  const { baseUrl } = servicePlace(preset, preset.base_url);
  const prefix = callersPrefix(preset);
  const sdk = sdkVariables(preset, prefix);
  const rows: (readonly [string, string | undefined])[] = [
    ["id", id],
    ["API", preset.title],
    ["category", preset.category],
    ["base URL", preset.base_url],
    ["stored as", baseUrl === preset.base_url ? undefined : `${baseUrl}; calls begin with ${prefix}`],
    ["tenant", tenant === undefined ? undefined : `${tenant.meaning}, such as ${tenant.example}`],
    ["other hosts", preset.other_hosts?.join(", ")],
    ["credential", credentialPlace(preset)],
    ["headers", headerLines(preset.required_headers)],
    ["may be sent", headerLines(preset.optional_headers)],
    ["test call", test === undefined ? undefined : `${test.method} ${prefix}${test.path}`],
    ["SDK variable", sdk.baseUrl],
    ["key in", preset.env?.join(", ")],
    [
      "run --env",
      sdk.baseUrl === undefined || preset.env === undefined ? "no: no variable names its address" : id,
    ],
    ["add it", preset.login_only === true || !isSupported(preset) ? undefined : `${bin} service add ${id}`],
    ["log in", oauth2 === undefined ? undefined : `${bin} oauth login ${id} --client-id ID`],
    ["page", preset.docs],
    ["confidence", preset.confidence],
    ["note", preset.note],
  ];
  return rows.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] as const],
  );
}

function headerLines(headers: Readonly<Record<string, string>> | undefined): string | undefined {
  if (headers === undefined) return undefined;
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ");
}
