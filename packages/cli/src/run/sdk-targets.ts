import type { VaultClient } from "@vault-proxy/client";

import { CliError, UsageError } from "../failures.js";
import type { PresetCatalogue } from "../presets/preset-catalogue.js";
import { closestNames } from "./closest-names.js";
import type { SdkTarget } from "./agent-variables.js";

export interface SdkRequest {
  readonly presetId: string;
  readonly service: string;
}

/** Reads `openai,anthropic=my-claude`. @throws UsageError */
export function parseSdkList(text: string): SdkRequest[] {
  return text.split(",").map((part) => {
    const [presetId = "", service = presetId, ...rest] = part.trim().split("=");
    if (presetId === "" || service === "" || rest.length > 0) {
      throw new UsageError(`"${part}" is not a name for --env`, "write openai, or openai=my-service");
    }
    return { presetId, service };
  });
}

/**
 * Looks up what `--env` names, at the vault and among the presets.
 * @throws UsageError for an unknown preset, CliError for a service that is not there
 */
export async function findSdkTargets(
  requests: readonly SdkRequest[],
  catalogue: PresetCatalogue,
  client: Pick<VaultClient, "listServices">,
): Promise<SdkTarget[]> {
  const presets = await Promise.all(
    requests.map(async ({ presetId }) => {
      const preset = await catalogue.get(presetId);
      if (preset !== undefined) return preset;
      const near = closestNames(presetId, catalogue.ids);
      throw new UsageError(
        `--env knows no ${presetId}`,
        near.length === 0 ? "`presets` lists them" : `did you mean ${near.join(" or ")}?`,
      );
    }),
  );
  if (requests.length === 0) return [];
  const services = new Map((await client.listServices()).map((service) => [service.name, service]));
  return requests.flatMap(({ presetId, service }, index) => {
    const preset = presets[index];
    if (preset === undefined) return [];
    const found = services.get(service);
    if (found === undefined) throw missingService(presetId, service, [...services.keys()]);
    return [{ presetId, preset, service, baseUrl: found.base_url ?? "" }];
  });
}

function missingService(presetId: string, service: string, names: readonly string[]): CliError {
  const near = closestNames(service, names);
  const other = near[0] === undefined ? "" : `, or use another one: --env ${presetId}=${near[0]}`;
  return new CliError(`there is no service ${service}`, `add it with \`service add\`${other}`);
}
