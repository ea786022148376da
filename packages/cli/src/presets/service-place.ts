/**
 * Where a service is, and what its callers put between its address at the vault and the paths that a preset names. All
 * paths of an API are then as its documentation writes them: `/proxy/openai/v1/models` for
 * `https://api.openai.com/v1/models`, whatever version stands in the preset's `base_url`.
 */
export interface ServicePlace {
  /** The `base_url` of the service. */
  readonly baseUrl: string;
  /** Empty, or a path such as `/v1`. */
  readonly prefix: string;
}

/** What of a preset the place depends on. */
export interface PlacedPreset {
  readonly base_url: string;
  readonly shared_host?: true;
}

/**
 * The path that the calls of a preset have in common is theirs to write, unless the service is to be bounded by it: on a
 * host with other APIs, and where the path names the tenant.
 * @param preset with the `base_url` that counts, its `{tenant}` not yet filled in
 */
export function callersPrefix({ base_url: baseUrl, shared_host: isShared }: PlacedPreset): string {
  const path = baseUrl.replace(/^https:\/\/[^/]*/, "");
  return isShared === true || path.includes("{tenant}") ? "" : path;
}

/**
 * @param filled the preset's `base_url` with the tenant in it, or the user's own in its place, with the prefix or without
 */
export function servicePlace(preset: PlacedPreset, filled: string): ServicePlace {
  const prefix = callersPrefix(preset);
  const trimmed = filled.replace(/\/+$/, "");
  const hasPrefix = prefix !== "" && trimmed.endsWith(prefix);
  return { baseUrl: hasPrefix ? trimmed.slice(0, -prefix.length) : trimmed, prefix };
}
