import type { ServiceInfo } from "@vault-proxy/client";

import { EXPIRING_AUTH, isExpiringAuthType } from "../expiring-auth/registry.js";
import { UsageError } from "../failures.js";
import type { Preset } from "../presets/preset.js";
import { wrongLines } from "../secret-lines.js";
import { presetAuth } from "../service-add/preset-credential.js";
import { secretProblem, type AuthType, type ServiceFlags } from "../service-definition.js";
import { isSessionType, readSessionFlags, SESSION_TYPES } from "../session-types/registry.js";
import { hasKey, readSshFlags, sshAuth } from "../ssh/ssh-service.js";

/** What a change of the credential is made of. */
export interface CredentialChange {
  readonly info: ServiceInfo;
  readonly type: AuthType;
  readonly flags: ServiceFlags;
  /** One for each label; empty if the secrets stay. */
  readonly secrets: readonly string[];
  /** What knows the shape that the API wants its key in. */
  readonly preset: Preset | undefined;
}

/** What a new secret is asked for by, in order. A file may hold fewer lines, for what may be left out. */
export function changedSecretLabels({
  info,
  type,
  flags,
}: Omit<CredentialChange, "secrets">): readonly string[] {
  if (type === "ssh_key")
    return [sshSecret(info, flags) === "password" ? "Password" : "Passphrase of the key"];
  if (isSessionType(type)) return ["Password"];
  if (type === "oauth2_client") return ["Client secret", "Refresh token"];
  if (type === "jwt_bearer") return ["Client secret"];
  if (isExpiringAuthType(type)) return [];
  switch (type) {
    case "header":
    case "headers":
      return namesOf(flags.headerName, info.header_names ?? [info.header_name ?? ""]).map(valueOf);
    case "query":
      return namesOf(flags.paramName, info.query_params ?? []).map(valueOf);
    case "basic":
      return ["Password, or key"];
    default:
      return ["Key or token"];
  }
}

/** The `auth` object of the change: only what is named. */
export function changedAuth(change: CredentialChange): Record<string, unknown> {
  const { type, flags, secrets } = change;
  const labels = changedSecretLabels(change);
  const mayBeFewer = type === "oauth2_client";
  if (
    secrets.length > labels.length ||
    (secrets.length > 0 && secrets.length < labels.length && !mayBeFewer)
  ) {
    throw wrongLines(
      secrets.length,
      labels.length,
      labels.length === 0 ? "name the uploaded file instead" : `in this order: ${labels.join(", ")}`,
    );
  }
  const empty = labels[secrets.indexOf("")];
  if (empty !== undefined) throw new UsageError(`no secret was given for: ${empty}`);
  const wrong = secrets.map((value) => secretProblem(type, value)).find((problem) => problem !== undefined);
  if (wrong !== undefined) throw new UsageError(`the secret cannot be right: ${wrong}`);
  if (type === "ssh_key") return sshChange(change);
  if (isSessionType(type)) {
    const read = readSessionFlags(type, flags);
    const changed = given(SESSION_TYPES[type].define(read, secrets[0]));
    return flags.oauthService === undefined ? changed : { ...changed, [`${type}_password`]: null };
  }
  if (isExpiringAuthType(type)) {
    const changed = given(EXPIRING_AUTH[type].define(flags, secrets));
    // The file says which client it is, and where: that of the client before would go before it.
    return flags.oauth2ClientSecretFile === undefined
      ? changed
      : { client_id: null, token_url: null, ...changed };
  }
  return plainChange(change);
}

function plainChange({ info, type, flags, secrets, preset }: CredentialChange): Record<string, unknown> {
  const [secret] = secrets;
  switch (type) {
    case "header": {
      const names = flags.headerName ?? [];
      if (names.length > 1) throw new UsageError("--type header takes one --header-name");
      const name = names[0] ?? info.header_name;
      return given({
        header_name: names[0],
        header_value: secret === undefined ? undefined : shaped(preset, name, secret),
      });
    }
    case "headers":
      return given({ headers: pairs(namesOf(flags.headerName, info.header_names ?? []), secrets) });
    case "query":
      return given({ params: pairs(namesOf(flags.paramName, info.query_params ?? []), secrets) });
    case "basic":
      return basicChange(preset, flags.username, secret);
    default:
      return given({ token: secret });
  }
}

/** A key with what the API wants before it: `Token …`. */
function shaped(preset: Preset | undefined, name: string | undefined, secret: string): string {
  if (preset?.auth.type !== "header") return secret;
  const { header_name: known, value_prefix: prefix = "" } = preset.auth;
  const isSame = known.toLowerCase() === name?.toLowerCase();
  return isSame && !secret.startsWith(prefix) ? prefix + secret : secret;
}

/** Some APIs take the key as user name, and some add to the name of a person. */
function basicChange(
  preset: Preset | undefined,
  username: string | undefined,
  secret: string | undefined,
): Record<string, unknown> {
  if (preset?.auth.type !== "basic") return given({ username, password: secret });
  const parts: Record<string, unknown> = {
    ...presetAuth(preset, { secrets: [secret ?? "x"], flags: { username }, tenant: undefined, blanks: {} }),
  };
  const takesKeyAsName = preset.auth.password_literal !== undefined;
  return given({
    username: username !== undefined || (takesKeyAsName && secret !== undefined) ? parts.username : undefined,
    password: secret === undefined ? undefined : parts.password,
  });
}

function sshChange({ info, flags, secrets: [secret] }: CredentialChange): Record<string, unknown> {
  const read = readSshFlags(flags);
  const { ssh_key_passphrase: _key, ssh_password: _password, ...named } = sshAuth(read, []);
  const changed = given(named);
  if (hasKey(read)) return { ...changed, ssh_key_passphrase: secret ?? null, ssh_password: null };
  if (secret === undefined) return changed;
  return sshSecret(info, flags) === "password"
    ? { ...changed, ssh_password: secret, ssh_key_file_ref: null, ssh_key_passphrase: null }
    : { ...changed, ssh_key_passphrase: secret };
}

function sshSecret(info: ServiceInfo, flags: ServiceFlags): "password" | "passphrase" {
  if (flags.sshPasswordStdin === true) return "password";
  if (flags.sshPassphraseStdin === true || hasKey(flags)) return "passphrase";
  return info.ssh_key_file_ref === undefined ? "password" : "passphrase";
}

/** What was named: neither what is undefined, nor the empty texts and the type that a whole definition has. */
function given(auth: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(auth).filter(([name, value]) => name !== "type" && value !== undefined && value !== ""),
  );
}

function namesOf(flag: readonly string[] | undefined, stored: readonly string[]): readonly string[] {
  return flag ?? stored;
}

function valueOf(name: string): string {
  return `Value of ${name}`;
}

function pairs(names: readonly string[], values: readonly string[]): Record<string, string> | undefined {
  if (values.length === 0) return undefined;
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}
