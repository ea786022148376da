import type { ServiceInfo } from "@vault-proxy/client";

import { sdkVariables } from "../presets/sdk-variables.js";
import type { ServicePreset } from "../presets/service-preset.js";
import { isSessionType } from "../session-types/registry.js";

/** What a person does next. */
export interface NextStepsOf {
  readonly service: Pick<ServiceInfo, "name" | "auth_type">;
  readonly preset: ServicePreset | undefined;
  /** As the client has it: an URL, or `unix:` and a path. */
  readonly vaultAddress: string;
  readonly bin: string;
}

/** Lines that say how an agent uses the service. */
export function nextSteps({ service, preset, vaultAddress, bin }: NextStepsOf): readonly string[] {
  const { name, auth_type: type } = service;
  const token = `${bin} token create --service ${name} --ttl 8h`;
  if (type === "ssh_key") return [`  run       ${bin} ssh ${name} COMMAND`, `  token     ${token}`];
  if (isSessionType(type)) return [`  open      ${bin} ${type} ${name}`, `  token     ${token}`];
  const sdk = preset === undefined ? undefined : sdkVariables(preset.preset, preset.prefix);
  const address = vaultAddress.startsWith("unix:") ? "" : vaultAddress.replace(/\/+$/, "");
  const baseUrl = `${address}/proxy/${name}${sdk?.path ?? ""}`;
  return [
    sdk?.baseUrl === undefined ? `  base URL  ${baseUrl}` : `  ${sdk.baseUrl}=${baseUrl}`,
    sdk?.key === undefined ? `  token     ${token}` : `  ${sdk.key}=$(${token})`,
  ];
}
