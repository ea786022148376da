import { flagOfField, isExpiringAuthType } from "../expiring-auth/registry.js";
import { inNamesOf } from "../renamed-fields.js";
import type { AuthType } from "../service-definition.js";
import { optionOfSetting } from "../service-update/unset-settings.js";
import { flagsOfField, isSecretField } from "./refused-field.js";

/** Does what stores a service that options name: a refusal is told by these, not by the fields of the API. */
export async function namingOptions<Result>(type: string, store: () => Promise<Result>): Promise<Result> {
  try {
    return await store();
  } catch (error) {
    throw inOptions(error, type);
  }
}

/** @returns the error itself where it names no field that an option sets */
export function inOptions(error: unknown, type: string): unknown {
  return inNamesOf(error, (field) => optionOf(field, type as AuthType));
}

/** As the user writes it. */
function optionOf(field: string, type: AuthType): string | undefined {
  const [first = "", ofAuth] = field.split(".");
  if (first === "auth" && ofAuth !== undefined && isExpiringAuthType(type)) {
    const flag = flagOfField(type, {}, ofAuth)?.flag;
    if (flag !== undefined) return optionOfFlag(flag);
    if (type === "jwt_bearer" && /^(?:scopes|extra)$/.test(ofAuth))
      return `--jwt-${ofAuth.replace(/s$/, "")}`;
  }
  const setting = optionOfSetting(first === "auth" ? ofAuth : first, first === "auth");
  if (setting !== undefined) return setting;
  if (isSecretField(field) && !/^auth\.(?:headers|params)$/.test(field)) return "the secret";
  const [flag] = flagsOfField(field);
  return flag === undefined ? undefined : optionOfFlag(flag);
}

/** Commander's own naming, the other way round. */
function optionOfFlag(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
