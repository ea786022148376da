import { resolve } from "node:path";

import { CliError } from "../failures.js";
import type { Environment } from "../output.js";
import type { Preset } from "../presets/preset.js";

/** A service whose SDK is to find the vault in its variables. */
export interface SdkTarget {
  readonly presetId: string;
  readonly preset: Pick<Preset, "title" | "env" | "sdk_base_url_env">;
  readonly service: string;
  /** The service's own, as the vault shows it. */
  readonly baseUrl: string;
}

/**
 * The environment of a program that is to reach the vault with `token` and nothing else: all other variables of the
 * vault are taken out, a password's file among them.
 * @param address the client's name of the vault
 */
export function agentEnvironment(env: Environment, address: string, token: string): Environment {
  const others = Object.entries(env).filter(([name]) => !name.startsWith("VAULT_"));
  const socket = address.startsWith("unix:") ? resolve(address.slice("unix:".length)) : undefined;
  return {
    ...Object.fromEntries(others),
    VAULT_ADDR: socket === undefined ? address : `unix:${socket}`,
    VAULT_TOKEN: token,
    ...(socket === undefined ? {} : { VAULT_PROXY_SOCK: socket }),
  };
}

/**
 * The variables that an official SDK reads: where its API is, and its key, which is the token. Every variable that
 * commonly holds the key is set, so that none is left that holds the real one.
 * @throws CliError where the SDK cannot reach the service by variables
 */
export function sdkEnvironment(target: SdkTarget, address: string, token: string): Record<string, string> {
  const { preset, presetId, service } = target;
  const variable = preset.sdk_base_url_env;
  if (variable === undefined || preset.env === undefined) {
    throw new CliError(
      `no variable is known by which programs take another address of ${preset.title}`,
      `leave it out of --env, and call it as $VAULT_ADDR/proxy/${service}; where an OpenAI SDK calls it, use --env openai=${service}`,
    );
  }
  if (address.startsWith("unix:")) {
    throw new CliError(
      "SDKs cannot reach the vault by its unix socket",
      "let vault-server listen on a port of loopback, or leave out --env",
    );
  }
  const path = pathBelowService(target, variable.includes_path ?? (variable.includes_v1 ? "/v1" : ""));
  if (path === undefined) {
    const origin = variable.default ?? "its origin";
    throw new CliError(
      `programs for ${preset.title} add a path that the base URL of ${service} has already`,
      `store the service with the base URL ${origin} for --env ${presetId}`,
    );
  }
  const end = variable.trailing_slash === true ? "/" : "";
  const url = `${address}/proxy/${encodeURIComponent(service)}${path}${end}`;
  return Object.fromEntries([[variable.name, url], ...preset.env.map((name) => [name, token])]) as Record<
    string,
    string
  >;
}

/**
 * What is to follow `/proxy/<service>` so that the SDK's own base path is met once: the vault adds the path of the
 * service's base URL to whatever it is given.
 * @param sdkPath the path that the SDK's address is expected to have
 * @returns undefined where the service's base URL has more of a path than the SDK leaves out
 */
function pathBelowService(
  { baseUrl, preset }: Pick<SdkTarget, "baseUrl" | "preset">,
  sdkPath: string,
): string | undefined {
  if (!URL.canParse(baseUrl)) return sdkPath;
  const { pathname, origin } = new URL(baseUrl);
  const has = segmentsOf(pathname);
  const wants = segmentsOf(sdkPath);
  for (let shared = Math.min(has.length, wants.length); shared > 0; shared--) {
    const isShared = has.slice(-shared).every((segment, index) => segment === wants[index]);
    if (isShared)
      return wants
        .slice(shared)
        .map((segment) => `/${segment}`)
        .join("");
  }
  // At the API's own host the SDK's paths are known to begin where its default address ends; elsewhere they are not.
  const isOwnHost = origin === originOf(preset.sdk_base_url_env?.default);
  return isOwnHost && has.length > 0 ? undefined : sdkPath;
}

function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}
