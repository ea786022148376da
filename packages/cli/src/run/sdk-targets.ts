import type { ServiceInfo, VaultClient } from "@vault-proxy/client";

import { CliError, UsageError } from "../failures.js";
import type { PresetCatalogue } from "../presets/preset-catalogue.js";
import { nearNames } from "../near-names.js";
import type { Preset } from "../presets/preset.js";
import { presetOfNamesake } from "../presets/service-preset.js";
import { presetProblem } from "../service-add/preset-credential.js";
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
 * @param bin the program's name, for advice
 * @throws UsageError for an unknown preset, CliError for a service that is not there
 */
export async function findSdkTargets(
  requests: readonly SdkRequest[],
  catalogue: PresetCatalogue,
  client: Pick<VaultClient, "listServices">,
  bin: string,
): Promise<SdkTarget[]> {
  const presets = await Promise.all(
    requests.map(async ({ presetId }) => {
      const preset = await catalogue.get(presetId);
      if (preset !== undefined) return preset;
      const near = nearNames(presetId, new Map(catalogue.ids.map((id) => [id, id])));
      const services = await client.listServices().catch(() => []);
      const service = services.find(({ name }) => name === presetId);
      if (service !== undefined) {
        const api = (await presetOfNamesake(catalogue, service))?.id ?? "openai";
        throw new UsageError(
          `--env takes the name of an API, and ${presetId} is a service of yours`,
          service.base_url === undefined
            ? "leave it out: SDKs call APIs by HTTP only"
            : api === "openai"
              ? `where an OpenAI SDK calls it, write --env openai=${presetId}`
              : `write --env ${api}=${presetId}`,
        );
      }
      throw new UsageError(
        `--env knows no ${presetId}`,
        near.length === 0 ? `\`${bin} presets\` lists them` : `did you mean ${near.join(" or ")}?`,
      );
    }),
  );
  if (requests.length === 0) return [];
  const services = new Map((await client.listServices()).map((service) => [service.name, service]));
  return requests.flatMap(({ presetId, service }, index) => {
    const preset = presets[index];
    if (preset === undefined) return [];
    const found = services.get(service);
    const problem = presetProblem(presetId, preset, bin);
    if (found === undefined && problem !== undefined) throw new CliError(problem.problem, problem.advice);
    if (found === undefined)
      throw missingService(presetId, service, sameApi(preset, [...services.values()]), bin);
    return [{ presetId, preset, service, baseUrl: found.base_url ?? "" }];
  });
}

function missingService(presetId: string, service: string, others: readonly string[], bin: string): CliError {
  const [other] = others;
  const preset = service === presetId ? "" : ` --preset ${presetId}`;
  const add = `add it with \`${bin} service add ${service}${preset}\``;
  return new CliError(
    `there is no service ${service}`,
    other === undefined ? add : `use the one at the same API, --env ${presetId}=${other}, or ${add}`,
  );
}

/** The names of services at the API that a preset is for. */
function sameApi(preset: Pick<Preset, "base_url">, services: readonly ServiceInfo[]): string[] {
  const hostOf = (url: string | undefined): string =>
    url !== undefined && URL.canParse(url) ? new URL(url).host : "";
  const host = hostOf(preset.base_url);
  return services.filter(({ base_url }) => host !== "" && hostOf(base_url) === host).map(({ name }) => name);
}
