import type { Preset } from "./preset.js";

/** What an official SDK reads from the environment, for calls through the vault. */
export interface SdkVariables {
  /** The variable that takes the base URL; undefined if the SDK reads none. */
  readonly baseUrl: string | undefined;
  /** The variable that takes the vault's token; undefined if none is known. */
  readonly key: string | undefined;
  /** What follows `/proxy/<service>` in the base URL: empty, a path such as `/v1`, or a slash. */
  readonly path: string;
}

/**
 * The service is on the API's own origin, so that the path is the one that the SDK's own default has.
 * @param prefix what callers put before the preset's paths: the base URL of clients that read no variable
 */
export function sdkVariables({ sdk_base_url_env: sdk, env }: Preset, prefix: string): SdkVariables {
  const key = env?.[0];
  if (sdk === undefined) return { baseUrl: undefined, key, path: prefix };
  const ownPath = sdk.includes_path ?? (sdk.includes_v1 ? prefix : "");
  const path = sdk.default === undefined ? ownPath : new URL(sdk.default).pathname.replace(/\/+$/, "");
  return { baseUrl: sdk.name, key, path: sdk.trailing_slash === true ? `${path}/` : path };
}
